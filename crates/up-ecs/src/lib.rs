//! Kinds of the ECS API. One file per kind.

mod blue_green;
pub mod cluster;
mod container;
mod convert;
mod deployer;
mod deployment;
mod revision;
pub mod service;
mod service_calls;
mod service_check;
mod service_connect;
mod service_health;
mod service_parts;
pub mod task_definition;
mod volume;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::CapacityProviderStrategyItem;
use up_core::{ErrorKind, ErrorRule, Limit, Of, Problem, Service, Tagging, deploying::Deploying, part, placeholder};

up_core::client!(aws_sdk_ecs, SERVICE);
up_core::tags!(aws_sdk_ecs::types::Tag);
up_core::tag_resource!(list);

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
    deploying: Some(Deploying::Services(&deployer::Deploys)),
    ..Service::new("ecs")
};

/// ECS uses two codes for most errors; the text tells them apart.
const ERRORS: &[ErrorRule] = &[
    // A new cluster, or a target group with a new listener (terraform-provider-aws, ecs/service.go).
    ErrorRule::new(ErrorKind::Propagating).on("CreateService").code("ClusterNotFound"),
    ErrorRule::new(ErrorKind::Propagating).text("does not have an associated load balancer"),
    ErrorRule::new(ErrorKind::Propagating).text("service linked role"),
    ErrorRule::new(ErrorKind::Propagating).text("ECS service role being passed has the proper permissions"),
    ErrorRule::new(ErrorKind::Propagating).text("Role is not valid"),
    // A cluster that is being created, or is new (ecs/cluster_capacity_providers.go there).
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

/// The number of clusters, services or tasks that one call takes: the lowest of ECS's limits, that of services.
const SERVICES_A_CALL: usize = 10;

/// A capacity provider of a strategy.
#[part(Eq, PartialOrd, Ord, mirrors = CapacityProviderStrategyItem)]
pub(crate) struct CapacityProvider {
    /// `FARGATE`, `FARGATE_SPOT`, or the name of a capacity provider for an Auto Scaling group.
    capacity_provider: String,
    /// The relative share of the tasks beyond `base`. Default: 1.
    #[spec(default = 1)]
    weight: u32,
    /// The minimum number of tasks on this capacity provider; only one provider of a strategy may have a base.
    /// Default: 0.
    #[spec(default)]
    base: u32,
}

pub(crate) type Strategy = BTreeSet<CapacityProvider>;

type Map = BTreeMap<String, String>;

/// Checks that `text` is an ARN: ECS takes names too, but answers with ARNs, so that names would always differ.
fn arn(field: impl Into<String>, text: &str) -> Option<Problem> {
    let is_arn = text.starts_with("arn:") || placeholder::has_placeholder(text);
    (!is_arn).then(|| Problem::new(field, format!("`{text}` is not an ARN")))
}
