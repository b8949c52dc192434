//! Service deployments and service revisions, as ECS describes them.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    DeploymentLifecycleHookStatus, ServiceDeployment, ServiceDeploymentBrief, ServiceDeploymentStatus as Status,
    ServiceRevision,
};
use up_core::{
    Context, Error, Result, concurrently,
    deploying::{DeployedImage, Deployment, DeploymentPhase, Pause},
};

use crate::{
    client,
    deployer::{cluster, time},
};

/// How many deployments, or revisions, one call describes.
const A_CALL: usize = 20;

/// The deployments of a service, the newest first.
pub(crate) async fn list(cx: &Context, service: &str, limit: usize) -> Result<Vec<Deployment>> {
    let page = i32::try_from(limit).unwrap_or(i32::MAX).clamp(1, 100);
    let request = client(cx).list_service_deployments().service(service).cluster(cluster(service)?).max_results(page);
    let (mut briefs, mut next) = (vec![], None);
    loop {
        let answer = request.clone().set_next_token(next).send().await?;
        briefs.extend(answer.service_deployments.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() || briefs.len() >= limit {
            break;
        }
    }
    briefs.truncate(limit);
    let arns = briefs.iter().filter_map(|brief| brief.target_service_revision_arn.clone()).collect();
    let revisions = revisions(cx, arns).await?;
    briefs.into_iter().map(|brief| of_brief(brief, &revisions)).collect()
}

/// Some deployments, in no order. Those that have gone back say where to.
pub(crate) async fn describe(cx: &Context, arns: &[String]) -> Result<Vec<Deployment>> {
    let parts = arns.chunks(A_CALL).map(|part| {
        let request = client(cx).describe_service_deployments().set_service_deployment_arns(Some(part.to_vec()));
        async move { Ok(request.send().await?.service_deployments.unwrap_or_default()) }
    });
    let parts: Vec<_> = parts.collect();
    let described: Vec<_> = concurrently(parts).await?.into_iter().flatten().collect();
    let ended = described.iter().filter_map(|it| it.rollback.as_ref()?.service_revision_arn.clone());
    let revisions = revisions(cx, ended.collect()).await?;
    described.into_iter().map(|it| of_whole(it, &revisions)).collect()
}

type Revisions = BTreeMap<String, ServiceRevision>;

async fn revisions(cx: &Context, mut arns: Vec<String>) -> Result<Revisions> {
    arns.sort();
    arns.dedup();
    let parts = arns.chunks(A_CALL).map(|part| {
        let request = client(cx).describe_service_revisions().set_service_revision_arns(Some(part.to_vec()));
        async move { Ok(request.send().await?.service_revisions.unwrap_or_default()) }
    });
    let parts: Vec<_> = parts.collect();
    let all = concurrently(parts).await?.into_iter().flatten();
    Ok(all.filter_map(|revision| Some((revision.service_revision_arn.clone()?, revision))).collect())
}

fn phase(status: Option<&Status>) -> DeploymentPhase {
    match status {
        Some(Status::Successful) => DeploymentPhase::Successful,
        Some(Status::Stopped) => DeploymentPhase::Stopped,
        Some(Status::RollbackSuccessful) => DeploymentPhase::RolledBack,
        Some(Status::RollbackFailed) => DeploymentPhase::RollbackFailed,
        Some(Status::RollbackRequested | Status::RollbackInProgress) => DeploymentPhase::RollingBack,
        // A word of AWS's that is newer than this program is not the last one.
        _ => DeploymentPhase::Running,
    }
}

fn of_brief(brief: ServiceDeploymentBrief, revisions: &Revisions) -> Result<Deployment> {
    let Some(id) = brief.service_deployment_arn else { return Err(Error::absent("ARN of a service deployment")) };
    let revision = brief.target_service_revision_arn.and_then(|arn| revisions.get(&arn));
    let images = revision.map(|it| it.container_images()).unwrap_or_default().iter().filter_map(|it| {
        let image = DeployedImage { image: it.image.clone()?, digest: it.image_digest.clone() };
        Some((it.container_name.clone()?, image))
    });
    Ok(Deployment {
        id,
        phase: phase(brief.status.as_ref()),
        status: brief.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: brief.status_reason,
        definition: revision.and_then(|revision| revision.task_definition.clone()),
        images: images.collect(),
        created: time(brief.created_at),
        finished: time(brief.finished_at),
        tasks: None,
        failed_tasks: 0,
        rolled_back_to: None,
        stage: None,
        alarms: vec![],
        paused: None,
    })
}

fn of_whole(whole: ServiceDeployment, revisions: &Revisions) -> Result<Deployment> {
    let Some(id) = whole.service_deployment_arn else { return Err(Error::absent("ARN of a service deployment")) };
    let back = whole.rollback.and_then(|rollback| rollback.service_revision_arn);
    let count = |number: i32| u32::try_from(number).unwrap_or_default();
    let paused = whole.lifecycle_hook_details.into_iter().flatten().find_map(|hook| {
        let waits = hook.status == Some(DeploymentLifecycleHookStatus::AwaitingAction);
        let then = hook.timeout_action.map(|action| action.as_str().to_owned());
        waits.then_some(Pause { hook: hook.hook_id?, expires: time(hook.expires_at), then })
    });
    Ok(Deployment {
        id,
        phase: phase(whole.status.as_ref()),
        status: whole.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: whole.status_reason,
        definition: None,
        images: BTreeMap::new(),
        created: time(whole.created_at),
        finished: time(whole.finished_at),
        tasks: whole.target_service_revision.map(|it| (count(it.running_task_count), count(it.requested_task_count))),
        failed_tasks: whole.deployment_circuit_breaker.map(|it| count(it.failure_count)).unwrap_or_default(),
        rolled_back_to: back.and_then(|arn| revisions.get(&arn)?.task_definition.clone()),
        stage: whole.lifecycle_stage.map(|stage| stage.as_str().to_owned()),
        alarms: whole.alarms.and_then(|alarms| alarms.triggered_alarm_names).unwrap_or_default(),
        paused,
    })
}
