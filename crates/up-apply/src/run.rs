//! Applies a plan: starts its steps in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, task::JoinSet, time::Instant};
use up_core::{Address, AnyKind, Error, ErrorKind, Observed, PrioritySemaphore, Urgency};
use up_plan::{Action, LiveStack, Plan};

use crate::{
    Birth, Event, EventKind, Holder, Observer, Sink,
    executor::{Executor, PROPAGATE},
    holders::OwnedResources,
    names::LiveIds,
    watch::Watch,
};

/// Whether a run may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Begin no more steps, let the calls in flight end.
    Finish,
}

/// Options of a run.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The greatest number of changing calls at once. Waiting for AWS does not count.
    pub parallel: usize,
    /// How long AWS may take to show a change that it accepted, or may have accepted.
    pub settle: Duration,
    /// How long ago the run before this one was last at work: what it created may not be known in all of AWS yet.
    pub since_last_run: Option<Duration>,
    /// What new resources of a disposable stack are stamped with.
    pub birth: Option<Birth>,
}

/// Live resources by kind and id.
pub type ObservedResources = BTreeMap<(&'static str, String), Observed<Value>>;

/// The result of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The number of steps done, by verb ([`up_plan::Step::verb`]).
    pub done: BTreeMap<&'static str, usize>,
    /// The failed resources, with their errors.
    pub failed: Vec<(Address, Error)>,
    /// Resources whose steps were not begun, or not finished because the run was interrupted or its credentials
    /// expired.
    pub skipped: Vec<Address>,
    /// Indices of the steps that are done: a resource may have two steps, of which one is done.
    pub finished: BTreeSet<usize>,
    /// Resources of the stack that the errors of failed resources name.
    pub holders: BTreeMap<Address, BTreeSet<Holder>>,
    /// AWS's final notes on resources that were created or changed, see [`Observed::notes`]. A resource without notes
    /// has an empty list.
    pub notes: BTreeMap<Address, Vec<String>>,
    /// Resources that were created or changed, as they were observed last, by kind and id.
    pub observed: ObservedResources,
}

/// Runs each step of `plan` as soon as the steps that it waits for are done, the longest chain first. A failure stops
/// only the steps that depend on it; expired credentials stop all steps, as [`Stop::Finish`] does.
///
/// `live_stack` is what the plan was made from, `kinds` finds a kind by name. Dropping the future abandons calls in
/// flight: send [`Stop::Finish`] instead.
pub async fn apply(
    observer: Observer,
    live_stack: &LiveStack,
    plan: &Plan,
    kinds: fn(&str) -> Option<&'static dyn AnyKind>,
    options: ApplyOptions,
    sink: Arc<dyn Sink>,
    stop: watch::Receiver<Stop>,
) -> Outcome {
    observer.learn(live_stack, plan);
    let names = LiveIds::default();
    observer.staying(live_stack, plan).for_each(|(address, observed)| names.set(&address, observed));
    let executor = Executor {
        cx: observer.cx.clone(),
        watch: Watch::new(observer),
        names,
        owned: OwnedResources::new(live_stack, plan),
        notes: Mutex::default(),
        semaphore: PrioritySemaphore::new(options.parallel),
        settle: options.settle,
        birth: options.birth,
        observed: Mutex::default(),
        deleted: deleted_kinds(plan),
        made: Mutex::default(),
        spreading: options.since_last_run.and_then(|ago| Some(Instant::now() + PROPAGATE.checked_sub(ago)?)),
        sink,
        stop: watch::Sender::new(*stop.borrow()),
    };
    let run = Scheduler {
        plan: Arc::new(plan.clone()),
        executor: Arc::new(executor),
        kinds,
        remaining: plan.remaining(),
        open: plan.steps.iter().map(|step| step.after.len()).collect(),
        after: followers(plan),
        given_up: BTreeSet::new(),
        working: JoinSet::new(),
        outcome: Outcome::default(),
    };
    run.finish(stop).await
}

struct Scheduler {
    plan: Arc<Plan>,
    executor: Arc<Executor>,
    kinds: fn(&str) -> Option<&'static dyn AnyKind>,
    remaining: Vec<Duration>,
    /// For each step, the number of steps it still waits for.
    open: Vec<usize>,
    /// For each step, the steps that wait for it.
    after: Vec<Vec<usize>>,
    given_up: BTreeSet<usize>,
    working: JoinSet<(usize, Result<(), Error>)>,
    outcome: Outcome,
}

impl Scheduler {
    async fn finish(mut self, mut stop: watch::Receiver<Stop>) -> Outcome {
        let ready = (0..self.open.len()).filter(|&step| self.open[step] == 0).collect();
        self.begin(ready);
        loop {
            let ended = tokio::select! {
                ended = self.working.join_next() => ended,
                // If the sender is dropped, nobody can stop the run: it goes on to its end.
                Ok(_) = stop.wait_for(|stop| *stop != Stop::No), if !self.executor.is_ending() => {
                    self.executor.stop.send_replace(Stop::Finish);
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            let (step, result) = ended.expect("a step does not panic");
            match result {
                Ok(()) => {
                    let ready = self.done(step);
                    if !self.executor.is_ending() {
                        self.begin(ready);
                    }
                }
                Err(error) => self.failed(step, error),
            }
        }
        let left = self.open.iter().enumerate().filter(|(step, open)| **open != DONE && !self.given_up.contains(step));
        let left: Vec<_> = left.map(|(step, _)| step).collect();
        left.into_iter().for_each(|step| self.skip(step, None));
        self.outcome.observed = std::mem::take(&mut *self.executor.observed());
        self.outcome.notes = std::mem::take(&mut *self.executor.notes());
        self.outcome
    }

    /// Starts ready steps, those with the longest remaining chain first.
    fn begin(&mut self, mut ready: Vec<usize>) {
        ready.sort_by_key(|&step| (std::cmp::Reverse(self.remaining[step]), step));
        for step in ready {
            let (executor, plan, urgency) =
                (self.executor.clone(), self.plan.clone(), Urgency::new(self.remaining[step], step));
            let kind = (self.kinds)(&plan.steps[step].address.kind);
            self.working.spawn(async move { (step, executor.take_step(kind, &plan.steps[step], step, urgency).await) });
        }
    }

    fn done(&mut self, step: usize) -> Vec<usize> {
        self.open[step] = DONE;
        self.outcome.finished.insert(step);
        if let Some(verb) = self.plan.steps[step].verb() {
            *self.outcome.done.entry(verb).or_default() += 1;
        }
        let mut ready = vec![];
        for &next in &self.after[step] {
            self.open[next] -= 1;
            if self.open[next] == 0 {
                ready.push(next);
            }
        }
        ready
    }

    fn failed(&mut self, step: usize, error: Error) {
        let address = self.plan.steps[step].address.clone();
        self.given_up.insert(step);
        if error.kind == ErrorKind::Interrupted {
            self.outcome.skipped.push(address);
            return;
        }
        let holders = self.executor.owned.named(&error.message, &address, &self.executor.names);
        if !holders.is_empty() {
            self.outcome.holders.insert(address.clone(), holders);
        }
        self.outcome.failed.push((address.clone(), error));
        let mut todo = self.after[step].clone();
        while let Some(next) = todo.pop() {
            if !self.given_up.contains(&next) {
                self.skip(next, Some(&address));
                todo.extend(&self.after[next]);
            }
        }
    }

    fn skip(&mut self, step: usize, because: Option<&Address>) {
        let address = self.plan.steps[step].address.clone();
        self.given_up.insert(step);
        self.outcome.skipped.push(address.clone());
        let event = Event { step, address, what: EventKind::Skipped { because: because.cloned() } };
        // No later call depends on the journal.
        if let Err(error) = self.executor.sink.take(&event) {
            tracing::warn!(%error, "failed to journal a skipped step");
        }
    }
}

/// The value in `open` for steps that are done.
const DONE: usize = usize::MAX;

fn deleted_kinds(plan: &Plan) -> BTreeSet<String> {
    let deletes = plan.steps.iter().filter(|step| matches!(step.action, Action::Delete { .. }));
    deletes.map(|step| step.address.kind.clone()).collect()
}

fn followers(plan: &Plan) -> Vec<Vec<usize>> {
    let mut after = vec![vec![]; plan.steps.len()];
    for (index, step) in plan.steps.iter().enumerate() {
        step.after.iter().for_each(|&before| after[before].push(index));
    }
    after
}
