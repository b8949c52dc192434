//! Rules of a service that its types cannot express.

use up_core::prelude::*;

use crate::{
    blue_green,
    service::Service,
    words::{DeploymentStrategy, LaunchType, SchedulingStrategy},
};

pub(crate) fn check(service: &Service) -> Vec<Problem> {
    let (launch, network) = (service.launch_type, service.network_configuration.as_ref());
    let deployment = &service.deployment_configuration;
    let breaker = &deployment.deployment_circuit_breaker;
    let grace = service.health_check_grace_period_seconds;
    let mut problems = problems! {
        launch.is_some() && service.capacity_provider_strategy.is_some() =>
            "launch_type", "a capacity provider strategy says where tasks run already";
        grace > 0 && service.load_balancers.is_empty() =>
            "health_check_grace_period_seconds", "ECS takes a grace period only with a load balancer";
        network.is_some_and(|network| network.subnets.is_empty()) =>
            "network_configuration.subnets", "at least one is needed";
        launch == Some(LaunchType::Fargate) && network.is_none() => "network_configuration", "Fargate demands one";
        breaker.rollback && !breaker.enable =>
            "deployment_configuration.deployment_circuit_breaker", "rollback needs `enable = true`";
    };
    if service.scheduling_strategy == SchedulingStrategy::Daemon {
        problems.extend(check_daemon(service));
    }
    problems.extend(blue_green::check(deployment, &service.load_balancers));
    problems
}

/// What ECS refuses of a service with one task on each instance (https://github.com/aws/aws-cdk/issues/2209).
fn check_daemon(service: &Service) -> Vec<Problem> {
    const ONE_EACH: &str = "a DAEMON runs one task on each instance";
    let deployment = &service.deployment_configuration;
    problems! {
        service.desired_count.is_some() => "desired_count", "{ONE_EACH}";
        !service.placement_strategy.is_empty() => "placement_strategy", "{ONE_EACH}";
        !service.wait_for_images.is_empty() => "wait_for_images", "{ONE_EACH}";
        deployment.maximum_percent.is_some_and(|percent| percent > 100) =>
            "deployment_configuration.maximum_percent",
            "a DAEMON takes 100 at most: its task stops before the new one starts";
        service.capacity_provider_strategy.is_some() =>
            "capacity_provider_strategy", "a DAEMON takes none: name a launch type";
        service.launch_type == Some(LaunchType::Fargate) => "launch_type", "Fargate runs no DAEMON";
        deployment.strategy != DeploymentStrategy::Rolling =>
            "deployment_configuration.strategy", "a DAEMON is deployed by ROLLING alone";
    }
}
