//! Kinds of the RDS API. One file per kind.

pub mod instance;
mod instance_calls;
mod instance_check;
pub mod parameter_group;
mod pending;
mod status;
pub mod subnet_group;
mod version;
mod window;

use up_core::{
    Context, ErrorKind, ErrorRule, Later, Limit, Of, Problem, Query, Result, Service, TagChange, Tagging, Tags,
    placeholder,
};

up_core::client!(aws_sdk_rds, SERVICE);
up_core::tags!(aws_sdk_rds::types::Tag);

/// RDS.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ByArn(retag),
    kinds: &[
        &Of::<instance::Instance>::KIND,
        &Of::<parameter_group::ParameterGroup>::KIND,
        &Of::<subnet_group::SubnetGroup>::KIND,
    ],
    ..Service::new("rds")
};

/// RDS has a separate "busy" code for each type: `InvalidDBInstanceState`, `InvalidDBSubnetGroupStateFault`.
const ERRORS: &[ErrorRule] = &[
    // "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING": for 10 to
    // 30 s after the role's creation (terraform-provider-aws#315).
    ErrorRule::new(ErrorKind::Propagating).text("IAM role ARN value"),
    // The first DB instance of an account creates the role, and does not wait for it.
    ErrorRule::new(ErrorKind::Propagating).text("service-linked role"),
    ErrorRule::new(ErrorKind::Propagating).text("service linked role"),
    // New subnets: "Some input subnets in :[subnet-1] are invalid", "The subnet ID 'subnet-1' does not exist".
    ErrorRule::new(ErrorKind::Propagating).code("InvalidSubnet").text("does not exist"),
    ErrorRule::new(ErrorKind::Propagating).code("InvalidSubnet").text("are invalid"),
    // "… has pending changes. Please wait for the changes to complete": `InvalidDBParameterGroupState` and others.
    ErrorRule::new(ErrorKind::Conflict).code("State"),
];

const LIMITS: &[Limit] = &[
    Limit::new("Describe*", 50.0, 20.0).guess(),
    Limit::new("List*", 50.0, 20.0).guess(),
    Limit::new("*", 20.0, 5.0).guess(),
];

/// The tags of a group of the stack. RDS describes a group without its tags: the tagging index has most of them; new
/// ones, which it does not have yet, are recognized by their names.
async fn owned(cx: &Context, query: &Query, name: &str, arn: &str) -> Result<Option<Tags>> {
    let ask = async {
        let answer = client(cx).list_tags_for_resource().resource_name(arn).send().await?;
        Ok(Some(tags(answer.tag_list)))
    };
    query.tags(name, arn, ask).await
}

/// Changes the tags of an RDS resource by its ARN. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, arn: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            let call = client(cx).add_tags_to_resource().resource_name(arn);
            call.set_tags(Some(list(&change.set))).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            let call = client(cx).remove_tags_from_resource().resource_name(arn);
            call.set_tag_keys(Some(keys)).send().await?;
        }
        Ok(())
    })
}

/// Checks a user's own name: RDS converts names to lower case, so that others would always differ.
fn lower_case(name: Option<&String>) -> Option<Problem> {
    let name = name.filter(|name| !placeholder::has_placeholder(name))?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    let message = format!("`{name}` must consist of lower-case letters, digits and hyphens, and begin with a letter");
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_plain);
    Problem::when(!is_name, "name", message)
}
