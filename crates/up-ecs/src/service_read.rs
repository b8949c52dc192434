//! A service, read back into what a user would have written.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{self as wire, AvailabilityZoneRebalancing};
use up_core::{Context, Error, FromAws, Observed, Ref, Result, ToAws, mirror, read};

use crate::{
    attrs,
    service::{DeploymentConfiguration, NetworkConfiguration, PlacementStrategy, Service},
    service_health::{primary, status},
    tags,
    words::{PropagateTags, SchedulingStrategy},
};

impl Service {
    /// The service, unless it is gone: ECS describes an `INACTIVE` one for a while. What a deployment changes is read from the
    /// primary one: after a rollback the service itself may still name what failed.
    pub(crate) fn read(service: wire::Service) -> Result<Option<Observed<Self>>> {
        let Some(status) = status(&service)? else { return Ok(None) };
        let now = primary(&service).cloned();
        let (Some(id), Some(name), Some(cluster), Some(task_definition)) = (
            service.service_arn,
            service.service_name,
            service.cluster_arn,
            now.as_ref().and_then(|now| now.task_definition.clone()).or(service.task_definition),
        ) else {
            return Err(Error::absent("ARN, name, cluster and task definition of a service"));
        };
        let (network, launch_type, shares, connect) = now.map_or((None, None, None, None), |now| {
            let shares = now.capacity_provider_strategy;
            (now.network_configuration, now.launch_type, shares, now.service_connect_configuration)
        });
        let deployment: DeploymentConfiguration = read!(service.deployment_configuration or Default::default())?;
        let scheduling_strategy = read!(service.scheduling_strategy or Self::default_scheduling_strategy())?;
        let strategies: Vec<PlacementStrategy> = read!(service.placement_strategy)?;
        let shares = shares.or(service.capacity_provider_strategy).unwrap_or_default();
        let spec = Self {
            name: Some(name.clone()),
            cluster: Ref::id(cluster),
            task_definition: Ref::id(task_definition),
            desired_count: read!(service.desired_count)?,
            wait_for_images: BTreeSet::new(),
            launch_type: mirror::read(launch_type.or(service.launch_type), "launch type")?,
            capacity_provider_strategy: Some(FromAws::from_aws(shares)?),
            platform_version: service.platform_version,
            network_configuration: mirror::read(
                network.or(service.network_configuration).and_then(|network| network.awsvpc_configuration),
                "network configuration",
            )?,
            load_balancers: read!(service.load_balancers)?,
            health_check_grace_period_seconds: read!(service.health_check_grace_period_seconds or 0)?,
            deployment_configuration: deployment.complete(scheduling_strategy),
            scheduling_strategy,
            enable_execute_command: service.enable_execute_command,
            enable_ecs_managed_tags: service.enable_ecs_managed_tags,
            propagate_tags: read!(service.propagate_tags or PropagateTags::None)?,
            availability_zone_rebalancing: service
                .availability_zone_rebalancing
                .map(|it| it == AvailabilityZoneRebalancing::Enabled),
            placement_constraints: read!(service.placement_constraints)?,
            placement_strategy: strategies.into_iter().map(PlacementStrategy::normal).collect(),
            service_registries: read!(service.service_registries)?,
            service_connect_configuration: mirror::read(connect, "Service Connect")?,
        };
        let attrs = attrs([("arn", &id), ("name", &name)]);
        Ok(Some(Observed { attrs, status, ..Observed::new(id, tags(service.tags), spec) }))
    }

    pub(crate) fn rebalancing(&self) -> Option<AvailabilityZoneRebalancing> {
        let (on, off) = (AvailabilityZoneRebalancing::Enabled, AvailabilityZoneRebalancing::Disabled);
        self.availability_zone_rebalancing.map(|is_on| if is_on { on } else { off })
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
