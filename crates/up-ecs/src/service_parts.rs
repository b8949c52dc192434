//! Tables of a service.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use up_core::prelude::*;

use crate::{
    blue_green::{self, AdvancedConfiguration},
    convert,
    words::{ConstraintType, DeploymentStrategy, SchedulingStrategy, StrategyType},
};

#[part(Eq, mirrors = wire::AwsVpcConfiguration)]
pub(crate) struct NetworkConfiguration {
    /// Subnets to run in, of one network.
    pub(crate) subnets: BTreeSet<Ref<names::Subnet>>,
    /// Firewalls around each task, 5 at most. Default: the network's own.
    #[spec(default)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Gives tasks public addresses, as Fargate needs in subnets without NAT. Default: false.
    #[spec(default, with = convert::enabled)]
    pub(crate) assign_public_ip: bool,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct WaitedImage {
    /// The tag that a container of the task definition names.
    pub(crate) tag: String,
    /// The tags there are: `"${ecr.repository.main.pushed_tags}"`.
    pub(crate) pushed_tags: String,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::LoadBalancer)]
pub(crate) struct LoadBalancer {
    /// The target group.
    #[spec(member = target_group_arn, attribute = "arn")]
    pub(crate) target_group: Ref<names::TargetGroup>,
    /// A container of the task definition.
    pub(crate) container_name: String,
    /// A port it maps.
    pub(crate) container_port: u16,
    /// The second target group, and where requests come in by: for every deployment strategy but `ROLLING`.
    #[spec(with = blue_green)]
    pub(crate) advanced_configuration: Option<AdvancedConfiguration>,
}

#[part(Default, Eq, mirrors = wire::DeploymentConfiguration)]
pub(crate) struct DeploymentConfiguration {
    /// `ROLLING`: new tasks take the places of old ones. `BLUE_GREEN`: they come up beside these, and then get all requests.
    /// `LINEAR` and `CANARY`: in steps, those that AWS takes by default. Default: `ROLLING`.
    #[spec(default)]
    pub(crate) strategy: DeploymentStrategy,
    /// Minutes that old tasks stay after the new ones have got all requests, 0 to 1,440: needed for `BLUE_GREEN`.
    pub(crate) bake_time_in_minutes: Option<u32>,
    /// How many tasks may run in a deployment, in percent of the desired count. Default: 200; 100, the most, for a DAEMON.
    pub(crate) maximum_percent: Option<u32>,
    /// How many must stay healthy in a deployment, in percent of the desired count. Default: 100; 0 for a DAEMON.
    pub(crate) minimum_healthy_percent: Option<u32>,
    /// What ends a deployment whose tasks do not come up. Without it, ECS tries for ever.
    #[spec(default)]
    pub(crate) deployment_circuit_breaker: CircuitBreaker,
    /// CloudWatch alarms that end a deployment. Left out: none.
    #[spec(with = convert::alarms)]
    pub(crate) alarms: Option<Alarms>,
}

#[part(Default, Eq, mirrors = wire::DeploymentCircuitBreaker)]
pub(crate) struct CircuitBreaker {
    /// Ends a deployment whose tasks do not come up. Default: false.
    #[spec(default)]
    pub(crate) enable: bool,
    /// Goes back to the last deployment that worked. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, mirrors = wire::DeploymentAlarms)]
pub(crate) struct Alarms {
    /// Names of the alarms.
    pub(crate) alarm_names: BTreeSet<String>,
    /// Whether they are watched. Default: true.
    #[spec(default = true)]
    pub(crate) enable: bool,
    /// Goes back to the last deployment that worked. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementConstraint)]
pub(crate) struct PlacementConstraint {
    /// `distinctInstance`, or `memberOf` with an expression.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) constraint: ConstraintType,
    /// In ECS's cluster query language.
    pub(crate) expression: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementStrategy)]
pub(crate) struct PlacementStrategy {
    /// `random`, `spread` or `binpack`.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) strategy: StrategyType,
    /// What to spread over (`instanceId`, `attribute:ecs.availability-zone`) or to pack by (`cpu`, `memory`).
    pub(crate) field: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ServiceRegistry)]
pub(crate) struct ServiceRegistry {
    /// The Cloud Map service, as an ARN.
    pub(crate) registry_arn: String,
    /// A container of the task definition, for SRV records.
    pub(crate) container_name: Option<String>,
    /// A port it maps, for SRV records.
    pub(crate) container_port: Option<u16>,
}

impl WaitedImage {
    /// False as well while the repository is still to be made, and nobody can tell.
    pub(crate) fn is_pushed(&self) -> bool {
        self.pushed_tags.split_whitespace().any(|tag| tag == self.tag)
    }
}

/// ECS wraps it in a table with nothing else in it.
impl ToAws<wire::NetworkConfiguration> for NetworkConfiguration {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::NetworkConfiguration>> {
        let vpc = self.to_aws(cx)?;
        Ok(Some(wire::NetworkConfiguration::builder().set_awsvpc_configuration(vpc).build()))
    }
}

impl DeploymentConfiguration {
    /// With what ECS takes where nothing is said: a DAEMON has one place on each instance, so that its task stops before
    /// the new one starts (https://github.com/aws/aws-cdk/issues/2209).
    pub(crate) fn complete(self, scheduling: SchedulingStrategy) -> Self {
        let (most, least) = if scheduling == SchedulingStrategy::Daemon { (100, 0) } else { (200, 100) };
        Self {
            maximum_percent: self.maximum_percent.or(Some(most)),
            minimum_healthy_percent: self.minimum_healthy_percent.or(Some(least)),
            ..self
        }
    }
}

impl PlacementStrategy {
    /// ECS answers with `CPU` and `MEMORY` in capitals, and keeps the case of attributes.
    pub(crate) fn normal(self) -> Self {
        let fold = |field: String| match field.to_ascii_lowercase() {
            folded if ["cpu", "memory"].contains(&folded.as_str()) => folded,
            _ => field,
        };
        Self { field: self.field.map(fold), ..self }
    }
}
