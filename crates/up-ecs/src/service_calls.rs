//! A service in calls, and read back into what a user would have written.

use std::collections::BTreeSet;

use aws_sdk_ecs::{
    operation::{
        create_service::builders::CreateServiceFluentBuilder, update_service::builders::UpdateServiceFluentBuilder,
    },
    types::{self as wire, AvailabilityZoneRebalancing},
};
use up_core::{mirror, prelude::*};

use crate::{
    client,
    service::Service,
    service_health::{primary, status},
    service_parts::{DeploymentConfiguration, PlacementStrategy},
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
        let observed = Observed::new(&id, tags(service.tags), spec).attr("arn", id.clone()).attr("name", name);
        Ok(Some(Observed { status, ..observed.created_at(service.created_at) }))
    }

    pub(crate) fn rebalancing(&self) -> Option<AvailabilityZoneRebalancing> {
        let (on, off) = (AvailabilityZoneRebalancing::Enabled, AvailabilityZoneRebalancing::Disabled);
        self.availability_zone_rebalancing.map(|is_on| if is_on { on } else { off })
    }

    pub(crate) fn request(&self, cx: &Context) -> Result<CreateServiceFluentBuilder> {
        let desired = match self.scheduling_strategy {
            SchedulingStrategy::Daemon => None,
            _ if !self.missing_images().is_empty() => Some(0),
            _ => Some(self.desired_count.unwrap_or(1)),
        };
        let grace = Some(self.health_check_grace_period_seconds).filter(|seconds| *seconds > 0);
        // ECS has no `NONE` at birth: leaving it out says so.
        let propagates = Some(self.propagate_tags).filter(|propagates| *propagates != PropagateTags::None);
        let request = client(cx)
            .create_service()
            .cluster(cx.attr(&self.cluster, "arn")?)
            .task_definition(cx.attr(&self.task_definition, "arn")?)
            .set_desired_count(desired.to_aws(cx)?)
            .set_health_check_grace_period_seconds(grace.to_aws(cx)?)
            .set_propagate_tags(propagates.to_aws(cx)?)
            .set_availability_zone_rebalancing(self.rebalancing());
        Ok(fill!(request, cx, self: launch_type, capacity_provider_strategy, platform_version, network_configuration,
            load_balancers, deployment_configuration, scheduling_strategy, enable_execute_command,
            enable_ecs_managed_tags, placement_constraints, placement_strategy, service_registries,
            service_connect_configuration))
    }

    /// True for what ECS does only with a new deployment: another strategy, and starting again what has failed. The first
    /// tasks of a service come with one as well, so that its circuit breaker watches over them.
    fn forces_deployment(&self, observed: &Observed<Self>) -> bool {
        let is = &observed.spec;
        let moves = self
            .capacity_provider_strategy
            .as_ref()
            .is_some_and(|strategy| Some(strategy) != is.capacity_provider_strategy.as_ref());
        let starts = is.desired_count == Some(0) && self.desired_count.is_some_and(|count| count > 0);
        moves || starts || matches!(&observed.status, Status::Impaired(trouble) if trouble.repair)
    }

    /// Both sides are compared as ECS takes them, where a reference is the id it stands for.
    pub(crate) fn changes(&self, cx: &Context, observed: &Observed<Self>) -> Result<UpdateServiceFluentBuilder> {
        let is = &observed.spec;
        let definition = cx.attr(&self.task_definition, "arn")?;
        let moves = cx.attr(&is.task_definition, "arn").map_or(true, |arn| arn != definition);
        let call = client(cx)
            .update_service()
            .cluster(cx.attr(&is.cluster, "arn")?)
            .service(&observed.id)
            .set_task_definition(moves.then_some(definition))
            .set_force_new_deployment(self.forces_deployment(observed).then_some(true))
            .set_availability_zone_rebalancing(self.rebalancing());
        Ok(fill_changed!(call, cx, self, is: desired_count, capacity_provider_strategy, platform_version,
            network_configuration, load_balancers, health_check_grace_period_seconds, deployment_configuration,
            enable_execute_command, enable_ecs_managed_tags, propagate_tags, placement_constraints, placement_strategy,
            service_registries, service_connect_configuration))
    }
}
