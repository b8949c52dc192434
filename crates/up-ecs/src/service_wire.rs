//! A service as ECS takes it, and read back into what a user would have written.

use aws_sdk_ecs::types::{
    self as wire, AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentAlarms,
    DeploymentCircuitBreaker, DeploymentRolloutState,
};
use up_core::{Error, Ref, Result, Seen, Status};

use crate::{
    attrs, count, ids, maybe_count, number,
    service::{
        Alarms, CircuitBreaker, DeploymentConfiguration, LoadBalancer, NetworkConfiguration, PlacementConstraint,
        PlacementStrategy, Service, ServiceRegistry,
    },
    service_connect::ServiceConnect,
    set, strategy, tags,
    words::{ConstraintType, LaunchType, PropagateTags, SchedulingStrategy, StrategyType},
};

impl Service {
    /// The service, unless it is gone: ECS describes an `INACTIVE` one for a while.
    pub(crate) fn read(service: wire::Service) -> Result<Option<Seen<Self>>> {
        let status = status(&service)?;
        let primary = service.deployments.into_iter().flatten().find(|it| it.status.as_deref() == Some("PRIMARY"));
        let (Some(id), Some(name), Some(cluster), Some(task_definition)) =
            (service.service_arn, service.service_name, service.cluster_arn, service.task_definition)
        else {
            return Err(Error::absent("ARN, name, cluster and task definition of a service"));
        };
        let Some(status) = status else { return Ok(None) };
        let network = service.network_configuration.and_then(|network| network.awsvpc_configuration);
        let connect = primary.and_then(|deployment| deployment.service_connect_configuration);
        let rebalancing = service.availability_zone_rebalancing;
        let balancers = service.load_balancers.into_iter().flatten().map(LoadBalancer::seen);
        let registries = service.service_registries.into_iter().flatten().map(ServiceRegistry::seen);
        let deployment = service.deployment_configuration.map(DeploymentConfiguration::seen).transpose()?;
        let scheduling = service.scheduling_strategy.map(|word| SchedulingStrategy::seen(word.as_str()));
        let propagation = service.propagate_tags.map(|word| PropagateTags::seen(word.as_str()));
        let constraints = service.placement_constraints.into_iter().flatten().map(PlacementConstraint::seen);
        let strategies = service.placement_strategy.into_iter().flatten().map(PlacementStrategy::seen);
        let spec = Self {
            name: Some(name.clone()),
            cluster: Ref::id(cluster),
            task_definition: Ref::id(task_definition),
            desired_count: Some(count(service.desired_count)?),
            launch_type: service.launch_type.map(|word| LaunchType::seen(word.as_str())).transpose()?,
            capacity_provider_strategy: Some(strategy(service.capacity_provider_strategy)?),
            platform_version: service.platform_version,
            network_configuration: network.map(NetworkConfiguration::seen),
            load_balancers: balancers.collect::<Result<_>>()?,
            health_check_grace_period_seconds: count(service.health_check_grace_period_seconds.unwrap_or(0))?,
            deployment_configuration: deployment.unwrap_or_default(),
            scheduling_strategy: scheduling.transpose()?.unwrap_or(SchedulingStrategy::Replica),
            enable_execute_command: service.enable_execute_command,
            enable_ecs_managed_tags: service.enable_ecs_managed_tags,
            propagate_tags: propagation.transpose()?.unwrap_or(PropagateTags::None),
            availability_zone_rebalancing: rebalancing.map(|it| it == AvailabilityZoneRebalancing::Enabled),
            placement_constraints: constraints.collect::<Result<_>>()?,
            placement_strategy: strategies.collect::<Result<_>>()?,
            service_registries: registries.collect::<Result<_>>()?,
            service_connect_configuration: connect.map(ServiceConnect::seen).transpose()?,
        };
        let attrs = attrs([("arn", &id), ("name", &name)]);
        Ok(Some(Seen { tags: tags(service.tags), attrs, status, notes: vec![], spec, id }))
    }

    pub(crate) fn network(&self, cx: &up_core::Cx) -> Result<Option<wire::NetworkConfiguration>> {
        let wire = |network: &NetworkConfiguration| {
            let public = if network.assign_public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
            let vpc = AwsVpcConfiguration::builder().set_subnets(Some(ids(cx, &network.subnets)?));
            let vpc = vpc.set_security_groups(Some(ids(cx, &network.security_groups)?)).assign_public_ip(public);
            Ok(wire::NetworkConfiguration::builder().awsvpc_configuration(vpc.build()?).build())
        };
        self.network_configuration.as_ref().map(wire).transpose()
    }

    /// Sorted, so that both sides compare however their references are written.
    pub(crate) fn balancers(&self, cx: &up_core::Cx) -> Result<Vec<wire::LoadBalancer>> {
        let wire = |balancer: &LoadBalancer| {
            let wire = wire::LoadBalancer::builder().target_group_arn(cx.attr(&balancer.target_group, "arn")?);
            let wire = wire.container_name(&balancer.container_name);
            Ok(wire.container_port(balancer.container_port.into()).build())
        };
        let mut balancers = self.load_balancers.iter().map(wire).collect::<Result<Vec<_>>>()?;
        balancers.sort_by(|one, other| one.target_group_arn.cmp(&other.target_group_arn));
        Ok(balancers)
    }

    /// ECS has no `NONE` to set at birth: leaving it out says so.
    pub(crate) fn propagation(&self) -> Option<wire::PropagateTags> {
        (self.propagate_tags != PropagateTags::None).then(|| self.propagate_tags.as_str().into())
    }

    pub(crate) fn rebalancing(&self) -> Option<AvailabilityZoneRebalancing> {
        let (on, off) = (AvailabilityZoneRebalancing::Enabled, AvailabilityZoneRebalancing::Disabled);
        self.availability_zone_rebalancing.map(|is_on| if is_on { on } else { off })
    }

    pub(crate) fn constraints(&self) -> Vec<wire::PlacementConstraint> {
        let constraint = |it: &PlacementConstraint| {
            let constraint = wire::PlacementConstraint::builder().r#type(it.constraint.as_str().into());
            constraint.set_expression(it.expression.clone()).build()
        };
        self.placement_constraints.iter().map(constraint).collect()
    }

    pub(crate) fn strategies(&self) -> Vec<wire::PlacementStrategy> {
        let strategy = |it: &PlacementStrategy| {
            let strategy = wire::PlacementStrategy::builder().r#type(it.strategy.as_str().into());
            strategy.set_field(it.field.clone()).build()
        };
        self.placement_strategy.iter().map(strategy).collect()
    }

    pub(crate) fn registries(&self) -> Vec<wire::ServiceRegistry> {
        let registry = |it: &ServiceRegistry| {
            let registry = wire::ServiceRegistry::builder().registry_arn(&it.registry_arn);
            let registry = registry.set_container_name(it.container_name.clone());
            registry.set_container_port(it.container_port.map(i32::from)).build()
        };
        self.service_registries.iter().map(registry).collect()
    }
}

/// `None` where it is gone. A deployment that has failed counts, even where ECS has gone back to the one before; ECS
/// stops listing it once its tasks are gone.
fn status(service: &wire::Service) -> Result<Option<Status>> {
    match service.status.as_deref() {
        Some("ACTIVE") => {}
        Some("DRAINING") => return Ok(Some(Status::Deleting("DRAINING".into()))),
        Some("INACTIVE") => return Ok(None),
        // Taken for gone, it would be made a second time.
        _ => return Err(Error::absent("status of a service that is known")),
    }
    let deployments = service.deployments.as_deref().unwrap_or_default();
    let failed = deployments.iter().find(|it| it.rollout_state == Some(DeploymentRolloutState::Failed));
    if let Some(failed) = failed {
        let reason = failed.rollout_state_reason.as_deref().unwrap_or("ECS gives no reason");
        return Ok(Some(Status::Failed(format!("the deployment failed: {reason}"))));
    }
    let primary = deployments.iter().find(|it| it.status.as_deref() == Some("PRIMARY"));
    let counts = format!("{} of {} tasks run", service.running_count, service.desired_count);
    let is_done = match primary.map(|primary| &primary.rollout_state) {
        Some(Some(state)) => *state == DeploymentRolloutState::Completed,
        _ => service.running_count == service.desired_count,
    };
    Ok(Some(if is_done { Status::Ready } else { Status::Pending(counts) }))
}

impl NetworkConfiguration {
    fn seen(network: AwsVpcConfiguration) -> Self {
        Self {
            subnets: network.subnets.into_iter().map(Ref::id).collect(),
            security_groups: network.security_groups.into_iter().flatten().map(Ref::id).collect(),
            assign_public_ip: network.assign_public_ip == Some(AssignPublicIp::Enabled),
        }
    }
}

impl LoadBalancer {
    fn seen(balancer: wire::LoadBalancer) -> Result<Self> {
        let (Some(target_group), Some(container_name), Some(port)) =
            (balancer.target_group_arn, balancer.container_name, balancer.container_port)
        else {
            return Err(Error::absent("target group, container and port of a service's load balancer"));
        };
        Ok(Self { target_group: Ref::id(target_group), container_name, container_port: whole_port(port)? })
    }
}

impl DeploymentConfiguration {
    pub(crate) fn wire(&self) -> Result<wire::DeploymentConfiguration> {
        let CircuitBreaker { enable, rollback } = self.deployment_circuit_breaker;
        let breaker = DeploymentCircuitBreaker::builder().enable(enable).rollback(rollback).build();
        let deployment = wire::DeploymentConfiguration::builder()
            .maximum_percent(number(self.maximum_percent)?)
            .minimum_healthy_percent(number(self.minimum_healthy_percent)?)
            .deployment_circuit_breaker(breaker)
            .set_alarms(self.alarms.as_ref().map(Alarms::wire).transpose()?);
        Ok(deployment.build())
    }

    fn seen(deployment: wire::DeploymentConfiguration) -> Result<Self> {
        let default = Self::default();
        let breaker = deployment.deployment_circuit_breaker;
        let breaker = breaker.map(|it| CircuitBreaker { enable: it.enable, rollback: it.rollback });
        let alarms = deployment.alarms.filter(|alarms| !alarms.alarm_names.is_empty());
        Ok(Self {
            maximum_percent: maybe_count(deployment.maximum_percent)?.unwrap_or(default.maximum_percent),
            minimum_healthy_percent: maybe_count(deployment.minimum_healthy_percent)?
                .unwrap_or(default.minimum_healthy_percent),
            deployment_circuit_breaker: breaker.unwrap_or_default(),
            alarms: alarms.map(Alarms::seen),
        })
    }
}

/// What ECS does where nothing is said.
impl Default for DeploymentConfiguration {
    fn default() -> Self {
        let deployment_circuit_breaker = CircuitBreaker::default();
        Self { maximum_percent: 200, minimum_healthy_percent: 100, deployment_circuit_breaker, alarms: None }
    }
}

impl Alarms {
    fn wire(&self) -> Result<DeploymentAlarms> {
        let alarms = DeploymentAlarms::builder().set_alarm_names(Some(self.alarm_names.iter().cloned().collect()));
        Ok(alarms.enable(self.enable).rollback(self.rollback).build()?)
    }

    fn seen(alarms: DeploymentAlarms) -> Self {
        let DeploymentAlarms { alarm_names, enable, rollback, .. } = alarms;
        Self { alarm_names: set(Some(alarm_names)), enable, rollback }
    }
}

impl PlacementConstraint {
    fn seen(constraint: wire::PlacementConstraint) -> Result<Self> {
        let word = constraint.r#type.ok_or_else(|| Error::absent("type of a placement constraint"))?;
        Ok(Self { constraint: ConstraintType::seen(word.as_str())?, expression: constraint.expression })
    }
}

impl PlacementStrategy {
    fn seen(strategy: wire::PlacementStrategy) -> Result<Self> {
        let word = strategy.r#type.ok_or_else(|| Error::absent("type of a placement strategy"))?;
        Ok(Self { strategy: StrategyType::seen(word.as_str())?, field: strategy.field })
    }
}

impl ServiceRegistry {
    fn seen(registry: wire::ServiceRegistry) -> Result<Self> {
        Ok(Self {
            registry_arn: registry.registry_arn.ok_or_else(|| Error::absent("ARN of a service registry"))?,
            container_name: registry.container_name,
            container_port: registry.container_port.map(whole_port).transpose()?,
        })
    }
}

fn whole_port(port: i32) -> Result<u16> {
    u16::try_from(port).map_err(|_| Error::absent("port that can be"))
}
