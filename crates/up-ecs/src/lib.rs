//! Kinds of the ECS API. One file per kind.

mod blue_green;
pub mod cluster;
mod container;
mod convert;
pub mod service;
mod service_connect;
mod service_health;
mod service_read;
pub mod task_definition;
mod volume;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{CapacityProviderStrategyItem, Tag};
use up_core::{AnyKind, Attrs, Context, ErrorKind, ErrorRule, Of, Problem, Result, TagChange, Tags, part, placeholder};

up_core::client!(aws_sdk_ecs, ERRORS);

/// ECS says most things with two codes; what they mean stands in the text.
const ERRORS: &[ErrorRule] = &[
    // A cluster, or a target group's listener, that was made a moment ago (terraform-provider-aws, ecs/service.go).
    ErrorRule::new(ErrorKind::Propagating).on("CreateService").code("ClusterNotFound"),
    ErrorRule::new(ErrorKind::Propagating).text("does not have an associated load balancer"),
    ErrorRule::new(ErrorKind::Propagating).text("service linked role"),
    ErrorRule::new(ErrorKind::Propagating).text("ECS service role being passed has the proper permissions"),
    ErrorRule::new(ErrorKind::Propagating).text("Role is not valid"),
    // A cluster that is being made, or has just been (ecs/cluster_capacity_providers.go there).
    ErrorRule::new(ErrorKind::Propagating).text("Cluster was not ACTIVE"),
    ErrorRule::new(ErrorKind::Conflict).code("UpdateInProgress"),
    ErrorRule::new(ErrorKind::NotFound).text("Unable to describe task definition"),
    ErrorRule::new(ErrorKind::NotFound).code("ServiceNotActive"),
    ErrorRule::new(ErrorKind::NotFound).text("is inactive"),
    ErrorRule::new(ErrorKind::Exists).text("was not idempotent"),
    ErrorRule::new(ErrorKind::Conflict).text("still Draining"),
    ErrorRule::new(ErrorKind::Conflict).text("update is in progress"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] =
    &[&Of::<cluster::Cluster>::KIND, &Of::<service::Service>::KIND, &Of::<task_definition::TaskDefinition>::KIND];

/// How many clusters, services or tasks one call takes, less one: the least of ECS's limits, for services.
const SERVICES_A_CALL: usize = 10;

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn tags(tags: Option<Vec<Tag>>) -> Tags {
    let pairs = tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value?)));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Changes the tags of anything ECS knows by an ARN. Safe to repeat: tags are set, not added.
async fn retag(cx: &Context, arn: &str, change: &TagChange) -> Result<()> {
    if !change.set.is_empty() {
        client(cx).tag_resource().resource_arn(arn).set_tags(Some(list(&change.set))).send().await?;
    }
    if !change.remove.is_empty() {
        let keys = change.remove.iter().cloned().collect();
        client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
    }
    Ok(())
}

/// A share of a service's tasks that one capacity provider takes.
#[part(Eq, PartialOrd, Ord, mirrors = CapacityProviderStrategyItem)]
pub(crate) struct CapacityProvider {
    /// `FARGATE`, `FARGATE_SPOT`, or the name of one made for an Auto Scaling group.
    capacity_provider: String,
    /// Its share of the tasks beyond `base`, against the weights of the others. Default: 1.
    #[spec(default = 1)]
    weight: u32,
    /// Tasks it runs before any are shared out; only one provider of a strategy may have some. Default: 0.
    #[spec(default)]
    base: u32,
}

pub(crate) type Strategy = BTreeSet<CapacityProvider>;

/// ECS tells a list that is left out from one that is empty; a spec does not.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

type Map = BTreeMap<String, String>;

fn attrs<const N: usize>(pairs: [(&str, &str); N]) -> Attrs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A problem where `text` is no ARN: ECS takes names too, and answers with ARNs, which would never compare.
fn arn(field: impl Into<String>, text: &str) -> Option<Problem> {
    let is_arn = text.starts_with("arn:") || placeholder::has_placeholder(text);
    (!is_arn).then(|| Problem::new(field, format!("`{text}` is not an ARN")))
}
