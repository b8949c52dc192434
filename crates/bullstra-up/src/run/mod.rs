//! What `apply` and `destroy` share: from the lock to the last word.

mod answer;
mod life;
mod locking;
mod remember;
mod tape;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use up_apply::{ImmutableSpecs, Outcome, Stop};
use up_core::Meter;
use up_plan::{Plan, World};
use up_state::{CutOff, Entry, Ids, Last, Lock, Snapshot};

use self::{answer::Ended, locking::locked, tape::Tape};
pub(crate) use self::{answer::planned, locking::holder};
use crate::{
    approval,
    cli::{AwsOptions, RunOptions, StateOptions},
    commands::output::answers,
    exit::{Exit, Failure},
    goal::Goal,
    interrupt::Taken,
    render::{self, ApiCalls, Progress, Word},
    session::{Session, View, unusable},
    terminal,
};

/// A command that changes AWS.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// `apply`, `destroy`.
    pub(crate) command: &'static str,
    /// What is to become of the stack.
    pub(crate) goal: Goal,
    /// The plan that was looked at before, if there is one: just that is carried out, or nothing.
    pub(crate) saved: Option<Plan>,
    pub(crate) options: &'a RunOptions,
    pub(crate) aws: &'a AwsOptions,
    pub(crate) state: &'a StateOptions,
}

/// Bytes that a snapshot has beside what is declared: ids.
const SNAPSHOT: u64 = 64 << 10;

/// A plan, and all that carrying it out takes.
struct Ready {
    session: Session,
    lock: Arc<Lock>,
    view: View,
    plan: Plan,
}

impl Ready {
    /// True where writing down what there is spares the next run calls, though there is nothing to do: history was lost,
    /// or does not have all that never changes.
    fn has_news(&self) -> bool {
        let View { past, world, .. } = &self.view;
        let ids = remember::ids(world, &self.plan, &Outcome::default(), Ids::new());
        let kept = remember::kept(world, &ImmutableSpecs::new(), &ids);
        past.snapshot.as_ref().is_none_or(|past| *past.kept != kept)
    }
}

impl Run<'_> {
    /// Does it all, and says how it ended. Every call is counted by `meter`.
    pub(crate) async fn run(mut self, meter: &Meter) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let ready = self.prepare(meter).await?;
        if !ready.plan.refusals.is_empty() {
            self.show(&ready)?;
            return Err(refused(&ready.plan));
        }
        let (outcome, interrupted) = if ready.plan.is_empty() {
            ready.view.observer.learn(&ready.view.world, &ready.plan);
            self.show(&ready)?;
            if ready.has_news() && !self.goal.resources.is_empty() && !self.goal.is_partial() {
                self.remember(&ready, &Outcome::default(), Ids::new())?;
            }
            (Outcome::default(), false)
        } else {
            self.show(&ready)?;
            life::check(ready.session.life(), &ready.plan, self.options.strict)?;
            self.confirm(&ready.plan).await?;
            self.carry_out(&ready).await?
        };
        self.finish(&ready, outcome, interrupted, begun.elapsed())
    }

    /// Reaches AWS, takes the lock, looks, and plans.
    async fn prepare(&mut self, meter: &Meter) -> Result<Ready, Failure> {
        let session = Session::open(&self.goal.home(), self.aws, self.state, meter.clone()).await?;
        let lock = locked(&session, self.command, self.options.lock_timeout).await?;
        let mut view = session.look(&self.goal.resources, &self.goal.outputs).await?;
        self.goal.seal(&mut view)?;
        view.past.cut_off.iter().for_each(tell_of);
        let now = self.goal.plan(&view)?;
        if let Some(saved) = &self.saved {
            unmoved(saved, &now, &view.world)?;
        }
        Ok(Ready { session, lock: Arc::new(lock), view, plan: now })
    }

    /// Shows the plan: as data, unless stdout is for JSON.
    fn show(&self, ready: &Ready) -> Result<(), Failure> {
        let calls = ready.session.cx.meter().counts().values().sum();
        let text = match self.goal.resources.is_empty() && ready.plan.is_empty() {
            true => format!(
                "The stack {} owns nothing in account {}, {}.",
                ready.plan.stack, ready.plan.account, ready.plan.region
            ),
            false => render::plan(&ready.plan, &up_kinds::find, calls),
        };
        if self.options.json {
            terminal::say(text);
            return Ok(());
        }
        terminal::data(text)
    }

    async fn confirm(&self, plan: &Plan) -> Result<(), Failure> {
        let Plan { account, region, .. } = plan;
        let question = format!("Carry this out in account {account}, {region}? Only `yes` is taken:");
        approval::given(self.options.auto_approve, "this plan", question).await
    }

    /// Carries the plan out, journal in hand. True beside the outcome where it was interrupted.
    async fn carry_out(&self, ready: &Ready) -> Result<(Outcome, bool), Failure> {
        let tape = self.tape(ready)?;
        let taken = Taken::now();
        let (stop, stopped) = watch::channel(Stop::No);
        let options = up_apply::Options { parallel: self.options.parallel.into(), settle: self.aws.settle };
        let View { observer, world, .. } = &ready.view;
        let run = up_apply::apply(observer.clone(), world, &ready.plan, up_kinds::find, options, tape.clone(), stopped);
        tokio::pin!(run);
        let mut interrupted = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut run => break outcome,
                () = taken.next() => {}
            }
            if interrupted {
                let message = "left at once: calls in flight were abandoned, AWS may have done them or not";
                return Err(Failure::new(Exit::Interrupted, message).hint("the next run looks before it does anything"));
            }
            interrupted = true;
            let waiting = "interrupted: waiting for the calls in flight; interrupt again to leave at once";
            tape.say(&render::message(Word::Note, waiting));
            stop.send_replace(Stop::Finish);
        };
        self.keep(ready, &outcome, &tape).unwrap_or_else(|failure| {
            // What was done is done: the summary comes first, and the next run looks at every kind instead.
            terminal::say(render::failure(&failure));
        });
        Ok((outcome, interrupted))
    }

    fn tape(&self, ready: &Ready) -> Result<Arc<Tape>, Failure> {
        let Ready { session, plan, lock, .. } = ready;
        let begin = Entry::Begin {
            owner: up_state::owner(),
            command: self.command.to_owned(),
            account: session.cx.account().to_owned(),
            region: session.cx.region().to_owned(),
            steps: plan.steps.len(),
        };
        // Beside what is declared it holds ids, and what AWS told of some.
        let snapshot = serde_json::to_vec(&self.goal.resources).map_or(0, |declared| 2 * declared.len() as u64);
        let journal = session.state.journal(&begin, SNAPSHOT + snapshot).map_err(unusable)?;
        let progress = Progress::watch(plan, session.cx.meter().clone(), terminal::is_attended());
        Ok(Arc::new(Tape::new(journal, lock.clone(), progress)))
    }

    /// Keeps what the next run should know, then closes the journal: what was made is told by either at every instant.
    fn keep(&self, ready: &Ready, outcome: &Outcome, tape: &Tape) -> Result<(), Failure> {
        let Ready { session, .. } = ready;
        tape.give_room();
        let is_whole = outcome.failed.is_empty() && outcome.skipped.is_empty();
        if self.goal.resources.is_empty() && is_whole && !self.goal.is_partial() {
            session.state.forget().map_err(unusable)?;
        } else {
            self.remember(ready, outcome, tape.made())?;
        }
        tape.end(outcome)
            .map_err(|error| Failure::new(Exit::Failed, format!("failed to close the journal: {error}")))?;
        session.state.prune().map_err(unusable)
    }

    /// Writes down what the stack has now; `made` are ids that this run has made.
    fn remember(&self, ready: &Ready, outcome: &Outcome, made: Ids) -> Result<(), Failure> {
        let Ready { session, view, plan, .. } = ready;
        let before = || view.past.snapshot.as_ref().map(Last::declared).transpose().map(Option::unwrap_or_default);
        let resources = remember::resources(&self.goal, before, plan, outcome).map_err(unusable)?;
        let ids = remember::ids(&view.world, plan, outcome, made);
        let kept = remember::kept(&view.world, &outcome.immutable, &ids);
        let (account, region) = (session.cx.account(), session.cx.region());
        let snapshot = Snapshot { kept, ..Snapshot::new(&plan.stack, account, region, resources, ids) };
        session.state.save(&snapshot).map_err(unusable)
    }

    /// Says what it came to.
    fn finish(&self, ready: &Ready, outcome: Outcome, interrupted: bool, elapsed: Duration) -> Result<Exit, Failure> {
        let Ready { session, plan, .. } = ready;
        let outputs = answers(&self.goal.outputs, Some(&session.cx), false);
        let ended = Ended { command: self.command, plan, outcome: &outcome, interrupted, elapsed, outputs: &outputs };
        if !plan.is_empty() {
            terminal::say(render::summary(plan, &outcome, elapsed, &ApiCalls::of(session.cx.meter())));
        }
        if self.options.json {
            terminal::json(ended.json(session.cx.meter()))?;
        } else if ended.exit() == Exit::Ok && !outputs.is_empty() {
            terminal::data(render::outputs(&outputs))?;
        }
        Ok(ended.exit())
    }
}

/// Does `work`, and where it comes to nothing and JSON is wanted, says so in JSON.
pub(crate) async fn answered(
    command: &str,
    json: bool,
    meter: &Meter,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let ended = work.await;
    if let Err(failure) = &ended
        && json
    {
        terminal::json(answer::failed(command, failure, meter))?;
    }
    ended
}

/// A plan that must not be carried out.
pub(crate) fn refused(plan: &Plan) -> Failure {
    let details = plan.refusals.iter().map(|refusal| (refusal.address.clone(), refusal.message.clone()));
    let failure = Failure { details: details.collect(), ..Failure::new(Exit::Refused, render::refusals(plan)) };
    if render::is_protection(plan) {
        return failure.hint("`--unprotect` allows to delete and replace what is protected");
    }
    failure
}

/// Makes sure that the world is what the saved plan was made from, and that the plan is what its goal comes to there: so
/// nothing is done that was written into the file by another hand.
fn unmoved(saved: &Plan, now: &Plan, world: &World) -> Result<(), Failure> {
    let again = "look at a new plan: `bullstra-up plan … --out FILE`";
    if (&saved.account, &saved.region) != (&now.account, &now.region) {
        let Plan { account, region, .. } = saved;
        let message =
            format!("the plan was made for account {account}, {region}, and this is {}, {}", now.account, now.region);
        return Err(Failure::new(Exit::Refused, message).hint(again));
    }
    let moved = match (saved.is_empty(), now.is_empty()) {
        (false, _) => saved.observed.moved(&world.fingerprints()),
        // A plan with nothing to do does not say what was seen.
        (true, false) => vec!["there was nothing to do, and now there is".to_owned()],
        (true, true) => vec![],
    };
    if moved.is_empty() && saved.is_same(now) {
        return Ok(());
    }
    if moved.is_empty() {
        let message = "the plan is not what its stack comes to: it was changed, or made by another bullstra-up";
        return Err(Failure::new(Exit::Input, message).hint(again));
    }
    let message = format!("the world has moved since the plan was made\n{}", moved.join("\n"));
    Err(Failure::new(Exit::Refused, message).hint(again))
}

fn tell_of(cut_off: &CutOff) {
    let CutOff { owner, command, began, unanswered, .. } = cut_off;
    let calls: Vec<_> = unanswered.iter().map(|(address, verb)| format!("{verb} {address}")).collect();
    let open = match &calls[..] {
        [] => String::new(),
        [first, .., last] if calls.len() > 3 => format!("; {} calls were unanswered: {first} … {last}", calls.len()),
        few => format!("; unanswered: {}", few.join(", ")),
    };
    let note = format!("the last {command} ({owner}, {began:.0}) was interrupted; this run continues from there{open}");
    terminal::say(render::message(Word::Note, &note));
}
