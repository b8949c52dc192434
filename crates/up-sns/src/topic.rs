//! `sns.topic`: delivers published messages to its subscribers.

use serde_json::json;
use up_core::prelude::*;

use crate::{Attributes, Fields, client, differing, empty, list, read, tags_of};

/// Delivers each published message to all its subscriptions.
#[spec]
pub struct Topic {
    /// Its name, such as `orders`; the name of a FIFO topic ends in `.fifo`. Default: derived from stack and address. A
    /// change replaces the topic.
    #[spec(name)]
    name: Option<String>,
    /// Creates a FIFO topic, which delivers messages in order and exactly once. Default: false.
    #[spec(replace, default)]
    fifo_topic: bool,
    /// Content-based deduplication: treats messages with the same content within 5 minutes as duplicates. Only for FIFO
    /// topics. Default: false.
    #[spec(default)]
    content_based_deduplication: bool,
    /// The display name, the sender in SMS and email messages, 100 characters at most. Default: empty.
    #[spec(default)]
    display_name: String,
    /// The KMS key for server-side encryption: an id, an ARN or an alias. Default: empty, not encrypted.
    #[spec(default)]
    kms_master_key_id: String,
    /// The access policy: who may publish and subscribe. A statement without `Resource` applies to this topic. Default:
    /// AWS's policy, which allows the account of the topic only.
    #[spec(default = empty().into())]
    policy: PolicyDocument,
    /// The delivery policy: retries over HTTP and HTTPS, such as `{ http = { … } }`. Default: AWS's policy.
    #[spec(default = empty())]
    delivery_policy: Document,
    /// The signature version of messages: `1` for SHA1, `2` for SHA256. Default: `1`.
    #[spec(default = SignatureVersion::Sha1)]
    signature_version: SignatureVersion,
    /// The tracing mode of AWS X-Ray. Default: `PassThrough`.
    #[spec(default = TracingConfig::PassThrough)]
    tracing_config: TracingConfig,
}

up_core::aws_enum! {
    /// How messages are signed.
    SignatureVersion {
        /// With SHA1.
        Sha1 = "1",
        /// With SHA256.
        Sha256 = "2",
    }
    /// The tracing mode of AWS X-Ray.
    TracingConfig {
        /// Passes on the trace header of the publisher.
        PassThrough = "PassThrough",
        /// Sends trace segments to X-Ray.
        Active = "Active",
    }
}

const FIELDS: &Fields = &[
    ("fifo_topic", "FifoTopic"),
    ("content_based_deduplication", "ContentBasedDeduplication"),
    ("display_name", "DisplayName"),
    ("kms_master_key_id", "KmsMasterKeyId"),
    ("delivery_policy", "DeliveryPolicy"),
    ("signature_version", "SignatureVersion"),
    ("tracing_config", "TracingConfig"),
];

/// The suffix of the names of FIFO topics.
const FIFO: &str = ".fifo";

impl Kind for Topic {
    const NAME: &'static str = names::Topic::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::SNS::Topic",
        actions: Actions {
            observe: actions!(sns: ListTopics ListTagsForResource GetTopicAttributes),
            create: actions!(sns: CreateTopic TagResource),
            update: actions!(sns: SetTopicAttributes),
            tag: actions!(sns: TagResource UntagResource),
            delete: actions!(sns: DeleteTopic),
        },
        attrs: &["arn", "name"],
        longest_name: 256,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call lists the account's topics. The attributes take one call for each topic of the stack, and so do tags
    /// that the tagging index does not have.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let arns = if query.is_by_id() {
            query.known.iter().cloned().collect()
        } else {
            let topics = client(cx).list_topics().into_paginator().items().send().try_collect().await?;
            let arns = topics.into_iter().map(|topic| present(topic.topic_arn, "ARN of a topic"));
            arns.collect::<Result<Vec<_>>>()?
        };
        found(arns.into_iter().map(|arn| look(cx, query, arn))).await
    }

    /// Safe to repeat: SNS answers with the existing topic of this name if it has all tags and attributes of the
    /// request, and refuses others. The tags include the owner, so that a topic outside the stack is never returned.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let end = if self.fifo_topic { FIFO } else { "" };
        let derived = || new.name(Self::INFO.longest_name - end.len()) + end;
        let name = self.name.clone().unwrap_or_else(derived);
        let arn = crate::SERVICE.arn(cx, &name);
        let mut call = client(cx).create_topic().name(&name).set_tags(Some(list(&new.tags)));
        for (attribute, value) in self.changed(&bare(), cx, &arn) {
            call = call.attributes(attribute, value);
        }
        let arn = present(call.send().await?.topic_arn, "ARN of the topic that it created")?;
        // SNS answers only with the ARN; the request determines everything else.
        let spec = Self { policy: self.policy.without_resource(&arn), ..self.clone() };
        Ok(spec.observed(arn, new.tags.clone()).into())
    }

    /// Safe to repeat: attributes are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        for (attribute, value) in self.changed(&observed.spec, cx, &observed.id) {
            let call = client(cx).set_topic_attributes().topic_arn(&observed.id);
            call.attribute_name(attribute).attribute_value(value).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_topic().topic_arn(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let is_fifo = |name: &str| !self.fifo_topic || name.ends_with(FIFO);
        let fifo = format!("the name of a FIFO topic ends in `{FIFO}`");
        let is_legal = |name: &str| {
            let plain = name.strip_suffix(FIFO).filter(|_| self.fifo_topic).unwrap_or(name);
            (1..=256).contains(&name.len()) && plain.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        let legal = "a name is 1 to 256 letters, digits, `-` and `_`";
        let name = Problem::unless_form("name", self.name.as_ref(), is_fifo, fifo);
        let name = name.or_else(|| Problem::unless_form("name", self.name.as_ref(), is_legal, legal));
        let is_policy = self.policy == Topic::default_policy() || self.policy.statements().is_some();
        let rules = problems! {
            self.content_based_deduplication && !self.fifo_topic => "content_based_deduplication",
                "only possible for FIFO topics: set `fifo_topic` as well";
            !is_policy => "policy", "a policy needs a `Statement`";
        };
        name.into_iter().chain(rules).collect()
    }

    /// A statement may name the topic or leave it out.
    fn accept(self, observed: &Observed<Self>) -> Self {
        Self { policy: self.policy.without_resource(&observed.id), ..self }
    }
}

impl Topic {
    /// The attributes in which it differs from `other`, in SNS's form.
    fn changed(&self, other: &Self, cx: &Context, arn: &str) -> Vec<(&'static str, String)> {
        let mut changed = differing(self, other, FIELDS);
        if self.policy != other.policy {
            let policy = if self.policy == Topic::default_policy() { aws_policy(cx, &[]) } else { self.policy.clone() };
            changed.push(("Policy", policy.about(arn).text()));
        }
        changed
    }

    fn observed(self, arn: String, tags: Tags) -> Observed<Self> {
        let name = name_of(&arn).to_owned();
        let spec = Self { name: Some(name.clone()), ..self };
        Observed::new(arn.clone(), tags, spec).attr("arn", arn).attr("name", name)
    }
}

/// The policy that AWS sets for a new topic. Older topics also allow actions that are no longer used: `SNS:Receive`.
fn aws_policy(cx: &Context, old: &[&str]) -> PolicyDocument {
    const ACTIONS: [&str; 8] = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    let actions = [&ACTIONS, old].concat();
    let owner = json!({ "StringEquals": { "AWS:SourceOwner": cx.account() } });
    let statement = json!({ "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": "*", "Action": actions,
        "Condition": owner });
    let policy = json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement] });
    Document::from(policy).into()
}

/// A topic as SNS creates it without attributes.
fn bare() -> Topic {
    serde_json::from_value(json!({})).expect("every field has a default")
}

/// `None` if the query does not ask for it, or it was deleted meanwhile.
async fn look(cx: &Context, query: &Query, arn: String) -> Result<Option<Observed<Topic>>> {
    let name = name_of(&arn);
    if !query.may_match(&arn, &arn, name) {
        return Ok(None);
    }
    let tags = match query.index.tags(&arn) {
        Some(tags) => Some(tags.clone()),
        None => tags_of(cx, &arn).await?,
    };
    let Some(tags) = tags.filter(|tags| query.accepts(name, tags)) else { return Ok(None) };
    let answer = client(cx).get_topic_attributes().topic_arn(&arn).send().await.unless_gone()?;
    let Some(answer) = answer else { return Ok(None) };
    let attributes = present(answer.attributes, "attributes of a topic")?;
    let policy = policy(cx, &arn, &attributes)?;
    Ok(Some(Topic { policy, ..read(&bare(), FIELDS, &attributes)? }.observed(arn, tags)))
}

fn policy(cx: &Context, arn: &str, attributes: &Attributes) -> Result<PolicyDocument> {
    let text = present(attributes.get("Policy"), "policy of a topic")?;
    let policy = PolicyDocument::parse(text).map_err(|error| Error::absent(&format!("readable policy: {error}")))?;
    let policy = policy.without_resource(arn);
    let is_aws = policy == aws_policy(cx, &[]) || policy == aws_policy(cx, &["SNS:Receive"]);
    Ok(if is_aws { Topic::default_policy() } else { policy })
}

/// The last part of an ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
