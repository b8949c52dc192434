//! What has become of a deployment, and why it failed.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde::Serialize;
use up_core::{
    Address,
    deploying::{ContainerLog, DeployedService, Deployment, TaskFailure},
};

use super::{Images, deployer, log_reader, short_revision};
use crate::{Level, Session};

/// The version of a report as JSON. It rises when a reader of the older form would misread the newer.
pub const DEPLOY_FORMAT: u32 = 1;

/// How many reasons, and lines of a log, are told of.
const REASONS: usize = 3;
const LINES: usize = 20;

/// What has become of the deployments of a run.
#[derive(Debug, Clone, Serialize)]
pub struct DeployReport {
    /// [`DEPLOY_FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Each service.
    pub services: Vec<ServiceReport>,
    /// How long it took.
    pub seconds: f64,
}

impl DeployReport {
    /// True if everything that was asked for runs, or was begun where nobody wanted to wait.
    pub fn is_good(&self) -> bool {
        self.services.iter().all(|service| service.result.is_good())
    }
}

/// The result of a deployment in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployResult {
    /// The deployment that this command began, or found under way, was successful.
    Deployed,
    /// The images ran before.
    Unchanged,
    /// The service is to run no tasks: the revision is registered, and nothing is proven.
    Registered,
    /// It was begun, and nobody waits for it.
    Started,
    /// AWS has gone back to what ran before.
    RolledBack,
    /// It was stopped, and AWS has not gone back.
    Stopped,
    /// A newer deployment, of somebody else, has taken its place.
    Superseded,
    /// It failed, and AWS could not go back.
    RollbackFailed,
    /// It waits for somebody who lets it go on.
    Paused,
    /// It had not ended in time.
    TimedOut,
}

impl DeployResult {
    /// True for what does not fail the command.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Deployed | Self::Unchanged | Self::Registered | Self::Started)
    }
}

/// What has become of one service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceReport {
    /// Its address.
    pub service: Address,
    /// The result.
    pub result: DeployResult,
    /// The images by container, with their digests.
    pub images: BTreeMap<String, String>,
    /// The revision that was deployed, such as `orders:42`.
    pub revision: Option<String>,
    /// The revision that ran before.
    pub previous: Option<String>,
    /// The ARN of the service deployment.
    pub deployment: Option<String>,
    /// Its status in AWS's word.
    pub status: Option<String>,
    /// AWS's reason for the status.
    pub reason: Option<String>,
    /// The stage that it has come to, where it has stages.
    pub stage: Option<String>,
    /// The revision that runs again.
    pub rolled_back_to: Option<String>,
    /// The revision of the deployment that has taken its place.
    pub superseded_by: Option<String>,
    /// Why tasks stopped: the first three distinct reasons.
    pub failures: Vec<StoppedTask>,
    /// The last lines that a failed container wrote.
    pub log: Option<DeploymentLog>,
    /// What load balancers said of targets.
    pub health: Vec<String>,
    /// The alarms that went off.
    pub alarms: Vec<String>,
    /// What it waits for.
    pub paused: Option<PausedHook>,
}

/// Why a task stopped.
#[derive(Debug, Clone, Serialize)]
pub struct StoppedTask {
    /// The id of the task.
    pub task: String,
    /// AWS's reason.
    pub reason: String,
    /// The container that failed.
    pub container: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// AWS's reason for the container.
    pub container_reason: Option<String>,
}

/// What a container wrote.
#[derive(Debug, Clone, Serialize)]
pub struct DeploymentLog {
    /// The log group.
    pub group: String,
    /// The stream.
    pub stream: String,
    /// Lines, the oldest first, without secrets of the stack.
    pub lines: Vec<String>,
}

/// A hook that a deployment waits at.
#[derive(Debug, Clone, Serialize)]
pub struct PausedHook {
    /// Its id.
    pub hook: String,
    /// When the wait ends.
    pub expires: Option<Timestamp>,
    /// What AWS does then.
    pub then: Option<String>,
}

/// What a report is made of.
pub(super) struct Ended<'a> {
    pub(super) address: &'a Address,
    pub(super) service: &'a DeployedService,
    pub(super) images: &'a Images,
    /// The ARN of the revision that was deployed.
    pub(super) definition: &'a str,
    /// The ARN of the one before.
    pub(super) previous: Option<&'a str>,
    pub(super) deployment: Option<&'a Deployment>,
    pub(super) superseded_by: Option<&'a str>,
    pub(super) result: DeployResult,
}

pub(super) fn at(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

impl Session {
    /// The report on a service, with the reasons of a failure. What cannot be read of these is left out, with a warning.
    pub(super) async fn report(&self, ended: Ended<'_>) -> ServiceReport {
        let Ended { address, service, images, definition, previous, deployment, superseded_by, result } = ended;
        let short = |arn: &str| short_revision(arn).to_owned();
        let mut report = ServiceReport {
            service: address.clone(),
            result,
            images: images.clone(),
            revision: Some(short(definition)),
            previous: previous.map(short).filter(|previous| *previous != short(definition)),
            deployment: deployment.map(|it| it.id.clone()),
            status: deployment.map(|it| it.status.clone()),
            reason: deployment.and_then(|it| it.reason.clone()),
            stage: deployment.and_then(|it| it.stage.clone()),
            rolled_back_to: deployment.and_then(|it| it.rolled_back_to.as_deref()).map(short),
            superseded_by: superseded_by.map(short),
            failures: vec![],
            log: None,
            health: vec![],
            alarms: deployment.map(|it| it.alarms.clone()).unwrap_or_default(),
            paused: deployment.and_then(|it| it.paused.as_ref()).map(|pause| PausedHook {
                hook: pause.hook.clone(),
                expires: pause.expires.and_then(at),
                then: pause.then.clone(),
            }),
        };
        let is_explained = matches!(result, DeployResult::Paused | DeployResult::Superseded);
        if !result.is_good() && !is_explained {
            self.explain(&mut report, service, definition, deployment.and_then(|it| it.created)).await;
        }
        self.mask(&mut report);
        report
    }

    async fn explain(
        &self,
        report: &mut ServiceReport,
        service: &DeployedService,
        definition: &str,
        since: Option<SystemTime>,
    ) {
        let Some(deployer) = deployer() else { return };
        let warn = |what: &str, error: up_core::Error| {
            self.engine.message(Level::Warning, &format!("failed to read {what}: {error}"));
        };
        let failures = deployer.failures(&self.cx, &service.id, definition).await;
        let failures = failures.unwrap_or_else(|error| {
            warn("the stopped tasks", error);
            vec![]
        });
        // The service was read before the deployment began.
        let now = deployer.service(&self.cx, &service.id).await;
        let events = now.map(|now| now.events).unwrap_or_else(|error| {
            warn("the events of the service", error);
            vec![]
        });
        let is_since = |at: SystemTime| since.is_none_or(|since| at + Duration::from_secs(1) >= since);
        let unhealthy = events.into_iter().filter(|(at, said)| is_since(*at) && said.contains("is unhealthy in"));
        for reason in unhealthy.map(|(_, said)| health(&said)) {
            if report.health.len() < REASONS && !report.health.contains(&reason) {
                report.health.push(reason);
            }
        }
        report.log = match self.log(service, &failures).await {
            Ok(log) => log,
            Err(error) => {
                warn("the log of a container", error);
                None
            }
        };
        report.failures = failures.into_iter().take(REASONS).map(stopped).collect();
    }

    /// The last lines of the first container that failed and wrote anything.
    async fn log(&self, service: &DeployedService, failures: &[TaskFailure]) -> up_core::Result<Option<DeploymentLog>> {
        let Some(reader) = log_reader() else { return Ok(None) };
        for failure in failures.iter().take(REASONS) {
            let failed = failure.container.as_ref().map(|(name, ..)| name.as_str());
            let mut containers = service.containers.iter().filter(|it| failed.is_none_or(|failed| failed == it.name));
            let Some((container, log)) = containers.find_map(|it| Some((it, it.log.as_ref()?))) else { continue };
            let ContainerLog { group, region, prefix } = log;
            if region.as_deref().is_some_and(|region| region != self.cx.region()) {
                continue;
            }
            let stream = format!("{prefix}/{}/{}", container.name, failure.task);
            let lines = reader.last_lines(&self.cx, group, &stream, LINES).await?;
            if !lines.is_empty() {
                return Ok(Some(DeploymentLog { group: group.clone(), stream, lines }));
            }
        }
        Ok(None)
    }

    fn mask(&self, report: &mut ServiceReport) {
        let secrets = &self.engine.secrets;
        let mask = |text: &mut String| *text = secrets.masked(text).into_owned();
        let ServiceReport { reason, failures, log, health, .. } = report;
        reason.iter_mut().chain(health).for_each(mask);
        log.iter_mut().flat_map(|log| &mut log.lines).for_each(mask);
        for failure in failures {
            mask(&mut failure.reason);
            failure.container_reason.iter_mut().for_each(mask);
        }
    }
}

fn stopped(TaskFailure { task, reason, container }: TaskFailure) -> StoppedTask {
    let (container, exit_code, container_reason) = match container {
        Some((name, code, reason)) => (Some(name), code, reason),
        None => (None, None, None),
    };
    StoppedTask { task, reason, container, exit_code, container_reason }
}

/// The part of an event that is the same for all tasks: `target-group …: Health checks failed …`.
fn health(said: &str) -> String {
    let part = |text: &'_ str, before: &str| {
        let (_, rest) = text.split_once(before)?;
        // A reason has parentheses and brackets of its own.
        let end = rest.find(") due to").or_else(|| rest.rfind(')'))?;
        Some(rest[..end].to_owned())
    };
    match (part(said, "(target-group "), part(said, "(reason ")) {
        (Some(group), Some(reason)) => format!("{}: {reason}", group.rsplit('/').nth(1).unwrap_or(&group)),
        _ => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_health_of_targets_is_told_once() {
        let said = "(service web) (task 1f) (port 80) is unhealthy in (target-group \
                    arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/0a) due to (reason Health checks failed with \
                    these codes: [503]).";
        assert_eq!(health(said), "web: Health checks failed with these codes: [503]");
        assert_eq!(health("something else"), "something else");
    }
}
