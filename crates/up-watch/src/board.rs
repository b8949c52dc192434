//! What is known about all stacks now: the source of the page, the metrics and the readiness.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    config::WatchedStack,
    look::{self, Look, LookFailure},
    schedule::Schedule,
    timeline::{Moment, Timeline},
    told::{Told, Transition},
};

/// How many transitions of each stack are shown.
const RECENT: usize = 50;

/// What is known about all stacks now.
#[derive(Debug)]
pub struct Board {
    timeline: Arc<Timeline>,
    begun: Moment,
    stacks: RwLock<BTreeMap<String, StackStatus>>,
}

/// What is known about a stack now.
#[derive(Debug, Clone)]
pub struct StackStatus {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// When it is looked at.
    pub schedule: Schedule,
    /// What is done now.
    pub phase: Phase,
    /// The last look that has found out anything.
    pub look: Option<Arc<Look>>,
    /// When that ended.
    pub looked: Option<Moment>,
    /// When the last complete check ended.
    pub complete: Option<Moment>,
    /// Why the last look has failed, if it has.
    pub failure: Option<LookFailure>,
    /// How many looks in a row were not complete.
    pub failures: u32,
    /// How long the last look took.
    pub took: Option<Duration>,
    /// When the next look is due, in steady time.
    pub due: SignedDuration,
    /// What was told.
    pub told: Told,
    /// The last transitions, the newest first.
    pub recent: VecDeque<(Timestamp, Transition)>,
}

/// What is done about a stack now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing until the next look is due.
    Waiting,
    /// Signing in, or waiting for another look in the same account.
    Queued,
    /// A look.
    Looking,
}

/// The state of a stack in a word, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everything was read, and nothing has drifted.
    Clean,
    /// Not looked at yet.
    Unchecked,
    /// A run holds the lock.
    Busy,
    /// Nothing of the stack exists.
    Absent,
    /// Nothing was found, but not everything was read.
    Unread,
    /// The last look has failed.
    Failing,
    /// Something has drifted.
    Drift,
}

impl Verdict {
    /// The verdict in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unchecked => "unchecked",
            Self::Busy => "busy",
            Self::Absent => "absent",
            Self::Unread => "unread",
            Self::Failing => "failing",
            Self::Drift => "drift",
        }
    }
}

impl StackStatus {
    /// The state in a word. Known drift outweighs a failure, which is shown beside it.
    pub fn verdict(&self) -> Verdict {
        let drifts = !self.told.drift.is_empty();
        match (&self.failure, &self.look) {
            _ if drifts => Verdict::Drift,
            (Some(failure), _) if failure.cause == look::Cause::Busy => Verdict::Busy,
            (Some(_), _) => Verdict::Failing,
            (None, None) => Verdict::Unchecked,
            (None, Some(look)) if look.is_absent() => Verdict::Absent,
            (None, Some(look)) if !look.is_complete() => Verdict::Unread,
            (None, Some(_)) => Verdict::Clean,
        }
    }

    /// True if the last look was not complete.
    pub fn is_failing(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.cause != look::Cause::Busy)
            || self.look.as_ref().is_some_and(|look| !look.is_complete())
    }
}

impl Board {
    /// A board of these stacks. `told` is what is known from before.
    pub fn new(timeline: Arc<Timeline>, stacks: &[WatchedStack], told: &BTreeMap<String, Told>) -> Self {
        let begun = timeline.now();
        let status = |stack: &WatchedStack| {
            let told = told.get(&stack.name).cloned().unwrap_or_default();
            let status = StackStatus {
                name: stack.name.clone(),
                file: stack.file.display().to_string(),
                schedule: stack.schedule.clone(),
                phase: Phase::Waiting,
                look: None,
                looked: None,
                complete: told.complete.map(|at| timeline.past(at)),
                failure: None,
                failures: 0,
                took: None,
                due: begun.steady,
                told,
                recent: VecDeque::new(),
            };
            (stack.name.clone(), status)
        };
        let stacks = RwLock::new(stacks.iter().map(status).collect());
        Self { timeline, begun, stacks }
    }

    /// The time, and all stacks by name.
    pub fn snapshot(&self) -> (Moment, Vec<StackStatus>) {
        (self.timeline.now(), self.read().values().cloned().collect())
    }

    /// One stack.
    pub fn stack(&self, name: &str) -> Option<StackStatus> {
        self.read().get(name).cloned()
    }

    /// When the watch began.
    pub fn begun(&self) -> Moment {
        self.begun
    }

    /// The age of the last complete check; since the beginning, if there was none.
    pub fn age(&self, stack: &StackStatus, now: Moment) -> Duration {
        now.since(stack.complete.unwrap_or(self.begun))
    }

    /// True if the last complete check is older than three looks take.
    pub fn is_overdue(&self, stack: &StackStatus, now: Moment) -> bool {
        let checked = stack.complete.unwrap_or(self.begun);
        now.since(checked) > stack.schedule.patience(checked.at)
    }

    /// Changes what is known about a stack.
    pub(crate) fn update<T>(&self, stack: &str, change: impl FnOnce(&mut StackStatus) -> T) -> Option<T> {
        self.write().get_mut(stack).map(change)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, StackStatus>> {
        self.stacks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, StackStatus>> {
        self.stacks.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StackStatus {
    /// Takes in the result of a look.
    pub(crate) fn take(
        &mut self,
        looked: Result<Look, LookFailure>,
        now: Moment,
        took: Duration,
        overdue: Option<String>,
    ) -> Vec<Transition> {
        let transitions = self.told.take(&looked, now.second(), overdue);
        self.phase = Phase::Waiting;
        self.took = Some(took);
        let is_complete = looked.as_ref().is_ok_and(Look::is_complete);
        match looked {
            Ok(look) => {
                self.look = Some(Arc::new(look));
                self.looked = Some(now);
                self.failure = None;
                self.failures = if is_complete { 0 } else { self.failures.saturating_add(1) };
            }
            Err(failure) => {
                let is_busy = failure.cause == look::Cause::Busy;
                self.failures = if is_busy { self.failures } else { self.failures.saturating_add(1) };
                self.failure = Some(failure);
            }
        }
        if is_complete {
            self.complete = Some(now);
        }
        for transition in transitions.iter().rev() {
            self.recent.push_front((now.second(), transition.clone()));
        }
        self.recent.truncate(RECENT);
        transitions
    }
}
