//! A run: makes a plan under the stack's lock, applies it, and saves the outcome.

mod lifetime;
pub(crate) mod locking;
mod log;
pub(crate) mod remember;
mod teardown;
mod unmoved;

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use up_apply::{Birth, Outcome, Stop};
use up_core::Declared;
use up_plan::Plan;
use up_state::{Entry, Ids, InterruptedRun, LastSnapshot, Lock, Snapshot};

pub use self::{
    locking::holder,
    teardown::{LeftResource, TeardownProof, TeardownRemark},
};
use self::{locking::locked, log::RunLog, remember::RunEnd, unmoved::unmoved};
use crate::{
    Engine, Failure, Goal, Level, Observation, Reason, ResolvedOutput, RunOptions, Session, SessionOptions,
    output_values,
    session::{since_last_run, unusable},
};

/// The input of a run.
#[derive(Debug)]
pub struct RunRequest {
    /// The command in the journal and the lock: `apply`, `destroy`.
    pub command: &'static str,
    /// The desired state of the stack.
    pub goal: Goal,
    /// A plan that was reviewed before: exactly this plan is applied, or none.
    pub saved: Option<Plan>,
    /// How it is applied.
    pub options: RunOptions,
    /// How AWS is reached.
    pub session: SessionOptions,
}

/// A plan, made while the stack is locked, with everything that is needed to apply it. The lock is released when it is
/// dropped.
#[derive(Debug)]
pub struct PreparedRun {
    /// The plan.
    pub plan: Plan,
    /// Remarks before a destroy; those about blockers come first.
    pub remarks: Vec<TeardownRemark>,
    request: RunRequest,
    session: Session,
    observation: Observation,
    lock: Arc<Lock>,
}

/// The result of a run.
#[derive(Debug)]
pub struct FinishedRun {
    /// Steps done, failed, and not begun.
    pub outcome: Outcome,
    /// True if it was interrupted.
    pub interrupted: bool,
    /// After a destroy that has done all its steps: what is left.
    pub proof: Option<TeardownProof>,
    /// When the stack expires, if it is disposable.
    pub expires: Option<Timestamp>,
    /// The stack's outputs, without the values of sensitive ones.
    pub outputs: BTreeMap<String, ResolvedOutput>,
}

/// Bytes that a snapshot needs beside the declarations: ids.
const SNAPSHOT_IDS: u64 = 64 << 10;

impl Engine {
    /// Connects to AWS, takes the stack's lock, observes, and plans. Changes nothing in AWS.
    ///
    /// # Errors
    /// When one of these fails, AWS has changed since a saved plan was made, or the engine is interrupted.
    pub async fn prepare(&self, mut request: RunRequest) -> Result<PreparedRun, Failure> {
        self.guarded(async {
            let session = self.open(&request.goal.target(), &request.session).await?;
            request.goal.by_name.iter().try_for_each(|stack| stack.check(&session))?;
            let lock = locked(&session, request.command, request.options.lock_timeout).await?;
            let mut observation = session.observe(&request.goal.resources, &request.goal.outputs).await?;
            request.goal.seal(&mut observation, &self.secrets)?;
            let remark = request.goal.expiry_remark(&observation.live_stack, session.clock.now());
            remark.iter().for_each(|remark| self.message(Level::Warning, remark));
            self.planned(request, session, observation, lock).await
        })
        .await
    }

    /// Plans what was observed under the lock.
    pub(crate) async fn planned(
        &self,
        request: RunRequest,
        session: Session,
        observation: Observation,
        lock: Lock,
    ) -> Result<PreparedRun, Failure> {
        observation.past.interrupted_run.iter().for_each(|run| self.message(Level::Note, &interrupted(run)));
        let plan = request.goal.plan(&observation)?;
        if let Some(saved) = &request.saved {
            unmoved(saved, &plan, &observation.live_stack)?;
        }
        let remarks = match request.goal.resources.is_empty() && plan.refusals.is_empty() {
            true => self.remarks(&request.goal, &observation, &plan).await,
            false => vec![],
        };
        Ok(PreparedRun { plan, remarks, request, session, observation, lock: Arc::new(lock) })
    }

    /// What the user should know before a destroy begins. Where that cannot be found out, the destroy goes on.
    async fn remarks(&self, goal: &Goal, observation: &Observation, plan: &Plan) -> Vec<TeardownRemark> {
        if goal.by_name.as_ref().is_some_and(|stack| !stack.is_disposable) && !plan.is_empty() {
            let message = "without the stack's files nobody knows which resources are marked `prevent_destroy`";
            self.message(Level::Warning, message);
        }
        let (mut remarks, failed) = teardown::remarks(&observation.observer, plan).await;
        for (kind, error) in failed {
            self.message(Level::Warning, &format!("failed to look for what blocks the delete of {kind}: {error}"));
        }
        remarks.iter_mut().for_each(|remark| remark.message = self.secrets.masked(&remark.message).into_owned());
        remarks
    }
}

impl PreparedRun {
    /// Warns where the credentials expire before the plan is likely to be done.
    ///
    /// # Errors
    /// Where it is to be `strict`, instead of the warning.
    pub fn check_lifetime(&self, strict: bool) -> Result<(), Failure> {
        lifetime::check(&self.session.engine, self.session.lifetime(), &self.plan, strict)
    }

    /// Applies the plan, and saves what the next run must know. A plan without steps ends at once.
    ///
    /// # Errors
    /// When the plan is refused, the journal cannot be written, or the run is interrupted before it begins or twice. What
    /// AWS refuses is no error, but part of the outcome.
    pub async fn apply(self) -> Result<FinishedRun, Failure> {
        let engine = self.session.engine.clone();
        let work: Pin<Box<dyn Future<Output = Result<FinishedRun, Failure>> + Send>> = Box::pin(self.execute());
        work.await.map_err(|failure| engine.secrets.mask_failure(failure))
    }

    async fn execute(self) -> Result<FinishedRun, Failure> {
        if !self.plan.refusals.is_empty() {
            return Err(crate::refused(&self.plan));
        }
        let goal = &self.request.goal;
        let engine = &self.session.engine;
        let birth = goal.birth(&self.observation.live_stack, &self.session.clock);
        let (mut outcome, interrupted) = if self.plan.is_empty() {
            self.observation.observer.learn(&self.observation.live_stack, &self.plan);
            if !goal.resources.is_empty() && !goal.is_partial() {
                let now = self.snapshot(&Outcome::default(), Ids::new())?;
                if has_news(self.observation.past.snapshot.as_ref(), &now) {
                    self.session.state.save(&now).map_err(unusable)?;
                }
            }
            (Outcome::default(), false)
        } else {
            self.apply_steps(birth.as_ref()).await?
        };
        let is_gone = goal.resources.is_empty() && !goal.is_partial() && !self.plan.is_empty();
        let proof = match is_gone && !interrupted && outcome.failed.is_empty() && outcome.skipped.is_empty() {
            // An interrupt ends only the proof: everything is done.
            true => engine.interrupt.or(self.prove()).await.ok(),
            false => None,
        };
        let secrets = &engine.secrets;
        let mask = |text: &mut String| *text = secrets.masked(text).into_owned();
        outcome.failed.iter_mut().for_each(|(_, error)| mask(&mut error.message));
        outcome.notes.values_mut().flatten().for_each(mask);
        let outputs = output_values(&goal.outputs, Some(&self.session.cx), false);
        let expires = birth.map(|birth| birth.expires);
        Ok(FinishedRun { outcome, interrupted, proof, expires, outputs })
    }

    async fn prove(&self) -> Result<TeardownProof, Failure> {
        let mut proof = teardown::proof(&self.observation.observer, &self.plan, self.session.settle).await;
        let secrets = &self.session.engine.secrets;
        proof.unread.values_mut().for_each(|error| *error = secrets.masked(error).into_owned());
        Ok(proof)
    }

    /// Applies a plan with steps. Returns the outcome, and true if it was interrupted.
    async fn apply_steps(&self, birth: Option<&Birth>) -> Result<(Outcome, bool), Failure> {
        let Engine { interrupt, .. } = &self.session.engine;
        let _running = interrupt.run();
        if interrupt.count() > 0 {
            return Err(Failure::interrupted());
        }
        let log = self.begin()?;
        let (stop, stopped) = watch::channel(Stop::No);
        let Observation { observer, live_stack, past } = &self.observation;
        let options = up_apply::ApplyOptions {
            parallel: self.request.options.parallel,
            settle: self.session.settle,
            since_last_run: since_last_run(past),
            birth: birth.cloned(),
        };
        let run =
            up_apply::apply(observer.clone(), live_stack, &self.plan, up_kinds::find, options, log.clone(), stopped);
        tokio::pin!(run);
        let mut interrupted = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut run => break outcome,
                () = interrupt.sent(if interrupted { 2 } else { 1 }) => {}
            }
            if interrupted {
                let message = "abandoned: the calls in flight may or may not have taken effect in AWS";
                let failure = Failure::new(Reason::Interrupted, message);
                return Err(failure.hint("the next run observes what there is before it does anything"));
            }
            interrupted = true;
            let waiting = "interrupted: waiting for the calls in flight; interrupt again to abandon them";
            self.session.engine.message(Level::Note, waiting);
            stop.send_replace(Stop::Finish);
        };
        self.finish(&outcome, &log).unwrap_or_else(|failure| {
            // What was done is done: the outcome matters more, and the next run observes every kind instead.
            let engine = &self.session.engine;
            engine.message(Level::Error, &failure.message);
            failure.hint.iter().for_each(|hint| engine.message(Level::Hint, hint));
        });
        Ok((outcome, interrupted))
    }

    fn begin(&self) -> Result<Arc<RunLog>, Failure> {
        let Self { session, plan, request, lock, .. } = self;
        let begin = Entry::Begin {
            owner: up_state::owner(),
            command: request.command.to_owned(),
            account: session.cx.account().to_owned(),
            region: session.cx.region().to_owned(),
            steps: plan.steps.len(),
        };
        // The snapshot holds ids, specs of immutable resources and the baseline beside the declarations.
        let declared = serde_json::to_vec(&request.goal.resources).map_or(0, |declared| 4 * declared.len() as u64);
        let journal = session.state.journal(&begin, SNAPSHOT_IDS + declared).map_err(unusable)?;
        session.engine.reporter.run_begins(plan, &session.engine.meter);
        Ok(Arc::new(RunLog::new(session.engine.clone(), journal, lock.clone())))
    }

    /// Saves what the next run must know, then closes the journal: at every moment one of the two holds the new ids.
    fn finish(&self, outcome: &Outcome, log: &RunLog) -> Result<(), Failure> {
        let Self { session, request, .. } = self;
        log.release_space();
        let is_whole = outcome.failed.is_empty() && outcome.skipped.is_empty();
        if request.goal.resources.is_empty() && is_whole && !request.goal.is_partial() {
            session.state.forget().map_err(unusable)?;
        } else {
            self.remember(outcome, log.created())?;
        }
        log.end(outcome)
            .map_err(|error| Failure::new(Reason::Failed, format!("failed to close the journal: {error}")))?;
        session.state.prune().map_err(unusable)
    }

    /// Writes the snapshot; `created` are ids of this run.
    fn remember(&self, outcome: &Outcome, created: Ids) -> Result<(), Failure> {
        self.session.state.save(&self.snapshot(outcome, created)?).map_err(unusable)
    }

    /// What the next run must know; `created` are ids of this run.
    fn snapshot(&self, outcome: &Outcome, created: Ids) -> Result<Snapshot, Failure> {
        let Self { session, observation: Observation { past, live_stack, .. }, plan, request, .. } = self;
        let end = RunEnd { goal: &request.goal, plan, outcome, live_stack, secrets: &session.engine.secrets };
        let before = || past.snapshot.as_ref().map(LastSnapshot::declared).transpose().map(Option::unwrap_or_default);
        let resources = end.resources(before).map_err(unusable)?;
        let ids = end.ids(created);
        let kept = end.immutable_cache(&ids);
        let before = past.snapshot.as_ref().map(LastSnapshot::baseline).unwrap_or_default();
        let baseline = serde_json::to_value(end.baseline(&resources, before)).expect("plain data");
        let (account, region) = (session.cx.account(), session.cx.region());
        Ok(Snapshot { kept, baseline, ..Snapshot::new(&plan.stack, account, region, resources, ids) })
    }
}

/// True where the snapshot is out of date, though there was nothing to do: the history was lost, lacks specs of immutable
/// resources or how resources are seen, or the file has followed a change that was made outside.
fn has_news(past: Option<&LastSnapshot>, now: &Snapshot) -> bool {
    let Some(past) = past else { return true };
    let is_said = || past.declared().is_ok_and(|before| is_same(&before, &now.resources));
    *past.kept != now.kept || past.baseline::<Value>() != now.baseline || !is_said()
}

/// True if both say the same, wherever it stands in the files.
fn is_same(before: &[Declared], now: &[Declared]) -> bool {
    let said = |declared: &Declared| Declared { origin: up_core::Origin::default(), ..declared.clone() };
    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| said(before) == said(now))
}

/// The note about an earlier run that did not end.
fn interrupted(run: &InterruptedRun) -> String {
    let InterruptedRun { owner, command, began, unanswered, .. } = run;
    let calls: Vec<_> = unanswered.iter().map(|(address, verb)| format!("{verb} {address}")).collect();
    let open = match &calls[..] {
        [] => String::new(),
        [first, .., last] if calls.len() > 3 => format!("; {} calls were unanswered: {first} … {last}", calls.len()),
        few => format!("; unanswered: {}", few.join(", ")),
    };
    format!("the last {command} ({owner}, {began:.0}) was interrupted; this run continues from there{open}")
}
