//! Blue/green deployments of a service: Amazon ECS shifts traffic from its blue (present) to its green (new) tasks.

use aws_sdk_ecs::types as wire;
use up_core::{Address, Context, prelude::*};

use crate::{
    service_parts::{DeploymentConfiguration, LoadBalancer},
    words::DeploymentStrategy,
};

/// The load balancer settings for blue/green, linear and canary deployments.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct AdvancedConfiguration {
    /// The alternate target group, for the tasks of the next deployment. Each deployment exchanges the two target
    /// groups.
    alternate_target_group: Ref<names::TargetGroup>,
    /// Application load balancer: the listener rule for production traffic. It forwards to both target groups, one of
    /// them with the weight 0. Amazon ECS changes the weights, and the live ones are kept.
    production_listener_rule: Option<Ref<names::ListenerRule>>,
    /// Network load balancer: the listener for production traffic, as for `production_listener_rule`.
    production_listener: Option<Ref<names::Listener>>,
    /// Application load balancer: the listener rule for test traffic, which reaches the new tasks before production
    /// traffic is shifted. Left out: none.
    test_listener_rule: Option<Ref<names::ListenerRule>>,
    /// Network load balancer: the listener for test traffic. Left out: none.
    test_listener: Option<Ref<names::Listener>>,
    /// The IAM role that allows Amazon ECS to change the load balancer, with the policy
    /// `AmazonECSInfrastructureRolePolicyForLoadBalancers`.
    role: Ref<names::Role>,
}

/// The values that Amazon ECS changes in a rule, and in a listener.
const OF_RULE: &str = "actions[0].forward.target_groups[*].weight";
const OF_LISTENER: &str = "default_actions[0].forward.target_groups[*].weight";

pub(crate) fn to_aws(
    advanced: &Option<AdvancedConfiguration>,
    cx: &Context,
) -> Result<Option<wire::AdvancedConfiguration>> {
    let Some(advanced) = advanced else { return Ok(None) };
    let by = |rule: &Option<Ref<names::ListenerRule>>, listener: &Option<Ref<names::Listener>>| {
        let rule = rule.as_ref().map(|rule| cx.id(rule));
        rule.or_else(|| listener.as_ref().map(|listener| cx.id(listener))).transpose()
    };
    let wire = wire::AdvancedConfiguration::builder()
        .alternate_target_group_arn(cx.attr(&advanced.alternate_target_group, "arn")?)
        .set_production_listener_rule(by(&advanced.production_listener_rule, &advanced.production_listener)?)
        .set_test_listener_rule(by(&advanced.test_listener_rule, &advanced.test_listener)?)
        .role_arn(cx.attr(&advanced.role, "arn")?);
    Ok(Some(wire.build()))
}

/// Returns `None` for an empty table as well: ECS may leave out the table, or send it empty.
pub(crate) fn from_aws(advanced: Option<wire::AdvancedConfiguration>) -> Result<Option<AdvancedConfiguration>> {
    let Some(advanced) = advanced else { return Ok(None) };
    let (Some(alternate), Some(role)) = (advanced.alternate_target_group_arn, advanced.role_arn) else {
        return Ok(None);
    };
    let rule = |arn: &Option<String>| arn.clone().filter(|arn| arn.contains(":listener-rule/")).map(Ref::id);
    let listener = |arn: &Option<String>| arn.clone().filter(|arn| arn.contains(":listener/")).map(Ref::id);
    let (production, test) = (advanced.production_listener_rule, advanced.test_listener_rule);
    Ok(Some(AdvancedConfiguration {
        alternate_target_group: Ref::id(alternate),
        production_listener_rule: rule(&production),
        production_listener: listener(&production),
        test_listener_rule: rule(&test),
        test_listener: listener(&test),
        role: Ref::id(role),
    }))
}

impl AdvancedConfiguration {
    fn moves(&self) -> impl Iterator<Item = (Address, &'static str)> {
        let rules = [&self.production_listener_rule, &self.test_listener_rule].into_iter().flatten();
        let listeners = [&self.production_listener, &self.test_listener].into_iter().flatten();
        let rules = rules.filter_map(|rule| Some((rule.address()?.clone(), OF_RULE)));
        rules.chain(listeners.filter_map(|listener| Some((listener.address()?.clone(), OF_LISTENER))))
    }
}

/// The values in rules and listeners of the stack that deployments change.
pub(crate) fn moves<'a>(
    deployment: &DeploymentConfiguration,
    balancers: impl IntoIterator<Item = &'a LoadBalancer>,
) -> Vec<(Address, &'static str)> {
    if deployment.strategy == DeploymentStrategy::Rolling {
        return vec![];
    }
    let advanced = balancers.into_iter().filter_map(|balancer| balancer.advanced_configuration.as_ref());
    advanced.flat_map(AdvancedConfiguration::moves).collect()
}

/// Checks of a service with blue/green deployments
/// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html).
pub(crate) fn check<'a>(
    deployment: &DeploymentConfiguration,
    balancers: impl IntoIterator<Item = &'a LoadBalancer>,
) -> Vec<Problem> {
    let (strategy, bake) = (deployment.strategy, deployment.bake_time_in_minutes);
    let bake = match bake {
        None if strategy == DeploymentStrategy::BlueGreen => Some("missing: BLUE_GREEN needs one".to_owned()),
        Some(minutes) if minutes > 1440 => Some(format!("expected 0 to 1,440 minutes, and this is {minutes}")),
        _ => None,
    };
    let bake = bake.map(|message| Problem::new("deployment_configuration.bake_time_in_minutes", message));
    let advanced = balancers.into_iter().map(|balancer| match &balancer.advanced_configuration {
        None if strategy == DeploymentStrategy::Rolling => None,
        None => Some(format!("{} needs an `advanced_configuration`", strategy.as_str())),
        Some(it) if it.production_listener_rule.is_some() == it.production_listener.is_some() => {
            Some("give either `production_listener_rule` or `production_listener`".to_owned())
        }
        Some(_) => None,
    });
    bake.into_iter().chain(advanced.flatten().map(|message| Problem::new("load_balancers", message))).collect()
}
