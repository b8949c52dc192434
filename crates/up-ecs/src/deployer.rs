//! ECS's part in deployments: what a service runs, new revisions of it, and service deployments.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use aws_sdk_ecs::{
    primitives::DateTime,
    types::{
        self as wire, CpuArchitecture, DeploymentLifecycleHookAction, DesiredStatus, StopServiceDeploymentStopType,
    },
};
use up_core::{
    Context, Error, Later, Name, Result,
    deploying::{ContainerLog, DeployedContainer, DeployedService, Deployer, Deployment, TaskFailure},
    names,
};

use crate::{client, deployment, revision, service::cluster_of, service_health::primary};

/// Deploys services of ECS.
#[derive(Debug)]
pub(crate) struct Deploys;

/// How many stopped tasks one call describes.
const TASKS_A_CALL: usize = 100;

impl Deployer for Deploys {
    fn service_kind(&self) -> &'static str {
        <crate::service::Service as up_core::Kind>::NAME
    }

    fn definition_field(&self) -> &'static str {
        "task_definition"
    }

    fn definition_kind(&self) -> &'static str {
        names::TaskDefinition::NAME
    }

    fn service<'a>(&'a self, cx: &'a Context, service: &'a str) -> Later<'a, DeployedService> {
        Box::pin(read(cx, service))
    }

    fn deployments<'a>(&'a self, cx: &'a Context, service: &'a str, limit: usize) -> Later<'a, Vec<Deployment>> {
        Box::pin(deployment::list(cx, service, limit))
    }

    fn watch<'a>(&'a self, cx: &'a Context, deployments: &'a [String]) -> Later<'a, Vec<Deployment>> {
        Box::pin(deployment::describe(cx, deployments))
    }

    fn find_revision<'a>(
        &'a self,
        cx: &'a Context,
        definition: &'a str,
        images: &'a BTreeMap<String, String>,
    ) -> Later<'a, Option<String>> {
        Box::pin(revision::find(cx, definition, images))
    }

    /// Safe to repeat: where the answer is lost, the revision is looked for before it is registered again.
    fn register<'a>(
        &'a self,
        cx: &'a Context,
        definition: &'a str,
        images: &'a BTreeMap<String, String>,
    ) -> Later<'a, String> {
        Box::pin(revision::register(cx, definition, images))
    }

    /// Safe to repeat: a service that is to run this revision already starts no second deployment, and one that is forced
    /// takes the place of the first.
    fn start<'a>(&'a self, cx: &'a Context, service: &'a str, definition: &'a str, force: bool) -> Later<'a, ()> {
        Box::pin(async move {
            let call = client(cx).update_service().cluster(cluster(service)?).service(service);
            call.task_definition(definition).set_force_new_deployment(force.then_some(true)).send().await?;
            Ok(())
        })
    }

    /// Safe to repeat: a deployment that goes back goes on doing so.
    fn stop<'a>(&'a self, cx: &'a Context, deployment: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            let call = client(cx).stop_service_deployment().service_deployment_arn(deployment);
            call.stop_type(StopServiceDeploymentStopType::Rollback).send().await?;
            Ok(())
        })
    }

    /// Safe to repeat: a hook that has been answered is refused.
    fn resume<'a>(&'a self, cx: &'a Context, deployment: &'a str, hook: &'a str, back: bool) -> Later<'a, ()> {
        let action =
            if back { DeploymentLifecycleHookAction::Rollback } else { DeploymentLifecycleHookAction::Continue };
        Box::pin(async move {
            let call = client(cx).continue_service_deployment().service_deployment_arn(deployment).hook_id(hook);
            call.action(action).send().await?;
            Ok(())
        })
    }

    fn failures<'a>(&'a self, cx: &'a Context, service: &'a str, definition: &'a str) -> Later<'a, Vec<TaskFailure>> {
        Box::pin(failures(cx, service, definition))
    }
}

/// The cluster in a service's ARN.
pub(crate) fn cluster(service: &str) -> Result<&str> {
    cluster_of(service).ok_or_else(|| Error::ours(format!("{service} is not the ARN of a service in a cluster")))
}

pub(crate) fn time(at: Option<DateTime>) -> Option<SystemTime> {
    at.and_then(|at| SystemTime::try_from(at).ok())
}

async fn read(cx: &Context, arn: &str) -> Result<DeployedService> {
    let answer = client(cx).describe_services().cluster(cluster(arn)?).services(arn).send().await?;
    let found = answer.services.into_iter().flatten().find(|service| service.status.as_deref() == Some("ACTIVE"));
    let Some(service) = found else {
        return Err(Error::refused("ServiceNotFoundException", format!("{arn} does not exist")));
    };
    let named = primary(&service).and_then(|primary| primary.task_definition.clone());
    let (Some(name), Some(definition)) = (service.service_name, named.or(service.task_definition)) else {
        return Err(Error::absent("name and task definition of a service"));
    };
    let running = revision::describe(cx, &definition).await?;
    let architecture = running.definition.runtime_platform.and_then(|platform| platform.cpu_architecture);
    let containers = running.definition.container_definitions.into_iter().flatten();
    let events = service.events.into_iter().flatten();
    Ok(DeployedService {
        id: arn.to_owned(),
        name,
        desired_count: u32::try_from(service.desired_count).unwrap_or_default(),
        definition,
        containers: containers.map(container).collect::<Result<_>>()?,
        architecture: if architecture == Some(CpuArchitecture::Arm64) { "arm64" } else { "amd64" }.to_owned(),
        events: events.filter_map(|event| Some((time(event.created_at)?, event.message?))).collect(),
    })
}

fn container(container: wire::ContainerDefinition) -> Result<DeployedContainer> {
    let (Some(name), Some(image)) = (container.name, container.image) else {
        return Err(Error::absent("name and image of a container"));
    };
    let options = container.log_configuration.and_then(|log| {
        let is_awslogs = log.log_driver == wire::LogDriver::Awslogs;
        log.options.filter(|_| is_awslogs)
    });
    let log = options.and_then(|mut options| {
        let (group, prefix) = (options.remove("awslogs-group")?, options.remove("awslogs-stream-prefix")?);
        Some(ContainerLog { group, region: options.remove("awslogs-region"), prefix })
    });
    Ok(DeployedContainer { name, image, log })
}

/// ECS lists stopped tasks for an hour.
async fn failures(cx: &Context, service: &str, definition: &str) -> Result<Vec<TaskFailure>> {
    let cluster = cluster(service)?;
    let name = service.rsplit('/').next().unwrap_or(service);
    let listed = client(cx).list_tasks().cluster(cluster).service_name(name).desired_status(DesiredStatus::Stopped);
    let arns = listed.send().await?.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(vec![]);
    }
    let arns = arns.into_iter().take(TASKS_A_CALL).collect();
    let answer = client(cx).describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await?;
    let mut tasks: Vec<_> = answer.tasks.into_iter().flatten().collect();
    tasks.retain(|task| task.task_definition_arn.as_deref() == Some(definition));
    tasks.sort_by_key(|task| time(task.stopped_at));
    let (mut seen, mut failures) = (BTreeSet::new(), vec![]);
    for failure in tasks.into_iter().filter_map(failure) {
        if seen.insert((failure.reason.clone(), failure.container.clone())) {
            failures.push(failure);
        }
    }
    Ok(failures)
}

fn failure(task: wire::Task) -> Option<TaskFailure> {
    let id = task.task_arn?.rsplit('/').next()?.to_owned();
    let containers = task.containers.unwrap_or_default();
    let failed = containers.iter().find(|it| it.exit_code.is_some_and(|code| code != 0));
    let failed = failed.or_else(|| containers.iter().find(|it| it.reason.is_some()));
    let container = failed.and_then(|it| Some((it.name.clone()?, it.exit_code, it.reason.clone())));
    let reason = task.stopped_reason.unwrap_or_else(|| "ECS gives no reason".to_owned());
    // The same words twice say nothing more.
    let container = container.map(|(name, code, why)| (name, code, why.filter(|why| *why != reason)));
    Some(TaskFailure { task: id, reason, container })
}
