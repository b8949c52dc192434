//! Kinds of the Elastic Load Balancing API, version 2. One file per kind.

mod access_logs;
mod action;
mod attributes;
mod condition;
mod find;
mod health_check;
pub mod listener;
pub mod load_balancer;
mod place;
pub mod rule;
pub mod target_group;
mod words;

use aws_sdk_elasticloadbalancingv2::types::Tag;
use up_core::{
    AnyKind, Context, ErrorKind, ErrorRule, Observed, Of, Problem, Result, TagChange, Tags, placeholder, present,
};

up_core::client!(aws_sdk_elasticloadbalancingv2, ERRORS);

const ERRORS: &[ErrorRule] = &[
    // A certificate that was issued a moment ago (terraform-provider-aws, elbv2/listener.go).
    ErrorRule::new(ErrorKind::Propagating).code("CertificateNotFound"),
    // The network's internet gateway is on its way: nothing in a load balancer names it.
    ErrorRule::new(ErrorKind::Propagating).on("CreateLoadBalancer").code("InvalidSubnet").text("no internet gateway"),
    // Its deletion protection was lifted a moment ago.
    ErrorRule::new(ErrorKind::Propagating).on("DeleteLoadBalancer").code("OperationNotPermitted").text("protection"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[
    &Of::<listener::Listener>::KIND,
    &Of::<load_balancer::LoadBalancer>::KIND,
    &Of::<rule::Rule>::KIND,
    &Of::<target_group::TargetGroup>::KIND,
];

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn tags(tags: Option<Vec<Tag>>) -> Tags {
    // The API may leave out a value that is empty.
    tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

/// Changes the tags of anything this API knows. Safe to repeat: tags are set, not added.
async fn retag(cx: &Context, arn: &str, change: &TagChange) -> Result<()> {
    if !change.set.is_empty() {
        client(cx).add_tags().resource_arns(arn).set_tags(Some(list(&change.set))).send().await?;
    }
    if !change.remove.is_empty() {
        let keys = change.remove.iter().cloned().collect();
        client(cx).remove_tags().resource_arns(arn).set_tag_keys(Some(keys)).send().await?;
    }
    Ok(())
}

/// Every answer tells what it made; one that does not is no answer.
fn made<T>(all: Option<Vec<T>>) -> Result<T> {
    present(all.and_then(|mut all| all.pop()), "resource that it made")
}

/// How CloudWatch's metrics call it: `app/web/50dc6c495c0c9188`, `targetgroup/web/73e2d6bc24d8a067`.
fn arn_suffix(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    resource.trim_start_matches("loadbalancer/").to_owned()
}

/// What has a name, with the attributes that all of these have.
fn named<K>(arn: String, name: String, tags: Tags, spec: K) -> Observed<K> {
    let suffix = arn_suffix(&arn);
    Observed::new(&arn, tags, spec).attr("arn", arn).attr("name", name).attr("arn_suffix", suffix)
}

/// The rule for names of load balancers and target groups.
fn check_name(name: &str) -> Option<Problem> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let edges = name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-");
    let right = placeholder::has_placeholder(name) || ((1..=32).contains(&name.len()) && plain && !edges);
    let message = "1 to 32 letters, digits and hyphens, with no hyphen at either end and no `internal-` in front";
    Problem::when(!right, "name", format!("a name is {message}, and this is `{name}`"))
}

/// A number that must lie in a range.
fn check_range(field: &str, value: i32, range: std::ops::RangeInclusive<i32>) -> Option<Problem> {
    let message = format!("{} to {} are possible, and this is {value}", range.start(), range.end());
    Problem::when(!range.contains(&value), field, message)
}
