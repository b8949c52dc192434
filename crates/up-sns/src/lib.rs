//! Kinds of the SNS API. One file per kind.

pub mod subscription;
pub mod topic;

use std::collections::HashMap;

use serde_json::{Value, json};
use up_core::{
    AlreadyDone, Context, Document, Error, ErrorKind, ErrorRule, Kind, Limit, Of, Result, Service, Tagging, Tags,
};

up_core::client!(aws_sdk_sns, SERVICE);
up_core::tags!(aws_sdk_sns::types::Tag, required);
up_core::tag_resource!(list);

/// SNS.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[&Of::<topic::Topic>::KIND, &Of::<subscription::Subscription>::KIND],
    ..Service::new("sns")
};

const ERRORS: &[ErrorRule] = &[
    // A create call for an existing resource with other tags or attributes (localstack/localstack#2405, #8816; the
    // error texts for topics and subscriptions begin in the same way).
    ErrorRule::new(ErrorKind::Exists).code("InvalidParameter").text("already exists with different"),
    // A policy that names a new role, and a new role for SNS to use (terraform-provider-aws,
    // internal/service/sns/topic.go). SNS reports an invalid policy with other words, and the run fails at once.
    ErrorRule::new(ErrorKind::Propagating).code("InvalidParameter").text("PrincipalNotFound"),
    ErrorRule::new(ErrorKind::Propagating).code("InvalidParameter").text("is not a valid role to allow SNS"),
    // "Can't perform multiple operations on a tag simultaneously"; tags of a topic of this name that was deleted a moment
    // ago (API reference of SNS, TagResource).
    ErrorRule::new(ErrorKind::Conflict).code("ConcurrentAccess"),
    ErrorRule::new(ErrorKind::Conflict).code("StaleTag"),
    ErrorRule::new(ErrorKind::Denied).code("AuthorizationError"),
];

/// "Amazon SNS endpoints and quotas" has numbers for some of the calls, and says that they differ by region.
const LIMITS: &[Limit] = &[
    Limit::new("Subscribe", 100.0, 100.0),
    Limit::new("Unsubscribe", 100.0, 100.0),
    Limit::new("CreateTopic", 30.0, 30.0),
    Limit::new("DeleteTopic", 30.0, 30.0),
    Limit::new("List*", 30.0, 30.0).guess(),
    Limit::new("TagResource", 10.0, 10.0),
    Limit::new("UntagResource", 10.0, 10.0),
    Limit::new("*", 30.0, 30.0).guess(),
];

/// Attributes, in SNS's form.
type Attributes = HashMap<String, String>;

/// Fields of a spec that are attributes in SNS, with the names of these.
type Fields = [(&'static str, &'static str)];

/// A resource with these attributes. Attributes that SNS leaves out have the values of `bare`, a resource without any.
fn read<K: Kind>(bare: &K, fields: &Fields, attributes: &Attributes) -> Result<K> {
    let unreadable = |what: &str, error| Error::absent(&format!("readable {what}: {error}"));
    let mut spec = plain(bare);
    for (field, attribute) in fields {
        let Some(text) = attributes.get(*attribute).filter(|text| !text.is_empty()) else { continue };
        spec[*field] = match &spec[*field] {
            Value::Bool(_) => Value::Bool(text == "true"),
            Value::Object(_) => serde_json::from_str(text).map_err(|error| unreadable(attribute, error))?,
            _ => Value::String(text.clone()),
        };
    }
    serde_json::from_value(spec).map_err(|error| unreadable("attributes", error))
}

/// The attributes in which `desired` differs from `other`, in SNS's form. Those that are to be removed are empty.
fn differing<K: Kind>(desired: &K, other: &K, fields: &Fields) -> Vec<(&'static str, String)> {
    let (desired, other) = (plain(desired), plain(other));
    let differing = fields.iter().filter(|(field, _)| desired[*field] != other[*field]);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(map) if map.is_empty() => String::new(),
        value => value.to_string(),
    };
    differing.map(|(field, attribute)| (*attribute, text(&desired[*field]))).collect()
}

fn plain<K: Kind>(spec: &K) -> Value {
    serde_json::to_value(spec).expect("a spec is plain data")
}

/// The value for "no document".
fn empty() -> Document {
    json!({}).into()
}

/// The tags of a resource; `None` if it no longer exists.
async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    let answer = client(cx).list_tags_for_resource().resource_arn(arn).send().await.unless_gone()?;
    Ok(answer.map(|answer| tags(answer.tags)))
}
