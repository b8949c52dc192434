//! How a service is deployed beside itself: load balancers move requests from its old tasks to its new ones.

use aws_sdk_ecs::types as wire;
use up_core::{Address, Context, prelude::*};

use crate::{
    service_parts::{DeploymentConfiguration, LoadBalancer},
    words::DeploymentStrategy,
};

/// Where requests come in by, and the second target group, of a service that is deployed beside itself.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct AdvancedConfiguration {
    /// The target group of the tasks that come next. The two change places with each deployment.
    alternate_target_group: Ref<names::TargetGroup>,
    /// The rule of an application load balancer that forwards to both target groups, one of them with the weight 0. Amazon
    /// ECS moves the weights, and the live ones stay.
    production_listener_rule: Option<Ref<names::ListenerRule>>,
    /// The same for a network load balancer: the listener.
    production_listener: Option<Ref<names::Listener>>,
    /// A rule that takes requests to the new tasks before all others. Left out: none.
    test_listener_rule: Option<Ref<names::ListenerRule>>,
    /// The same for a network load balancer. Left out: none.
    test_listener: Option<Ref<names::Listener>>,
    /// What lets Amazon ECS change load balancers, with the policy `AmazonECSInfrastructureRolePolicyForLoadBalancers`.
    role: Ref<names::Role>,
}

/// What ECS moves in a rule, and in a listener.
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

/// None where nothing is said: ECS may leave out the table, or send an empty one.
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

/// What deployments move in rules and listeners of the stack.
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

/// What ECS refuses of a service that is deployed beside itself
/// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html).
pub(crate) fn check<'a>(
    deployment: &DeploymentConfiguration,
    balancers: impl IntoIterator<Item = &'a LoadBalancer>,
) -> Vec<Problem> {
    let (strategy, bake) = (deployment.strategy, deployment.bake_time_in_minutes);
    let bake = match bake {
        None if strategy == DeploymentStrategy::BlueGreen => Some("missing: BLUE_GREEN needs one".to_owned()),
        Some(minutes) if minutes > 1440 => Some(format!("0 to 1,440 minutes are possible, and this is {minutes}")),
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
