//! Kinds of the SSM API. One file per kind.

pub mod parameter;

use aws_sdk_ssm::types::ResourceTypeForTagging;
use up_core::{Context, ErrorKind, ErrorRule, Later, Limit, Of, Service, TagChange, Tagging};

up_core::client!(aws_sdk_ssm, SERVICE);
up_core::tags!(aws_sdk_ssm::types::Tag, required);

/// SSM.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[&Of::<parameter::Parameter>::KIND],
    ..Service::new("ssm")
};

const ERRORS: &[ErrorRule] = &[
    // "There are concurrent updates for a resource that supports one update at a time" (API reference of SSM, PutParameter
    // and AddTagsToResource).
    ErrorRule::new(ErrorKind::Conflict).code("TooManyUpdates"),
    // The error of the calls for tags if the parameter does not exist.
    ErrorRule::new(ErrorKind::NotFound).code("InvalidResourceId"),
];

/// From "AWS Systems Manager endpoints and quotas", Parameter Store, without its higher throughput.
const LIMITS: &[Limit] = &[
    Limit::new("GetParameter*", 40.0, 40.0).shared("parameters read"),
    Limit::new("PutParameter", 3.0, 3.0),
    Limit::new("Describe*", 10.0, 10.0).guess(),
    Limit::new("List*", 10.0, 10.0).guess(),
    Limit::new("*", 5.0, 5.0).guess(),
];

/// Changes the tags of a parameter. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, id: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        let (ssm, parameter) = (client(cx), ResourceTypeForTagging::Parameter);
        if !change.set.is_empty() {
            let call = ssm.add_tags_to_resource().resource_type(parameter.clone()).resource_id(id);
            call.set_tags(Some(list(&change.set))).send().await?;
        }
        if !change.remove.is_empty() {
            let call = ssm.remove_tags_from_resource().resource_type(parameter).resource_id(id);
            call.set_tag_keys(Some(change.remove.iter().cloned().collect())).send().await?;
        }
        Ok(())
    })
}
