//! A run of `deploy`: reads, decides, registers and begins, watches, and remembers.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use up_core::{Address, DeployedField, Observed, deploying::Deployer, placeholder};
use up_plan::{Action as Planned, Plan, Step};
use up_stack::Stack;
use up_state::{Ids, Lock};

use super::{
    Change, DeployOptions,
    decide::{Action, decide},
    deployer,
    job::Job,
    log::DeployLog,
    names::{self, Target},
    refused, registries,
    report::{DEPLOY_FORMAT, DeployReport, DeployResult, Ended, ServiceReport, at},
    short_revision,
    watch::NEWEST,
};
use crate::{
    Engine, Failure, Goal, Level, Observation, PlanOptions, Reason, Session, SessionOptions, StackTarget, run::locked,
};

/// The command in the journal and the lock.
pub(super) const COMMAND: &str = "deploy";

/// All that a run needs, read before anything is changed.
struct Prepared {
    jobs: Vec<Job>,
    observation: Observation,
    lock: Lock,
}

impl Engine {
    /// Deploys images to services, and watches until the deployments have ended.
    ///
    /// # Errors
    /// When something is wrong with what is to be deployed, another deployment is under way, AWS cannot be reached, or the run
    /// is interrupted. A deployment that fails is no error, but part of the report.
    pub async fn deploy(
        &self,
        stack: Stack,
        changes: &[Change],
        session: &SessionOptions,
        options: &DeployOptions,
    ) -> Result<DeployReport, Failure> {
        let begun = Instant::now();
        let targets = names::targets(&stack, changes)?;
        let session = self.open(&StackTarget::of(&stack), session).await?;
        let name = stack.name.clone();
        let work = async {
            let prepared = self.guarded(session.prepare_deploy(stack, targets, options)).await?;
            session.carry_out(prepared, options).await
        };
        let services = work.await.map_err(|failure| self.secrets.mask_failure(failure))?;
        Ok(DeployReport {
            format: DEPLOY_FORMAT,
            stack: name,
            account: session.cx.account().to_owned(),
            region: session.cx.region().to_owned(),
            services,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }
}

/// What ECS is called where it is not built in.
pub(super) fn built_in() -> Result<&'static dyn Deployer, Failure> {
    deployer().ok_or_else(|| Failure::new(Reason::Input, "this bullstra-up is built without ECS"))
}

impl Session {
    async fn prepare_deploy(
        &self,
        stack: Stack,
        targets: Vec<Target>,
        options: &DeployOptions,
    ) -> Result<Prepared, Failure> {
        let deployer = built_in()?;
        let lock = locked(self, COMMAND, options.lock_timeout).await?;
        let observation = self.observe(&stack.resources, &stack.outputs).await?;
        self.learn(&observation.live_stack);
        let interrupted = observation.past.interrupted_run.as_ref();
        interrupted.filter(|run| run.command != COMMAND).map_or(Ok(()), |run| Err(unfinished(&run.command)))?;
        let interrupted = interrupted.and_then(|run| SystemTime::try_from(run.began).ok());
        let mut prepared = Prepared { jobs: vec![], observation, lock };
        for target in &targets {
            let arn = prepared.service(deployer, &self.stack, &target.address)?;
            let service = deployer.service(&self.cx, &arn).await;
            let service = service.map_err(|error| refused(&format!("to read {}", target.address), &error))?;
            let definition = names::definition_of(&stack, &target.address);
            let declared = definition.as_ref().and_then(|it| stack.resources.iter().find(|one| one.address == *it));
            let field = field(deployer);
            let default = |container: &str| {
                let mut spec = (*declared?.spec).clone();
                placeholder::fill(&mut spec, &|quote| self.cx.answer(quote));
                field?.get(&spec, container).filter(|image| !placeholder::has_placeholder(image)).map(str::to_owned)
            };
            let is_deployed = |container: &str| declared.is_some_and(|it| it.deployed.contains(container));
            let own = prepared.repository(&self.stack, &target.address);
            let images = self.engine.images(&self.cx, target, &service, &default, own.as_deref(), &is_deployed).await?;
            if declared.is_some() && !images.keys().all(|name| is_deployed(name)) {
                self.engine.message(Level::Warning, &not_left_to_deploy(&target.address));
            }
            let known = deployer.deployments(&self.cx, &service.id, NEWEST).await;
            let known = known.map_err(|error| refused("to list the deployments of a service", &error))?;
            let action = decide(&service, &images, &known, interrupted);
            let is_own = prepared.live(deployer.definition_kind(), &service.definition).is_some();
            let address = target.address.clone();
            prepared.jobs.push(Job { address, definition, is_own, service, images, known, action, revision: None });
        }
        prepared.refuse_busy()?;
        prepared.refuse_pending(deployer, stack, self)?;
        for job in prepared.jobs.iter_mut().filter(|job| matches!(job.action, Action::Begin { force: false })) {
            let found = deployer.find_revision(&self.cx, &job.service.definition, &job.images).await;
            job.revision = found.map_err(|error| refused("to look for the revision", &error))?;
        }
        Ok(prepared)
    }

    /// Begins the deployments, and watches them. An interrupt ends the watching only.
    async fn carry_out(&self, prepared: Prepared, options: &DeployOptions) -> Result<Vec<ServiceReport>, Failure> {
        let deployer = built_in()?;
        let _running = self.engine.interrupt.run();
        if self.engine.interrupt.count() > 0 {
            return Err(Failure::interrupted());
        }
        let Prepared { jobs, observation, lock } = &prepared;
        let begun = jobs.iter().filter(|job| matches!(job.action, Action::Begin { .. })).count();
        let is_quiet = observation.past.interrupted_run.is_none() && begun == 0;
        let log = if is_quiet { None } else { Some(DeployLog::begin(self, lock, &observation.past, 2 * begun)?) };
        let earlier = observation.past.interrupted_run.as_ref().map(|run| run.made.clone());
        let (mut all, mut made, mut gone) = (vec![], earlier.unwrap_or_default(), Ids::new());
        for job in jobs {
            let mut watched = job.watched();
            if let (Action::Begin { force }, Some(log)) = (&job.action, &log) {
                watched.definition = job.begin(deployer, self, log, *force).await?;
            }
            if job.is_own {
                made.entry(deployer.definition_kind().to_owned()).or_default().insert(watched.definition.clone());
            }
            all.push(watched);
        }
        let timeout = if options.detach { Duration::ZERO } else { options.timeout };
        tokio::select! {
            ended = self.watch(deployer, &mut all, timeout) => ended?,
            () = self.engine.interrupt.sent(1) => return Err(went_on()),
        }
        let mut reports = vec![];
        for (job, watched) in jobs.iter().zip(&all) {
            let result = job.result(watched, options.detach);
            if let (DeployResult::Deployed, Some(log)) = (result, &log) {
                let ids = job.forget_older(deployer, self, log, observation, &watched.definition).await?;
                gone.entry(deployer.definition_kind().to_owned()).or_default().extend(ids);
            }
            let is_begun = matches!(job.action, Action::Begin { .. });
            let ended = Ended {
                address: &job.address,
                service: &job.service,
                images: &job.images,
                definition: &watched.definition,
                previous: is_begun.then_some(job.service.definition.as_str()),
                deployment: watched.found.as_ref(),
                superseded_by: watched.superseded_by.as_deref(),
                result,
            };
            let report = self.report(ended).await;
            if let Some(log) = &log {
                let reason = report.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                log.note(&job.address, &format!("{:?}{reason}", report.result))?;
            }
            reports.push(report);
        }
        if let Some(log) = log {
            log.remember(&observation.past, &made, &gone)?;
            let failed = reports.iter().filter(|report| !report.result.is_good()).count();
            log.end(reports.len() - failed, failed)?;
        }
        Ok(reports)
    }
}

impl Prepared {
    /// The live resource of the stack with this id.
    fn live(&self, kind: &str, id: &str) -> Option<&Observed<Value>> {
        self.observation.live_stack.observed.get(kind)?.iter().find(|observed| observed.id == id)
    }

    /// The ARN of a service of the stack.
    fn service(&self, deployer: &dyn Deployer, stack: &str, address: &Address) -> Result<String, Failure> {
        let mut live = self.observation.live_stack.observed.get(deployer.service_kind()).into_iter().flatten();
        let found = live.find(|observed| observed.address(stack).as_ref() == Some(address));
        found.map(|observed| observed.id.clone()).ok_or_else(|| {
            let failure = Failure::new(Reason::Input, format!("{address} does not exist"));
            failure.hint("`bullstra-up apply` creates it")
        })
    }

    /// The only repository of the module that declares a service.
    fn repository(&self, stack: &str, service: &Address) -> Option<String> {
        let mut own = registries().flat_map(|registry| {
            let (kind, attribute) = registry.repository_kind();
            let live = self.observation.live_stack.observed.get(kind).into_iter().flatten();
            let of_module = live.filter(|it| it.address(stack).is_some_and(|it| it.module == service.module));
            of_module.filter_map(move |it| it.attrs.get(attribute).cloned())
        });
        own.next().filter(|_| own.next().is_none())
    }

    fn refuse_busy(&self) -> Result<(), Failure> {
        let busy = self.jobs.iter().find_map(|job| match &job.action {
            Action::Busy(deployment) => Some((&job.address, deployment)),
            _ => None,
        });
        let Some((address, deployment)) = busy else { return Ok(()) };
        let what = deployment.definition.as_deref().map_or("another revision", short_revision);
        let since = deployment.created.and_then(at).map(|at| format!(", since {at:.0}")).unwrap_or_default();
        let message = format!("{address}: a deployment of {what} is under way ({}{since})", deployment.status);
        Err(Failure::new(Reason::Locked, message)
            .hint("`bullstra-up deploy status` shows how far it has come, and `deploy abort` stops it"))
    }

    /// A deployment takes over what runs: edits of the file that are not applied would be left out, and nobody would notice.
    fn refuse_pending(&mut self, deployer: &dyn Deployer, mut stack: Stack, session: &Session) -> Result<(), Failure> {
        let mut checked = BTreeSet::new();
        for job in self.jobs.iter().filter(|job| job.is_own && matches!(job.action, Action::Begin { .. })) {
            let user = stack.resources.iter().find(|declared| declared.address == job.address);
            // Where the service's revisions are somebody else's business, the file says nothing of what runs.
            let follows = user.is_some_and(|user| !user.ignore_changes.contains(deployer.definition_field()));
            let Some(definition) = job.definition.as_ref().filter(|_| follows) else { continue };
            let Some(running) = self.live(deployer.definition_kind(), &job.service.definition).cloned() else {
                continue;
            };
            self.observation.live_stack.deployed.entry(definition.clone()).or_insert(running);
            if let Some(declared) = stack.resources.iter_mut().find(|declared| declared.address == *definition) {
                declared.deployed.extend(job.images.keys().cloned());
                checked.insert(definition.clone());
            }
        }
        if checked.is_empty() {
            return Ok(());
        }
        let mut goal = Goal::apply(stack, &PlanOptions::default());
        goal.seal(&mut self.observation, &session.engine.secrets)?;
        let plan: Plan = goal.plan(&self.observation)?;
        let edited = |step: &&Step| checked.contains(&step.address) && matches!(step.action, Planned::Create { .. });
        let Some(step) = plan.steps.iter().find(edited) else { return Ok(()) };
        let fields: Vec<_> = step.changes.iter().map(|change| change.field.as_str()).collect();
        let message = format!("{} has edits that are not applied: {}", step.address, fields.join(", "));
        Err(Failure::new(Reason::Refused, message)
            .hint("`deploy` changes images alone: run `bullstra-up apply` first, or take the edits back"))
    }
}

/// Where a definition has the images.
fn field(deployer: &dyn Deployer) -> Option<DeployedField> {
    up_kinds::find(deployer.definition_kind())?.info().deployed
}

/// The journal keeps what an interrupted run has made only until another run ends.
fn unfinished(command: &str) -> Failure {
    let failure = Failure::new(Reason::Refused, format!("the last {command} of the stack was interrupted"));
    failure.hint("run that command again first: it finishes what was begun")
}

fn went_on() -> Failure {
    let failure = Failure::new(Reason::Interrupted, "interrupted: the deployments go on in AWS");
    failure.hint("the same command watches them again, and `deploy abort` stops them")
}

fn not_left_to_deploy(address: &Address) -> String {
    format!(
        "the next `apply` sets the image of {address} back to what the file says; with `image = '${{deployed(\"…\")}}'` it \
         keeps what was deployed"
    )
}
