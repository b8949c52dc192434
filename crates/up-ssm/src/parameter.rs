//! `ssm.parameter`: a setting or a secret, by name.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::{
    operation::put_parameter::builders::PutParameterFluentBuilder,
    types::{ParameterMetadata, ParameterStringFilter, ResourceTypeForTagging},
};
use up_core::{Address, Select, prelude::*};

use crate::client;

/// Keeps a setting or a secret, by name, in SSM's Parameter Store.
#[spec(reads = ParameterMetadata)]
pub struct Parameter {
    /// Its name, such as `/orders/database/host`. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What it holds. Default: `String`.
    #[spec(replace, default = ParameterType::String)]
    r#type: ParameterType,
    /// What a `String` or a `StringList` holds; the items of a list have commas between them.
    #[spec(unmirrored)]
    value: Option<String>,
    /// What a `SecureString` holds. It is sent to AWS and never read back, and is shown and kept nowhere.
    #[spec(write_only, unmirrored)]
    secure_value: Option<String>,
    /// What it is for. Default: empty.
    #[spec(default)]
    description: String,
    /// The KMS key that encrypts a `SecureString`: an id, an ARN or an alias. Default: empty, AWS's own for SSM.
    #[spec(default)]
    key_id: String,
    /// How large it may be. Left out: as it is, which is what the account has chosen at first, and mostly `Standard`.
    tier: Option<Tier>,
    /// What AWS checks a value for: `text`, for nothing, `aws:ec2:image` or `aws:ssm:integration`. Default: `text`.
    #[spec(default = "text".to_owned())]
    data_type: String,
    /// A regular expression that its value must match. Default: empty, any value.
    #[spec(default)]
    allowed_pattern: String,
}

up_core::aws_enum! {
    /// What a parameter holds.
    ParameterType {
        /// Text.
        String = "String",
        /// Texts, with commas between them.
        StringList = "StringList",
        /// A secret, encrypted with a key of KMS.
        SecureString = "SecureString",
    }
    /// How large a parameter may be.
    Tier {
        /// 4 KB. Free of charge.
        Standard = "Standard",
        /// 8 KB. There is no way back to `Standard`.
        Advanced = "Advanced",
        /// The first that suffices, as AWS finds.
        IntelligentTiering = "Intelligent-Tiering",
    }
}

/// The key of AWS's own that encrypts secrets where none is named.
const AWS_KEY: &str = "alias/aws/ssm";

/// The most parameters that AWS lists in one call, and names in one filter.
const PAGE: i32 = 50;
/// The most values that AWS gives in one call.
const VALUES: usize = 10;

impl Kind for Parameter {
    const NAME: &'static str = "ssm.parameter";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::SSM::Parameter",
        actions: Actions {
            observe: actions!(ssm: DescribeParameters ListTagsForResource GetParameters),
            create: actions!(ssm: PutParameter AddTagsToResource, kms: Encrypt GenerateDataKey),
            update: actions!(ssm: PutParameter, kms: Encrypt GenerateDataKey),
            tag: actions!(ssm: AddTagsToResource RemoveTagsFromResource),
            delete: actions!(ssm: DeleteParameter),
        },
        attrs: &["arn", "name"],
        // AWS counts what stands before it in the ARN, and takes 1,011 characters in all.
        longest_name: 900,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call finds the stack's parameters by their tag, and one those that AWS may not list by it yet, and those of others
    /// that have one of the stack's names. Values take one call for 10 parameters, but for secrets, which are never asked for.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut found = BTreeMap::new();
        if !query.is_by_id() {
            let tag = format!("tag:{}", Address::STACK_TAG);
            let stack = query.only_stack().map(|stack| [stack.to_owned()].into());
            let filter = stack.map(|stack| filter(&tag, stack)).transpose()?;
            found.extend(list(cx, filter).await?);
        }
        let named: BTreeSet<_> =
            query.known.iter().chain(&*query.names).filter(|name| !found.contains_key(*name)).collect();
        for names in named.into_iter().collect::<Vec<_>>().chunks(PAGE as usize) {
            found.extend(list(cx, Some(filter("Name", names.iter().map(|name| (*name).clone()).collect())?)).await?);
        }
        let tagged =
            found.into_iter().map(async |(name, found)| Ok((tags(cx, query, &name, &found).await?, name, found)));
        let tagged = concurrently(tagged).await?;
        let ours = tagged.into_iter().filter_map(|(tags, name, found)| Some((name, found, tags?)));
        let ours: Vec<_> = ours.filter(|(name, _, tags)| query.accepts(name, tags)).collect();
        let plain = ours.iter().filter(|(_, found, _)| !is_secret(found)).map(|(name, ..)| name);
        let mut values = values(cx, plain).await?;
        let read = ours.into_iter().filter_map(|(name, found, tags)| match values.remove(&name) {
            _ if is_secret(&found) => Some(read(cx, found, None, tags)),
            Some(Some(value)) => Some(read(cx, found, Some(value), tags)),
            // Gone meanwhile.
            Some(None) => None,
            None => Some(Err(Error::absent("value of a parameter"))),
        });
        read.collect()
    }

    /// Safe to repeat: names are unique, and nothing is overwritten; one that an earlier try has made is known by its tags.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let answer = self.put(cx, &name)?.set_tags(Some(crate::list(&new.tags))).send().await?;
        let tier = read!(answer.tier or self.tier)?;
        let spec = Self { name: Some(name), secure_value: None, tier, ..self.clone() };
        Ok(spec.observed(cx, None, new.tags.clone()).into())
    }

    /// Safe to repeat: everything is set. A put always takes a value.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        self.put(cx, &observed.id)?.overwrite(true).send().await?;
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_parameter().name(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let form = "a name is 1 to 900 letters, digits, `_`, `.` and `-`, or a path of such names that begins with `/`";
        let name = Problem::unless_form("name", self.name.as_ref(), is_name, form);
        let is_secret = self.r#type == ParameterType::SecureString;
        let (has_value, has_secret) = (self.value.is_some(), self.secure_value.is_some());
        let rules = problems! {
            is_secret && has_value => "value", "a `SecureString` has a `secure_value` in its place";
            is_secret && !has_value && !has_secret => "secure_value", "missing: the secret";
            !is_secret && has_secret => "secure_value", "only a parameter of the type `SecureString` has one";
            !is_secret && !has_secret && !has_value => "value", "missing: what it holds";
            !is_secret && !self.key_id.is_empty() => "key_id", "only a `SecureString` is encrypted with a key of yours";
        };
        name.into_iter().chain(rules).collect()
    }

    /// AWS's own key is named by saying nothing.
    fn normal(self) -> Self {
        Self { key_id: if self.key_id == AWS_KEY { String::new() } else { self.key_id }, ..self }
    }

    /// Where AWS chooses the tier, whichever it has chosen is right.
    fn accept(self, observed: &Observed<Self>) -> Self {
        let is_free = self.tier == Some(Tier::IntelligentTiering);
        Self { tier: if is_free { observed.spec.tier } else { self.tier }, ..self }
    }

    fn refuses(&self, observed: Option<&Observed<Self>>, _: Asked<'_>) -> Vec<Problem> {
        let was = observed.and_then(|observed| observed.spec.tier);
        problems! {
            was == Some(Tier::Advanced) && self.tier == Some(Tier::Standard) => "tier",
                "AWS has no way back from `Advanced`: write `tier = \"Advanced\"`, or give the parameter another name";
        }
    }
}

impl Parameter {
    /// The call that sets all there is of it, but for tags.
    fn put(&self, cx: &Context, name: &str) -> Result<PutParameterFluentBuilder> {
        let value = self.value.as_ref().or(self.secure_value.as_ref());
        let none = || Error::refused("NoValue", "AWS takes no change of a `SecureString` without its `secure_value`");
        let key = match self.r#type {
            ParameterType::SecureString if self.key_id.is_empty() => Some(AWS_KEY.to_owned()),
            ParameterType::SecureString => Some(self.key_id.clone()),
            _ => None,
        };
        let call = client(cx).put_parameter().name(name).value(value.ok_or_else(none)?).set_key_id(key);
        Ok(fill!(call, cx, self: r#type, description, allowed_pattern, data_type, tier))
    }

    fn observed(self, cx: &Context, arn: Option<String>, tags: Tags) -> Observed<Self> {
        let name = self.name.clone().unwrap_or_default();
        let arn = arn.unwrap_or_else(|| arn_of(cx, &name));
        Observed::new(name.clone(), tags, self).attr("arn", arn).attr("name", name)
    }
}

fn is_name(name: &str) -> bool {
    let is_legal =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let mut parts = name.strip_prefix('/').unwrap_or(name).split('/');
    name.len() <= 900 && parts.all(is_legal) && (name.starts_with('/') || !name.contains('/'))
}

/// A path has its own slash before it.
fn arn_of(cx: &Context, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    crate::SERVICE.arn(cx, format_args!("parameter{slash}{name}"))
}

fn filter(key: &str, values: Vec<String>) -> Result<ParameterStringFilter> {
    Ok(ParameterStringFilter::builder().key(key).option("Equals").set_values(Some(values)).build()?)
}

/// What AWS says of parameters, but for their values, by name.
async fn list(cx: &Context, filter: Option<ParameterStringFilter>) -> Result<Vec<(String, ParameterMetadata)>> {
    let call = client(cx).describe_parameters().max_results(PAGE).set_parameter_filters(filter.map(|one| vec![one]));
    let pages: Vec<_> = call.into_paginator().send().try_collect().await?;
    let named = pages
        .into_iter()
        .flat_map(|page| page.parameters.unwrap_or_default())
        .map(|found| Ok((present(found.name.clone(), "name of a parameter")?, found)));
    named.collect()
}

/// `None`: gone meanwhile.
async fn tags(cx: &Context, query: &Query, name: &str, found: &ParameterMetadata) -> Result<Option<Tags>> {
    let arn = found.arn.clone().unwrap_or_else(|| arn_of(cx, name));
    if let Some(tags) = query.index.tags(&arn) {
        return Ok(Some(tags.clone()));
    }
    if query.select == Select::Stacks && !query.index.lists(&arn) {
        return Ok(None);
    }
    let call = client(cx).list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
    let answer = call.send().await.unless_gone()?;
    Ok(answer.map(|answer| crate::tags(answer.tag_list)))
}

/// The values of parameters that are no secrets, by name. `None`: gone meanwhile.
async fn values(cx: &Context, names: impl Iterator<Item = &String>) -> Result<BTreeMap<String, Option<String>>> {
    let names: Vec<_> = names.cloned().collect();
    let calls = names.chunks(VALUES).map(|names| client(cx).get_parameters().set_names(Some(names.to_vec())));
    let calls: Vec<_> = calls.collect();
    let mut values = BTreeMap::new();
    for answer in concurrently(calls.into_iter().map(|call| async { Ok(call.send().await?) })).await? {
        values.extend(answer.invalid_parameters.into_iter().flatten().map(|name| (name, None)));
        let found = answer.parameters.into_iter().flatten();
        values.extend(found.filter_map(|found| Some((found.name?, Some(found.value?)))));
    }
    Ok(values)
}

fn is_secret(found: &ParameterMetadata) -> bool {
    found.r#type.as_ref().is_some_and(|found| found.as_str() == ParameterType::SecureString.as_str())
}

fn read(cx: &Context, found: ParameterMetadata, value: Option<String>, tags: Tags) -> Result<Observed<Parameter>> {
    // SSM leaves out what is empty, and never the type.
    present(found.r#type.as_ref(), "type of a parameter")?;
    let arn = found.arn.clone();
    let spec = Parameter { value, ..Parameter::from_aws(found)? };
    Ok(spec.normal().observed(cx, arn, tags))
}
