//! Watches deployments to their ends.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use up_core::deploying::{Deployer, Deployment, DeploymentPhase};

use super::{refused, report::at, short_revision};
use crate::{Failure, Level, Session};

/// The pause between two looks: short at first, since small services are deployed within seconds on a sandbox.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many of the newest deployments of a service are looked through for the one that was begun.
pub(super) const NEWEST: usize = 10;

/// A deployment that is watched.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    /// What messages call it.
    pub(super) name: String,
    /// The ARN of the service.
    pub(super) service: &'a str,
    /// The ARN of the revision that it deploys.
    pub(super) definition: String,
    /// The deployments that there were before it began.
    pub(super) before: BTreeSet<String>,
    /// The deployment, once it is found: then it alone counts.
    pub(super) found: Option<Deployment>,
    /// The revision of a newer deployment, which has taken its place.
    pub(super) superseded_by: Option<String>,
    /// True if nothing is to be waited for.
    pub(super) is_settled: bool,
    /// True once all is known of it that AWS tells.
    pub(super) is_described: bool,
    /// What was said of it last.
    pub(super) told: String,
}

impl<'a> Watched<'a> {
    pub(super) fn new(name: String, service: &'a str, definition: String) -> Self {
        let (before, found, superseded_by, is_settled, is_described, told) = Default::default();
        Self { name, service, definition, before, found, superseded_by, is_settled, is_described, told }
    }

    fn is_over(&self) -> bool {
        self.is_settled || (self.is_described && self.found.as_ref().is_some_and(|found| found.phase.is_over()))
    }
}

impl Session {
    /// Looks until all have ended, or `timeout` is over; at least once.
    pub(super) async fn watch(
        &self,
        deployer: &dyn Deployer,
        all: &mut [Watched<'_>],
        timeout: Duration,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            self.look_at(deployer, all).await?;
            let left = timeout.saturating_sub(begun.elapsed());
            if all.iter().all(Watched::is_over) || left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
        }
        for watched in all.iter_mut() {
            let Some(found) = watched.found.as_ref().filter(|found| found.phase == DeploymentPhase::Stopped) else {
                continue;
            };
            let newest = deployer.deployments(&self.cx, watched.service, NEWEST).await;
            let newest = newest.map_err(|error| refused("to list the deployments of a service", &error))?;
            let newer = newest.into_iter().take_while(|it| it.id != found.id).find(|it| it.created > found.created);
            watched.superseded_by = newer.and_then(|newer| newer.definition);
        }
        Ok(())
    }

    /// One look at all that have not ended: one call for those that are known.
    async fn look_at(&self, deployer: &dyn Deployer, all: &mut [Watched<'_>]) -> Result<(), Failure> {
        for watched in all.iter_mut().filter(|watched| watched.found.is_none() && !watched.is_settled) {
            let listed = deployer.deployments(&self.cx, watched.service, NEWEST).await;
            let listed = listed.map_err(|error| refused("to list the deployments of a service", &error))?;
            // The first one of the revision since: any other of it was begun by somebody else.
            let is_own = |it: &&Deployment| {
                !watched.before.contains(&it.id) && it.definition.as_deref() == Some(watched.definition.as_str())
            };
            watched.found = listed.iter().rfind(is_own).cloned();
        }
        let known: Vec<_> =
            all.iter().filter(|it| !it.is_over()).filter_map(|it| Some(it.found.as_ref()?.id.clone())).collect();
        if known.is_empty() {
            return Ok(());
        }
        let seen = deployer.watch(&self.cx, &known).await;
        let seen = seen.map_err(|error| refused("to look at the deployments", &error))?;
        for watched in &mut *all {
            let Some(found) = &watched.found else { continue };
            if let Some(now) = seen.iter().find(|it| it.id == found.id) {
                let text = progress(now);
                if watched.told != text {
                    self.engine.message(Level::Note, &format!("{}: {text}", watched.name));
                    watched.told = text;
                }
                watched.found = Some(now.clone());
                watched.is_described = true;
            }
        }
        Ok(())
    }
}

/// `IN_PROGRESS, 1 of 2 tasks run, 3 failed`.
fn progress(deployment: &Deployment) -> String {
    let mut parts = vec![deployment.status.clone()];
    parts.extend(deployment.stage.as_ref().map(|stage| format!("stage {stage}")));
    if let Some((running, wanted)) = deployment.tasks {
        parts.push(format!("{running} of {wanted} tasks run"));
    }
    if deployment.failed_tasks > 0 {
        parts.push(format!("{} failed", deployment.failed_tasks));
    }
    if let Some(pause) = &deployment.paused {
        let until = pause.expires.and_then(at).map(|at| format!(" until {at:.0}")).unwrap_or_default();
        let then = pause.then.as_ref().map(|then| format!(", then {then}")).unwrap_or_default();
        parts.push(format!("paused{until}{then}: `deploy continue` lets it go on"));
    }
    if let Some(back) = &deployment.rolled_back_to {
        parts.push(format!("back to {}", short_revision(back)));
    }
    parts.join(", ")
}
