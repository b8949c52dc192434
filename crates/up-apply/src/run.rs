//! Carries a plan out: which step when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};
use up_core::{Address, AnyKind, Error, ErrorKind, Observed, PrioritySemaphore, Urgency};
use up_plan::{Action, Plan, World};

use crate::{Event, Holder, Observer, Sink, What, holders::Owned, names::Names, step::Executor, watch::Watch};

/// How far a run may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Begin nothing more, let the calls in flight end.
    Finish,
}

/// How to carry a plan out.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Calls that change AWS, at most so many at once. What is only waited for does not count.
    pub parallel: usize,
    /// How long AWS may take to show what it said it made, or may have made.
    pub settle: Duration,
}

/// Live resources by kind and id.
pub type ImmutableSpecs = BTreeMap<(&'static str, String), Observed<Value>>;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How often each verb ([`up_plan::Step::verb`]) was carried out.
    pub done: BTreeMap<&'static str, usize>,
    /// What failed, and why.
    pub failed: Vec<(Address, Error)>,
    /// What was not begun, or not finished because the run was to end: interrupted, or locked out.
    pub skipped: Vec<Address>,
    /// The steps that were carried out, by their places in the plan: a resource may have two, of which one is done.
    pub finished: BTreeSet<usize>,
    /// Resources of the stack that the error of what failed names.
    pub holders: BTreeMap<Address, BTreeSet<Holder>>,
    /// What AWS said in the end of what was made or changed and no field says, see [`Observed::notes`]. What nothing is to be
    /// said of has none.
    pub notes: BTreeMap<Address, Vec<String>>,
    /// What was seen of that which never changes, of what was made or changed, by kind and id.
    pub immutable: ImmutableSpecs,
}

/// Carries out every step of `plan` as soon as what it waits for is done, the longest chain first. A failure stops only
/// what depends on it; credentials that no longer hold stop everything, as [`Stop::Finish`] does.
///
/// `world` is what the plan was made from, `kinds` finds a kind by name. Dropping the future abandons calls in flight:
/// send [`Stop::Finish`] instead.
pub async fn apply(
    observer: Observer,
    world: &World,
    plan: &Plan,
    kinds: fn(&str) -> Option<&'static dyn AnyKind>,
    options: Options,
    sink: Arc<dyn Sink>,
    stop: watch::Receiver<Stop>,
) -> Outcome {
    observer.learn(world, plan);
    let names = Names::default();
    observer.staying(world, plan).for_each(|(address, observed)| names.set(&address, observed));
    let executor = Executor {
        cx: observer.cx.clone(),
        watch: Watch::new(observer),
        names,
        owned: Owned::new(world, plan),
        notes: Mutex::default(),
        semaphore: PrioritySemaphore::new(options.parallel),
        settle: options.settle,
        immutable: Mutex::default(),
        deleted: deleted_kinds(plan),
        made: Mutex::default(),
        sink,
        stop: watch::Sender::new(*stop.borrow()),
    };
    let run = Run {
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

struct Run {
    plan: Arc<Plan>,
    executor: Arc<Executor>,
    kinds: fn(&str) -> Option<&'static dyn AnyKind>,
    remaining: Vec<Duration>,
    /// How many steps each still waits for.
    open: Vec<usize>,
    /// The steps that wait for each.
    after: Vec<Vec<usize>>,
    given_up: BTreeSet<usize>,
    working: JoinSet<(usize, Result<(), Error>)>,
    outcome: Outcome,
}

impl Run {
    async fn finish(mut self, mut stop: watch::Receiver<Stop>) -> Outcome {
        let ready = (0..self.open.len()).filter(|&step| self.open[step] == 0).collect();
        self.begin(ready);
        loop {
            let ended = tokio::select! {
                ended = self.working.join_next() => ended,
                // Where nobody is left to say so, the run goes on to its end.
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
        self.outcome.immutable = std::mem::take(&mut *self.executor.immutable());
        self.outcome.notes = std::mem::take(&mut *self.executor.notes());
        self.outcome
    }

    /// Starts steps, those with the longest work ahead first.
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
        let event = Event { step, address, what: What::Skipped { because: because.cloned() } };
        // Nothing follows that would need the journal.
        if let Err(error) = self.executor.sink.take(&event) {
            tracing::warn!(%error, "failed to journal a skipped step");
        }
    }
}

/// In `open`: the step is done.
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
