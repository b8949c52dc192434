//! `sns.subscription`: an endpoint that receives a topic's messages.

use aws_sdk_sns::types;
use serde_json::json;
use up_core::prelude::*;

use crate::{Fields, client, differing, empty, read};

/// Delivers the messages of a topic to an endpoint: a queue, a Lambda function, an email address …
///
/// A subscription of an email address, an HTTP endpoint or another account is pending until it is confirmed there.
/// Until then, AWS neither shows nor changes its attributes, and cannot delete it: it deletes it automatically after 48
/// hours. Subscriptions of the topic that the stack does not declare are left alone.
#[spec]
pub struct Subscription {
    /// The topic.
    #[spec(replace)]
    topic: Ref<names::Topic>,
    /// The delivery protocol.
    #[spec(replace)]
    protocol: Protocol,
    /// The endpoint: the ARN of a queue, of a function or of a Firehose delivery stream, a URL, an email address or a
    /// phone number.
    #[spec(replace)]
    endpoint: String,
    /// Enables raw message delivery: messages without SNS's JSON envelope. For `sqs`, `firehose`, `http` and `https`.
    /// Default: false.
    #[spec(default)]
    raw_message_delivery: bool,
    /// The filter policy, which selects the messages to deliver: `{ event = ["paid"] }`. Default: all messages.
    #[spec(default = empty())]
    filter_policy: Document,
    /// Whether the filter policy applies to message attributes or to the message body. Default: `MessageAttributes`.
    #[spec(default = FilterPolicyScope::MessageAttributes)]
    filter_policy_scope: FilterPolicyScope,
    /// The dead-letter queue, for messages that cannot be delivered: `{ deadLetterTargetArn = "arn:aws:sqs:…" }`.
    /// Default: none.
    #[spec(default = empty())]
    redrive_policy: Document,
    /// The delivery policy: retries over HTTP and HTTPS. Default: that of the topic.
    #[spec(default = empty())]
    delivery_policy: Document,
    /// The ARN of the role with which SNS delivers to Firehose; for `firehose`. Default: empty.
    #[spec(default)]
    subscription_role_arn: String,
}

up_core::aws_enum! {
    /// A delivery protocol.
    Protocol {
        /// To an SQS queue.
        Sqs = "sqs",
        /// To a Lambda function.
        Lambda = "lambda",
        /// To a Firehose delivery stream.
        Firehose = "firehose",
        /// By POST requests over HTTP.
        Http = "http",
        /// By POST requests over HTTPS.
        Https = "https",
        /// By email, as text.
        Email = "email",
        /// By email, as JSON.
        EmailJson = "email-json",
        /// By text messages (SMS).
        Sms = "sms",
        /// To the endpoint of a mobile app or device.
        Application = "application",
    }
    /// What a filter policy applies to.
    FilterPolicyScope {
        /// The attributes of the message.
        MessageAttributes = "MessageAttributes",
        /// The body of the message, which must be JSON.
        MessageBody = "MessageBody",
    }
}

/// In the order in which they are sent. The filter's scope is ordered separately, see [`Subscription::changed`].
const FIELDS: &Fields = &[
    ("raw_message_delivery", "RawMessageDelivery"),
    ("filter_policy", FILTER),
    ("filter_policy_scope", SCOPE),
    ("redrive_policy", "RedrivePolicy"),
    ("delivery_policy", "DeliveryPolicy"),
    ("subscription_role_arn", "SubscriptionRoleArn"),
];
const FILTER: &str = "FilterPolicy";
const SCOPE: &str = "FilterPolicyScope";

/// What SNS lists instead of an ARN until a subscription is confirmed, and for days after a deletion by another account
/// (https://repost.aws/knowledge-center/sns-cross-account-subscription).
const PENDING: &str = "PendingConfirmation";
const DELETED: &str = "Deleted";

impl Kind for Subscription {
    const NAME: &'static str = "sns.subscription";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::SNS::Subscription",
        actions: Actions {
            observe: actions!(sns: ListSubscriptionsByTopic ListSubscriptions GetSubscriptionAttributes),
            create: actions!(sns: Subscribe, iam: PassRole),
            update: actions!(sns: SetSubscriptionAttributes, iam: PassRole),
            tag: &[],
            delete: actions!(sns: Unsubscribe),
        },
        attrs: &["arn"],
        parent: Some("topic"),
        indexed: false,
        replace: Order::DestroyBeforeCreate,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call for each topic, and one for each confirmed subscription of the stack.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let listed = if query.is_all() {
            client(cx).list_subscriptions().into_paginator().items().send().try_collect().await?
        } else {
            let topics: Vec<_> = query.parents.keys().cloned().collect();
            concurrently(topics.into_iter().map(|topic| of_topic(cx, topic))).await?.concat()
        };
        found(listed.into_iter().map(|listed| look(cx, query, listed))).await
    }

    /// Safe to repeat: a topic has one subscription for each protocol and endpoint, and SNS answers with the existing
    /// one if it has the attributes of the request.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let topic = cx.id(&self.topic)?;
        let mut call = client(cx).subscribe().topic_arn(&topic).protocol(self.protocol.as_str());
        call = call.endpoint(&self.endpoint);
        for (attribute, value) in self.changed(&bare(&topic, self.protocol, &self.endpoint)?) {
            call = call.attributes(attribute, value);
        }
        let answer = present(call.send().await?.subscription_arn, "ARN of a subscription")?;
        // Instead of an ARN, SNS answers with a text if the subscription must be confirmed.
        let arn = if answer.starts_with("arn:") { answer } else { PENDING.to_owned() };
        let spec = Self { topic: Ref::id(&topic), endpoint: self.shown_endpoint(), ..self.clone() };
        Ok(Observed { tags: new.tags.clone(), ..spec.observed(&topic, arn) }.into())
    }

    /// Safe to repeat: attributes are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        for (attribute, value) in self.changed(&observed.spec) {
            // How attributes are removed: terraform-provider-aws, internal/service/sns/topic_subscription.go.
            let value = match (attribute, value.is_empty()) {
                (FILTER, true) => Some("{}".to_owned()),
                ("RedrivePolicy", true) => None,
                _ => Some(value),
            };
            let call = client(cx).set_subscription_attributes().subscription_arn(arn(observed)?);
            call.attribute_name(attribute).set_attribute_value(value).send().await?;
        }
        Ok(())
    }

    async fn tag(_: &Context, _: &Observed<Self>, _: &TagChange) -> Result<()> {
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. AWS does not delete an unconfirmed subscription on request, but
    /// does so automatically after 48 hours
    /// (https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html).
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        match arn(observed)? {
            PENDING => Ok(()),
            arn => Ok(client(cx).unsubscribe().subscription_arn(arn).send().await.map(drop)?),
        }
    }

    fn natural_key(&self) -> Option<String> {
        Some(format!("{}|{}", self.protocol.as_str(), self.shown_endpoint()))
    }

    /// Values that AWS does not show are not compared: the attributes of a pending subscription, and the password in a
    /// URL.
    fn accept(self, observed: &Observed<Self>) -> Self {
        let endpoint = self.shown_endpoint();
        match arn(observed) {
            Ok(PENDING) => Self { topic: self.topic, protocol: self.protocol, endpoint, ..observed.spec.clone() },
            _ => Self { endpoint, ..self },
        }
    }

    fn check(&self) -> Vec<Problem> {
        let begins = match self.protocol {
            Protocol::Sqs | Protocol::Lambda | Protocol::Firehose | Protocol::Application => "arn:",
            Protocol::Http => "http://",
            Protocol::Https => "https://",
            _ => "",
        };
        let form = format!("expected a value that begins with `{begins}`");
        let endpoint = Problem::unless_form("endpoint", &self.endpoint, |text| text.starts_with(begins), form);
        let has_scope = self.filter_policy_scope != Self::default_filter_policy_scope();
        let (takes_role, has_role) = (self.protocol == Protocol::Firehose, !self.subscription_role_arn.is_empty());
        let rules = problems! {
            has_scope && self.filter_policy == empty() => "filter_policy_scope", "only possible with a `filter_policy`";
            takes_role && !has_role => "subscription_role_arn", "missing: the role with which SNS delivers to Firehose";
            has_role && !takes_role => "subscription_role_arn", "only possible for `firehose`";
        };
        endpoint.into_iter().chain(rules).collect()
    }
}

impl Subscription {
    /// The endpoint as SNS shows it: without the password of a URL (terraform-provider-aws,
    /// internal/service/sns/topic_subscription_test.go).
    fn shown_endpoint(&self) -> String {
        let masked = self.endpoint.split_once("://").and_then(|(scheme, rest)| {
            let (credentials, host) = rest.split_once('@').filter(|(credentials, _)| !credentials.contains('/'))?;
            let (user, _) = credentials.split_once(':')?;
            Some(format!("{scheme}://{user}:****@{host}"))
        });
        masked.unwrap_or_else(|| self.endpoint.clone())
    }

    fn observed(self, topic: &str, arn: String) -> Observed<Self> {
        let id = format!("{topic}|{}|{}", self.protocol.as_str(), self.endpoint);
        let note = "waits for confirmation at its endpoint; AWS deletes it after 48 hours without confirmation";
        let notes = if arn == PENDING { vec![note.to_owned()] } else { vec![] };
        Observed { notes, ..Observed::new(id, Tags::new(), self) }.attr("arn", arn)
    }

    /// The attributes in which it differs from `other`, in an order that SNS accepts: for a filter policy with nested
    /// tables, the scope `MessageBody` is set before and removed after it.
    fn changed(&self, other: &Self) -> Vec<(&'static str, String)> {
        let mut changed = differing(self, other, FIELDS);
        // Without a filter policy there is no scope.
        changed.retain(|(attribute, _)| *attribute != SCOPE || self.filter_policy != empty());
        let is_first =
            |attribute: &str| attribute == SCOPE && self.filter_policy_scope == FilterPolicyScope::MessageBody;
        changed.sort_by_key(|(attribute, _)| !is_first(attribute));
        changed
    }
}

/// A subscription as SNS creates it without attributes.
fn bare(topic: &str, protocol: Protocol, endpoint: &str) -> Result<Subscription> {
    let topic = Ref::<names::Topic>::id(topic);
    let bare = json!({ "topic": topic, "protocol": protocol, "endpoint": endpoint });
    serde_json::from_value(bare).map_err(|error| Error::ours(error.to_string()))
}

fn arn(observed: &Observed<Subscription>) -> Result<&str> {
    observed.attrs.get("arn").map(String::as_str).ok_or_else(|| Error::ours("a subscription without ARN"))
}

/// The subscriptions of a topic; none if it no longer exists.
async fn of_topic(cx: &Context, topic: String) -> Result<Vec<types::Subscription>> {
    let pages = client(cx).list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    Ok(pages.try_collect().await.unless_gone()?.unwrap_or_default())
}

/// `None` if the query does not ask for it, or it was deleted meanwhile.
async fn look(cx: &Context, query: &Query, listed: types::Subscription) -> Result<Option<Observed<Subscription>>> {
    let arn = present(listed.subscription_arn, "ARN of a subscription")?;
    let topic = present(listed.topic_arn, "topic of a subscription")?;
    let endpoint = present(listed.endpoint, "endpoint of a subscription")?;
    let bare = bare(&topic, read!(listed.protocol)?, &endpoint)?;
    let is_asked = bare.natural_key().is_some_and(|key| query.accepts_child(&topic, &key));
    if arn == DELETED || !is_asked {
        return Ok(None);
    }
    if arn == PENDING {
        return Ok(Some(bare.observed(&topic, arn)));
    }
    let answer = client(cx).get_subscription_attributes().subscription_arn(&arn).send().await.unless_gone()?;
    let Some(answer) = answer else { return Ok(None) };
    let attributes = present(answer.attributes, "attributes of a subscription")?;
    Ok(Some(read(&bare, FIELDS, &attributes)?.observed(&topic, arn)))
}
