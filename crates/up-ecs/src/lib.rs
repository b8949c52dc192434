//! Kinds of the ECS API. One file per kind.

mod blue_green;
pub mod cluster;
mod container;
mod container_wire;
pub mod service;
mod service_connect;
mod service_health;
mod service_wire;
pub mod task_definition;
mod volume;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ecs::types::{CapacityProviderStrategyItem, KeyValuePair, Secret};
use up_core::{
    Attrs, Context, Error, ErrorKind, ErrorRule, Later, Limit, Name, Of, Problem, Ref, Result, Service, TagChange,
    Tagging, placeholder,
};

up_core::client!(aws_sdk_ecs, SERVICE);
up_core::tags!(aws_sdk_ecs::types::Tag);

/// ECS.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[
        &Of::<cluster::Cluster>::KIND,
        &Of::<service::Service>::KIND,
        &Of::<task_definition::TaskDefinition>::KIND,
    ],
    ..Service::new("ecs")
};

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

/// From "Request throttling for the Amazon ECS API".
const LIMITS: &[Limit] = &[
    Limit::new("DescribeServices", 100.0, 20.0).shared("service read"),
    Limit::new("ListServices", 100.0, 20.0).shared("service read"),
    Limit::new("CreateService", 50.0, 5.0).shared("service modify"),
    Limit::new("UpdateService", 50.0, 5.0).shared("service modify"),
    Limit::new("DeleteService", 50.0, 5.0).shared("service modify"),
    Limit::new("ListTaskDefinition*", 50.0, 20.0).shared("task definition read"),
    Limit::new("DescribeTaskDefinition", 50.0, 20.0).shared("task definition read"),
    Limit::new("*TaskDefinition*", 20.0, 1.0).shared("task definition modify"),
    Limit::new("DescribeClusters", 50.0, 20.0).shared("cluster read"),
    Limit::new("ListClusters", 50.0, 20.0).shared("cluster read"),
    Limit::new("*Cluster", 20.0, 1.0).shared("cluster modify"),
    Limit::new("PutClusterCapacityProviders", 20.0, 1.0).shared("cluster modify"),
    Limit::new("Describe*", 100.0, 20.0).guess(),
    Limit::new("List*", 100.0, 20.0).guess(),
    Limit::new("*", 50.0, 5.0).guess(),
];

/// How many clusters, services or tasks one call takes, less one: the least of ECS's limits, for services.
const SERVICES_A_CALL: usize = 10;

/// Changes the tags of anything ECS knows by an ARN. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, arn: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            client(cx).tag_resource().resource_arn(arn).set_tags(Some(list(&change.set))).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
        }
        Ok(())
    })
}

/// A share of a service's tasks that one capacity provider takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapacityProvider {
    /// `FARGATE`, `FARGATE_SPOT`, or the name of one made for an Auto Scaling group.
    capacity_provider: String,
    /// Its share of the tasks beyond `base`, against the weights of the others. Default: 1.
    #[serde(default = "one")]
    weight: u32,
    /// Tasks it runs before any are shared out; only one provider of a strategy may have some. Default: 0.
    #[serde(default)]
    base: u32,
}

pub(crate) type Strategy = BTreeSet<CapacityProvider>;

fn one() -> u32 {
    1
}

fn strategy_items(strategy: &Strategy) -> Result<Vec<CapacityProviderStrategyItem>> {
    let item = |provider: &CapacityProvider| {
        let item = CapacityProviderStrategyItem::builder().capacity_provider(&provider.capacity_provider);
        Ok(item.weight(number(provider.weight)?).base(number(provider.base)?).build()?)
    };
    strategy.iter().map(item).collect()
}

fn strategy(items: Option<Vec<CapacityProviderStrategyItem>>) -> Result<Strategy> {
    let provider = |item: CapacityProviderStrategyItem| {
        let (weight, base) = (count(item.weight)?, count(item.base)?);
        Ok(CapacityProvider { capacity_provider: item.capacity_provider, weight, base })
    };
    items.into_iter().flatten().map(provider).collect()
}

/// A count as the SDK takes it.
fn number(count: u32) -> Result<i32> {
    i32::try_from(count).map_err(|_| Error::refused("TooLarge", format!("{count} is more than ECS counts")))
}

/// A count as a spec holds it. ECS counts nothing below zero.
fn count(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::absent("count that can be"))
}

fn maybe_number(count: Option<u32>) -> Result<Option<i32>> {
    count.map(number).transpose()
}

fn maybe_count(number: Option<i32>) -> Result<Option<u32>> {
    number.map(count).transpose()
}

/// ECS tells a list that is left out from one that is empty; a spec does not.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn texts<T: Clone>(items: &BTreeSet<T>) -> Option<Vec<T>> {
    some(items.iter().cloned().collect())
}

/// Words of AWS's as they are read: one that is newer than this program is told about, and ends nothing.
#[derive(Debug, Default)]
struct Words {
    notes: Vec<String>,
}

impl Words {
    fn known<T>(&mut self, word: &str, observed: impl Fn(&str) -> Result<T>) -> Option<T> {
        let known = observed(word).ok();
        if known.is_none() {
            self.notes.push(format!("AWS says `{word}`, which this version of bullstra-up does not know"));
        }
        known
    }
}

fn set<T: Ord>(items: Option<Vec<T>>) -> BTreeSet<T> {
    items.into_iter().flatten().collect()
}

type Map = BTreeMap<String, String>;

fn options(map: &Map) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

fn map(options: Option<HashMap<String, String>>) -> Map {
    options.into_iter().flatten().collect()
}

fn pairs(map: &Map) -> Option<Vec<KeyValuePair>> {
    some(map.iter().map(|(name, value)| KeyValuePair::builder().name(name).value(value).build()).collect())
}

fn from_pairs(pairs: Option<Vec<KeyValuePair>>) -> Map {
    pairs.into_iter().flatten().filter_map(|pair| Some((pair.name?, pair.value?))).collect()
}

fn secrets(map: &Map) -> Result<Option<Vec<Secret>>> {
    let secrets = map.iter().map(|(name, from)| Ok(Secret::builder().name(name).value_from(from).build()?));
    secrets.collect::<Result<_>>().map(some)
}

fn from_secrets(secrets: Option<Vec<Secret>>) -> Map {
    secrets.into_iter().flatten().map(|secret| (secret.name, secret.value_from)).collect()
}

/// The ids of a set of references, in one order however they are written.
fn ids<K: Name>(cx: &Context, references: &BTreeSet<Ref<K>>) -> Result<Vec<String>> {
    let mut ids = references.iter().map(|reference| cx.id(reference)).collect::<Result<Vec<_>>>()?;
    ids.sort();
    Ok(ids)
}

fn attrs<const N: usize>(pairs: [(&str, &str); N]) -> Attrs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A problem where `text` is no ARN: ECS takes names too, and answers with ARNs, which would never compare.
fn arn(field: impl Into<String>, text: &str) -> Option<Problem> {
    let is_arn = text.starts_with("arn:") || placeholder::has_placeholder(text);
    (!is_arn).then(|| Problem::new(field, format!("`{text}` is not an ARN")))
}
