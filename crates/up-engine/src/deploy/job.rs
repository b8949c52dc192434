//! One service in a run of `deploy`.

use up_core::{
    Address,
    deploying::{DeployedService, Deployer, Deployment, DeploymentPhase},
};
use up_plan::LiveStack;

use super::{Images, decide::Action, log::DeployLog, report::DeployResult, short_revision, watch::Watched};
use crate::{Failure, Level, Observation, Session};

/// A service to deploy to, and what is to be done.
pub(super) struct Job {
    pub(super) address: Address,
    /// The definition of the stack that it runs.
    pub(super) definition: Option<Address>,
    /// Whether what it runs carries the stack's tags, which a new revision takes over.
    pub(super) is_own: bool,
    pub(super) service: DeployedService,
    pub(super) images: Images,
    pub(super) known: Vec<Deployment>,
    pub(super) action: Action,
    /// A revision with these images that exists already.
    pub(super) revision: Option<String>,
}

impl Job {
    pub(super) fn watched(&self) -> Watched<'_> {
        let (found, is_settled) = match &self.action {
            Action::Nothing(found) => (found.clone(), true),
            Action::Watch(found) | Action::Tell(found) | Action::Busy(found) => (Some(found.clone()), false),
            // ECS takes a deployment of no tasks for a successful one.
            Action::Await | Action::Begin { .. } => (None, self.service.desired_count == 0),
        };
        let definition = found.as_ref().and_then(|found| found.definition.clone());
        Watched {
            found,
            is_settled,
            before: self.known.iter().map(|known| known.id.clone()).collect(),
            ..Watched::new(
                self.address.to_string(),
                &self.service.id,
                definition.unwrap_or_else(|| self.service.definition.clone()),
            )
        }
    }

    /// Registers the revision, unless it exists, and begins its deployment. Returns the revision.
    pub(super) async fn begin(
        &self,
        deployer: &dyn Deployer,
        session: &Session,
        log: &DeployLog<'_>,
        force: bool,
    ) -> Result<String, Failure> {
        let Self { address, service, images, .. } = self;
        let revision = match &self.revision {
            Some(revision) => revision.clone(),
            None if force => service.definition.clone(),
            None => {
                let doing = format!("to register a revision for {address}");
                let call = deployer.register(&session.cx, &service.definition, images);
                let at = (self.definition.as_ref().unwrap_or(address), "create");
                log.call(at, &doing, call, |made: &String| self.is_own.then(|| made.clone())).await?
            }
        };
        let (from, to) = (short_revision(&service.definition), short_revision(&revision));
        session.engine.message(Level::Note, &format!("{address}: {from} → {to}"));
        let doing = format!("to deploy {to} to {address}");
        let call = deployer.start(&session.cx, &service.id, &revision, force);
        log.call((address, "update"), &doing, call, |()| None).await?;
        Ok(revision)
    }

    pub(super) fn result(&self, watched: &Watched<'_>, detach: bool) -> DeployResult {
        if matches!(self.action, Action::Nothing(_)) {
            return DeployResult::Unchanged;
        }
        if self.service.desired_count == 0 {
            return DeployResult::Registered;
        }
        let Some(found) = &watched.found else {
            return if detach { DeployResult::Started } else { DeployResult::TimedOut };
        };
        match found.phase {
            DeploymentPhase::Successful => DeployResult::Deployed,
            DeploymentPhase::RolledBack => DeployResult::RolledBack,
            DeploymentPhase::RollbackFailed => DeployResult::RollbackFailed,
            DeploymentPhase::Stopped if watched.superseded_by.is_some() => DeployResult::Superseded,
            DeploymentPhase::Stopped => DeployResult::Stopped,
            _ if detach => DeployResult::Started,
            _ if found.paused.is_some() => DeployResult::Paused,
            DeploymentPhase::Running | DeploymentPhase::RollingBack => DeployResult::TimedOut,
        }
    }

    /// Deletes revisions that earlier runs have made and that neither run now nor ran before: the one before stays, for those
    /// who want it back. What cannot be deleted stays as well.
    pub(super) async fn forget_older(
        &self,
        deployer: &dyn Deployer,
        session: &Session,
        log: &DeployLog<'_>,
        observation: &Observation,
        revision: &str,
    ) -> Result<Vec<String>, Failure> {
        let kind = deployer.definition_kind();
        let (Some(definition), Some(any), Action::Begin { .. }) =
            (&self.definition, up_kinds::find(kind), &self.action)
        else {
            return Ok(vec![]);
        };
        let LiveStack { observed, known, .. } = &observation.live_stack;
        let is_known = |id: &String| known.get(kind).is_some_and(|ids| ids.contains(id));
        let older = observed.get(kind).into_iter().flatten().filter(|it| {
            let is_its = it.address(&session.stack).as_ref() == Some(definition);
            is_its && is_known(&it.id) && it.id != revision && it.id != self.service.definition
        });
        let mut gone = vec![];
        for older in older {
            let doing = format!("to delete {}", short_revision(&older.id));
            let deleted = log.call((definition, "delete"), &doing, any.delete(&session.cx, older.clone()), |()| None);
            match deleted.await {
                Ok(()) => gone.push(older.id.clone()),
                Err(failure) => session.engine.message(Level::Warning, &failure.message),
            }
        }
        Ok(gone)
    }
}
