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
    /// The subnets of the tasks, all in the same VPC.
    pub(crate) subnets: BTreeSet<Ref<names::Subnet>>,
    /// The security groups of the tasks, up to 5. Default: the VPC's default security group.
    #[spec(default)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Assigns public addresses to tasks, as Fargate needs in subnets without a NAT gateway or VPC endpoints.
    /// Default: false.
    #[spec(default, with = convert::enabled)]
    pub(crate) assign_public_ip: bool,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct WaitedImage {
    /// The tag of an image of the task definition.
    pub(crate) tag: String,
    /// The tags that are pushed: `"${ecr.repository.main.pushed_tags}"`.
    pub(crate) pushed_tags: String,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::LoadBalancer)]
pub(crate) struct LoadBalancer {
    /// The target group.
    #[spec(member = target_group_arn, attribute = "arn")]
    pub(crate) target_group: Ref<names::TargetGroup>,
    /// The name of a container of the task definition.
    pub(crate) container_name: String,
    /// A container port of its port mappings.
    pub(crate) container_port: u16,
    /// The alternate target group and the listener rules; required for all deployment strategies except `ROLLING`.
    #[spec(with = blue_green)]
    pub(crate) advanced_configuration: Option<AdvancedConfiguration>,
}

#[part(Default, Eq, mirrors = wire::DeploymentConfiguration)]
pub(crate) struct DeploymentConfiguration {
    /// The deployment strategy. `ROLLING`: new tasks replace old ones, some at a time. `BLUE_GREEN`: new tasks start
    /// beside the old ones, then all traffic is shifted to them. `LINEAR` and `CANARY`: traffic is shifted in steps,
    /// with AWS's default sizes. Default: `ROLLING`.
    #[spec(default)]
    pub(crate) strategy: DeploymentStrategy,
    /// The bake time: the number of minutes for which old tasks keep running after all traffic is shifted, 0 to 1,440.
    /// Required for `BLUE_GREEN`.
    pub(crate) bake_time_in_minutes: Option<u32>,
    /// The maximum number of tasks during a deployment, in percent of the desired count. Default: 200; for a DAEMON,
    /// 100, which is also its maximum.
    pub(crate) maximum_percent: Option<u32>,
    /// The minimum number of healthy tasks during a deployment, in percent of the desired count. Default: 100; for a
    /// DAEMON, 0.
    pub(crate) minimum_healthy_percent: Option<u32>,
    /// The deployment circuit breaker. Without it, ECS does not stop a deployment whose tasks fail to start.
    #[spec(default)]
    pub(crate) deployment_circuit_breaker: CircuitBreaker,
    /// CloudWatch alarms that make a deployment fail. Left out: none.
    #[spec(with = convert::alarms)]
    pub(crate) alarms: Option<Alarms>,
}

#[part(Default, Eq, mirrors = wire::DeploymentCircuitBreaker)]
pub(crate) struct CircuitBreaker {
    /// Makes a deployment fail if its tasks cannot reach a steady state. Default: false.
    #[spec(default)]
    pub(crate) enable: bool,
    /// Rolls a failed deployment back to the last completed one. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, mirrors = wire::DeploymentAlarms)]
pub(crate) struct Alarms {
    /// The names of the alarms.
    pub(crate) alarm_names: BTreeSet<String>,
    /// Whether the alarms are used. Default: true.
    #[spec(default = true)]
    pub(crate) enable: bool,
    /// Rolls a failed deployment back to the last completed one. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementConstraint)]
pub(crate) struct PlacementConstraint {
    /// `distinctInstance`, or `memberOf` with an expression.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) constraint: ConstraintType,
    /// An expression in the cluster query language, for `memberOf`.
    pub(crate) expression: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementStrategy)]
pub(crate) struct PlacementStrategy {
    /// `random`, `spread` or `binpack`.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) strategy: StrategyType,
    /// The field to spread over (`instanceId`, `attribute:ecs.availability-zone`) or to pack by (`cpu`, `memory`).
    pub(crate) field: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ServiceRegistry)]
pub(crate) struct ServiceRegistry {
    /// The ARN of the Cloud Map service.
    pub(crate) registry_arn: String,
    /// The name of a container of the task definition, for SRV records.
    pub(crate) container_name: Option<String>,
    /// A container port of its port mappings, for SRV records.
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
