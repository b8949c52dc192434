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

use up_core::{
    Context, ErrorKind, ErrorRule, Later, Limit, Observed, Of, Problem, Result, Service, TagChange, Tagging, Tags,
    placeholder, present,
};

up_core::client!(aws_sdk_elasticloadbalancingv2, SERVICE);
up_core::tags!(aws_sdk_elasticloadbalancingv2::types::Tag);

/// Elastic Load Balancing, version 2.
pub static SERVICE: Service = Service {
    iam_prefix: "elasticloadbalancing",
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[
        &Of::<listener::Listener>::KIND,
        &Of::<load_balancer::LoadBalancer>::KIND,
        &Of::<rule::Rule>::KIND,
        &Of::<target_group::TargetGroup>::KIND,
    ],
    ..Service::new("elbv2")
};

const ERRORS: &[ErrorRule] = &[
    // A new certificate (terraform-provider-aws, elbv2/listener.go).
    ErrorRule::new(ErrorKind::Propagating).code("CertificateNotFound"),
    // The VPC's internet gateway is being created: nothing in a load balancer refers to it.
    ErrorRule::new(ErrorKind::Propagating).on("CreateLoadBalancer").code("InvalidSubnet").text("no internet gateway"),
    // Deletion protection was disabled a moment ago.
    ErrorRule::new(ErrorKind::Propagating).on("DeleteLoadBalancer").code("OperationNotPermitted").text("protection"),
];

/// From "Throttling for the Elastic Load Balancing API".
const LIMITS: &[Limit] = &[
    Limit::new("CreateLoadBalancer", 10.0, 0.2).shared("load balancers"),
    Limit::new("SetSubnets", 10.0, 0.2).shared("load balancers"),
    Limit::new("RegisterTargets", 20.0, 4.0).shared("targets"),
    Limit::new("DeregisterTargets", 20.0, 4.0).shared("targets"),
    Limit::new("*", 40.0, 10.0).shared("all"),
    Limit::new("*", 40.0, 10.0).shared("all").also(),
    Limit::new("!Describe*", 20.0, 3.0).shared("modify").also(),
];

/// Changes the tags of a resource of this API. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, arn: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            client(cx).add_tags().resource_arns(arn).set_tags(Some(list(&change.set))).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            client(cx).remove_tags().resource_arns(arn).set_tag_keys(Some(keys)).send().await?;
        }
        Ok(())
    })
}

/// The resource in the answer of a create call.
fn made<T>(all: Option<Vec<T>>) -> Result<T> {
    present(all.and_then(|mut all| all.pop()), "resource that it created")
}

/// The part of the ARN that CloudWatch uses as a dimension: `app/web/50dc6c495c0c9188`,
/// `targetgroup/web/73e2d6bc24d8a067`.
fn arn_suffix(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    resource.trim_start_matches("loadbalancer/").to_owned()
}

/// A resource with a name, with the attributes that all of these have.
fn named<K>(arn: String, name: String, tags: Tags, spec: K) -> Observed<K> {
    let suffix = arn_suffix(&arn);
    Observed::new(&arn, tags, spec).attr("arn", arn).attr("name", name).attr("arn_suffix", suffix)
}

/// The rule for names of load balancers and target groups.
fn check_name(name: &str) -> Option<Problem> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let edges = name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-");
    let right = placeholder::has_placeholder(name) || ((1..=32).contains(&name.len()) && plain && !edges);
    let message =
        "1 to 32 letters, digits and hyphens, without a hyphen at either end and without the prefix `internal-`";
    Problem::when(!right, "name", format!("expected {message}, and this is `{name}`"))
}

/// Checks that a number is in a range.
fn check_range(field: &str, value: i32, range: std::ops::RangeInclusive<i32>) -> Option<Problem> {
    let message = format!("expected {} to {}, and this is {value}", range.start(), range.end());
    Problem::when(!range.contains(&value), field, message)
}
