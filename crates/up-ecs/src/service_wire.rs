//! A service as ECS takes it, and read back into what a user would have written.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    self as wire, AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentAlarms,
    DeploymentCircuitBreaker,
};
use up_core::{Error, Observed, Ref, Result};

use crate::{
    Words, attrs,
    blue_green::AdvancedConfiguration,
    count, ids, maybe_count, maybe_number,
    service::{
        Alarms, CircuitBreaker, DeploymentConfiguration, LoadBalancer, NetworkConfiguration, PlacementConstraint,
        PlacementStrategy, Service, ServiceRegistry,
    },
    service_connect::ServiceConnect,
    service_health::{primary, status},
    set, strategy, tags,
    words::{ConstraintType, DeploymentStrategy, LaunchType, PropagateTags, SchedulingStrategy, StrategyType},
};

impl Service {
    /// The service, unless it is gone: ECS describes an `INACTIVE` one for a while. What a deployment changes is read from the
    /// primary one: after a rollback the service itself may still name what failed.
    pub(crate) fn read(service: wire::Service) -> Result<Option<Observed<Self>>> {
        let Some(status) = status(&service)? else { return Ok(None) };
        let now = primary(&service).cloned();
        let mut words = Words::default();
        let (Some(id), Some(name), Some(cluster), Some(task_definition)) = (
            service.service_arn,
            service.service_name,
            service.cluster_arn,
            now.as_ref().and_then(|now| now.task_definition.clone()).or(service.task_definition),
        ) else {
            return Err(Error::absent("ARN, name, cluster and task definition of a service"));
        };
        let of_now = |part: fn(&wire::Deployment) -> Option<wire::NetworkConfiguration>| now.as_ref().and_then(part);
        let network = of_now(|now| now.network_configuration.clone()).or(service.network_configuration);
        let network = network.and_then(|network| network.awsvpc_configuration);
        let launch_type = now.as_ref().and_then(|now| now.launch_type.clone()).or(service.launch_type);
        let shares = now.as_ref().and_then(|now| now.capacity_provider_strategy.clone());
        let connect = now.and_then(|now| now.service_connect_configuration);
        let rebalancing = service.availability_zone_rebalancing;
        let balancers = service.load_balancers.into_iter().flatten().map(LoadBalancer::observed);
        let registries = service.service_registries.into_iter().flatten().map(ServiceRegistry::observed);
        let scheduling =
            service.scheduling_strategy.and_then(|word| words.known(word.as_str(), SchedulingStrategy::observed));
        let scheduling_strategy = scheduling.unwrap_or(SchedulingStrategy::Replica);
        let deployment = service.deployment_configuration.map(DeploymentConfiguration::observed).transpose()?;
        let propagation = service.propagate_tags.and_then(|word| words.known(word.as_str(), PropagateTags::observed));
        let constraints = service.placement_constraints.into_iter().flatten().map(PlacementConstraint::observed);
        let strategies = service.placement_strategy.into_iter().flatten().map(PlacementStrategy::observed);
        let spec = Self {
            name: Some(name.clone()),
            cluster: Ref::id(cluster),
            task_definition: Ref::id(task_definition),
            desired_count: Some(count(service.desired_count)?),
            wait_for_images: BTreeSet::new(),
            launch_type: launch_type.and_then(|word| words.known(word.as_str(), LaunchType::observed)),
            capacity_provider_strategy: Some(strategy(shares.or(service.capacity_provider_strategy))?),
            platform_version: service.platform_version,
            network_configuration: network.map(NetworkConfiguration::observed),
            load_balancers: balancers.collect::<Result<_>>()?,
            health_check_grace_period_seconds: count(service.health_check_grace_period_seconds.unwrap_or(0))?,
            deployment_configuration: deployment.unwrap_or_default().complete(scheduling_strategy),
            scheduling_strategy,
            enable_execute_command: service.enable_execute_command,
            enable_ecs_managed_tags: service.enable_ecs_managed_tags,
            propagate_tags: propagation.unwrap_or(PropagateTags::None),
            availability_zone_rebalancing: rebalancing.map(|it| it == AvailabilityZoneRebalancing::Enabled),
            placement_constraints: constraints.collect::<Result<_>>()?,
            placement_strategy: strategies.collect::<Result<_>>()?,
            service_registries: registries.collect::<Result<_>>()?,
            service_connect_configuration: connect.map(ServiceConnect::observed).transpose()?,
        };
        let attrs = attrs([("arn", &id), ("name", &name)]);
        Ok(Some(Observed { attrs, status, notes: words.notes, ..Observed::new(id, tags(service.tags), spec) }))
    }

    pub(crate) fn network(&self, cx: &up_core::Context) -> Result<Option<wire::NetworkConfiguration>> {
        let wire = |network: &NetworkConfiguration| {
            let public = if network.assign_public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
            let vpc = AwsVpcConfiguration::builder().set_subnets(Some(ids(cx, &network.subnets)?));
            let vpc = vpc.set_security_groups(Some(ids(cx, &network.security_groups)?)).assign_public_ip(public);
            Ok(wire::NetworkConfiguration::builder().awsvpc_configuration(vpc.build()?).build())
        };
        self.network_configuration.as_ref().map(wire).transpose()
    }

    /// Sorted, so that both sides compare however their references are written.
    pub(crate) fn balancers(&self, cx: &up_core::Context) -> Result<Vec<wire::LoadBalancer>> {
        let wire = |balancer: &LoadBalancer| {
            let wire = wire::LoadBalancer::builder().target_group_arn(cx.attr(&balancer.target_group, "arn")?);
            let wire = wire.container_name(&balancer.container_name);
            let advanced = balancer.advanced_configuration.as_ref().map(|advanced| advanced.wire(cx)).transpose()?;
            Ok(wire.set_advanced_configuration(advanced).container_port(balancer.container_port.into()).build())
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

impl NetworkConfiguration {
    fn observed(network: AwsVpcConfiguration) -> Self {
        Self {
            subnets: network.subnets.into_iter().map(Ref::id).collect(),
            security_groups: network.security_groups.into_iter().flatten().map(Ref::id).collect(),
            assign_public_ip: network.assign_public_ip == Some(AssignPublicIp::Enabled),
        }
    }
}

impl LoadBalancer {
    fn observed(balancer: wire::LoadBalancer) -> Result<Self> {
        let (Some(target_group), Some(container_name), Some(port)) =
            (balancer.target_group_arn, balancer.container_name, balancer.container_port)
        else {
            return Err(Error::absent("target group, container and port of a service's load balancer"));
        };
        let advanced_configuration = balancer.advanced_configuration.and_then(AdvancedConfiguration::observed);
        let (target_group, container_port) = (Ref::id(target_group), whole_port(port)?);
        Ok(Self { target_group, container_name, container_port, advanced_configuration })
    }
}

impl DeploymentConfiguration {
    pub(crate) fn wire(&self) -> Result<wire::DeploymentConfiguration> {
        let CircuitBreaker { enable, rollback } = self.deployment_circuit_breaker;
        let breaker = DeploymentCircuitBreaker::builder().enable(enable).rollback(rollback).build();
        let deployment = wire::DeploymentConfiguration::builder()
            .strategy(self.strategy.as_str().into())
            .set_bake_time_in_minutes(maybe_number(self.bake_time_in_minutes)?)
            .set_maximum_percent(maybe_number(self.maximum_percent)?)
            .set_minimum_healthy_percent(maybe_number(self.minimum_healthy_percent)?)
            .deployment_circuit_breaker(breaker)
            .set_alarms(self.alarms.as_ref().map(Alarms::wire).transpose()?);
        Ok(deployment.build())
    }

    fn observed(deployment: wire::DeploymentConfiguration) -> Result<Self> {
        let breaker = deployment.deployment_circuit_breaker;
        let breaker = breaker.map(|it| CircuitBreaker { enable: it.enable, rollback: it.rollback });
        let alarms = deployment.alarms.filter(|alarms| !alarms.alarm_names.is_empty());
        let strategy = deployment.strategy.map(|word| DeploymentStrategy::observed(word.as_str())).transpose()?;
        Ok(Self {
            strategy: strategy.unwrap_or_default(),
            bake_time_in_minutes: maybe_count(deployment.bake_time_in_minutes)?,
            maximum_percent: maybe_count(deployment.maximum_percent)?,
            minimum_healthy_percent: maybe_count(deployment.minimum_healthy_percent)?,
            deployment_circuit_breaker: breaker.unwrap_or_default(),
            alarms: alarms.map(Alarms::observed),
        })
    }

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

impl Alarms {
    fn wire(&self) -> Result<DeploymentAlarms> {
        let alarms = DeploymentAlarms::builder().set_alarm_names(Some(self.alarm_names.iter().cloned().collect()));
        Ok(alarms.enable(self.enable).rollback(self.rollback).build()?)
    }

    fn observed(alarms: DeploymentAlarms) -> Self {
        let DeploymentAlarms { alarm_names, enable, rollback, .. } = alarms;
        Self { alarm_names: set(Some(alarm_names)), enable, rollback }
    }
}

impl PlacementConstraint {
    fn observed(constraint: wire::PlacementConstraint) -> Result<Self> {
        let word = constraint.r#type.ok_or_else(|| Error::absent("type of a placement constraint"))?;
        Ok(Self { constraint: ConstraintType::observed(word.as_str())?, expression: constraint.expression })
    }
}

impl PlacementStrategy {
    fn observed(strategy: wire::PlacementStrategy) -> Result<Self> {
        let word = strategy.r#type.ok_or_else(|| Error::absent("type of a placement strategy"))?;
        Ok(Self { strategy: StrategyType::observed(word.as_str())?, field: strategy.field }.normal())
    }

    /// ECS answers with `CPU` and `MEMORY` in capitals, and keeps the case of attributes.
    pub(crate) fn normal(self) -> Self {
        let fold = |field: String| match field.to_ascii_lowercase() {
            folded if ["cpu", "memory"].contains(&folded.as_str()) => folded,
            _ => field,
        };
        Self { field: self.field.map(fold), ..self }
    }
}

impl ServiceRegistry {
    fn observed(registry: wire::ServiceRegistry) -> Result<Self> {
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
