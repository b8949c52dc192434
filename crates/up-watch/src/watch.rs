//! The watch: looks at all stacks when they are due, and takes in what the looks find.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    accounts::Accounts,
    board::{Board, Phase, StackStatus},
    config::{Config, WatchedStack},
    log::{Level, SharedLog},
    look::{self, Calls, Cause, LastRun, Look, LookFailure, Looker, Looking},
    memory::{Memory, MemoryFile},
    metrics::Metrics,
    notify::{Notifier, Transport},
    schedule::draw,
    store::Store,
    timeline::{Jump, Moment, Timeline, WallClock},
    told::Transition,
};

/// How often the clock is compared.
const PULSE: Duration = Duration::from_secs(10);
/// How long a history may take to answer.
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// How long a stack whose look has panicked is left alone.
const AFTER_PANIC: Duration = Duration::from_secs(60);

/// What the watch works with.
#[derive(Debug)]
pub struct Ports {
    /// Looks at stacks.
    pub looker: Arc<dyn Looker>,
    /// The clock on the wall.
    pub clock: Arc<dyn WallClock>,
    /// Sends notifications.
    pub transport: Arc<dyn Transport>,
    /// Takes messages for people.
    pub log: SharedLog,
    /// Keeps the memory. Without one, nothing survives a restart.
    pub memory: Option<MemoryFile>,
}

/// Looks at stacks when they are due. Clones are one watch.
#[derive(Debug, Clone)]
pub struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    looker: Arc<dyn Looker>,
    log: SharedLog,
    timeline: Arc<Timeline>,
    board: Arc<Board>,
    accounts: Accounts,
    metrics: Arc<Metrics>,
    notifier: Notifier,
    store: Arc<Store>,
    /// When the scheduler was last seen at work.
    pulse: watch::Sender<Instant>,
}

/// What goes on beside everything else.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Looks at a stack.
    Stack(usize),
    /// Delivers notifications to a target.
    Delivery(usize),
    /// Compares the clocks.
    Beat,
}

/// Why a stack is looked at.
enum Woken {
    Due,
    /// A run has ended since the last look.
    Run(LastRun),
    /// The clock has jumped: when the look is due is computed again.
    Jumped,
}

impl Watch {
    /// A watch that has not begun.
    pub fn new(config: Config, ports: Ports) -> Self {
        let Ports { looker, clock, transport, log, memory: file } = ports;
        let mut memory = file.as_ref().map_or(Ok(Memory::default()), MemoryFile::read).unwrap_or_else(|error| {
            log.say(Level::Warning, &format!("{error}: everything that has drifted is told again"));
            Memory::default()
        });
        memory.stacks.retain(|name, _| config.stacks.iter().any(|stack| stack.name == *name));
        memory.outbox.retain(|name, _| config.targets.iter().any(|target| target.name == *name));
        let timeline = Arc::new(Timeline::new(clock));
        let board = Arc::new(Board::new(timeline.clone(), &config.stacks, &memory.stacks));
        let store = Arc::new(Store::new(file, memory, log.clone()));
        let metrics = Arc::new(Metrics::new(board.clone(), store.clone(), &config));
        let notifier = Notifier::new(&config, store.clone(), transport, metrics.clone(), timeline.clone(), log.clone());
        let pulse = watch::Sender::new(Instant::now());
        let accounts = Accounts::default();
        Self(Arc::new(Shared { config, looker, log, timeline, board, accounts, metrics, notifier, store, pulse }))
    }

    /// What is known about the stacks.
    pub fn board(&self) -> &Arc<Board> {
        &self.0.board
    }

    /// The metrics.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// How long ago the scheduler was last seen at work.
    pub fn silence(&self) -> Duration {
        self.0.pulse.borrow().elapsed()
    }

    /// Watches until this is dropped. A stack that panics is taken up again, and the others go on.
    pub async fn run(&self) {
        let mut tasks = JoinSet::new();
        let mut known = BTreeMap::new();
        let stacks = (0..self.0.config.stacks.len()).map(Task::Stack);
        let deliveries = (0..self.0.config.targets.len()).map(Task::Delivery);
        for task in stacks.chain(deliveries).chain([Task::Beat]) {
            known.insert(tasks.spawn(self.clone().work(task, Duration::ZERO)).id(), task);
        }
        while let Some(ended) = tasks.join_next_with_id().await {
            let Err(error) = ended else { continue };
            let Some(task) = known.remove(&error.id()) else { continue };
            match task {
                Task::Stack(index) => self.0.panicked(&self.0.config.stacks[index]),
                Task::Delivery(_) | Task::Beat => {
                    self.0.log.say(Level::Error, &format!("internal error (a bug in bullstra-up): {error}"));
                }
            }
            known.insert(tasks.spawn(self.clone().work(task, AFTER_PANIC)).id(), task);
        }
    }

    /// Does a task after a delay. It never ends.
    async fn work(self, task: Task, delay: Duration) {
        match task {
            Task::Stack(index) => self.watch(index, delay).await,
            Task::Delivery(index) => {
                sleep(delay).await;
                self.0.notifier.deliver(index).await;
            }
            Task::Beat => self.beat().await,
        }
    }

    /// Looks at a stack now, and takes in what the look finds. `None` if there is no such stack.
    pub async fn look(&self, stack: &str) -> Option<StackStatus> {
        let watched = self.0.config.stacks.iter().find(|watched| watched.name == stack)?;
        self.0.look(watched, self.0.timeline.now(), 0.0).await;
        self.0.board.stack(stack)
    }

    /// Delivers notifications that wait, for at most `patience`. Returns how many wait still.
    pub async fn deliver(&self, patience: Duration) -> usize {
        let waiting = || self.0.config.targets.iter().map(|target| self.0.store.waiting(&target.name)).sum();
        let mut tasks = JoinSet::new();
        for index in 0..self.0.config.targets.len() {
            tasks.spawn(self.clone().work(Task::Delivery(index), Duration::ZERO));
        }
        let begun = Instant::now();
        while waiting() > 0 && begun.elapsed() < patience {
            sleep(Duration::from_millis(20)).await;
        }
        waiting()
    }

    /// Looks at a stack again and again.
    async fn watch(self, index: usize, delay: Duration) {
        let shared = &*self.0;
        let stack = &shared.config.stacks[index];
        let mut jumps = shared.timeline.jumps();
        let mut looks = 0;
        let random = |look: u64| draw(shared.config.seed, &stack.name, look);
        let first = shared.timeline.now().steady + signed(delay) + signed(stack.schedule.first(random(0)));
        shared.board.update(&stack.name, |status| status.due = first);
        let (mut due, mut seen, mut began) = (first, None, None);
        loop {
            match shared.wait(stack, due, &seen, &mut jumps).await {
                Woken::Jumped => {
                    // A time of day is somewhere else now; an interval is not.
                    if let Some(began) = began {
                        due = due.min(stack.schedule.next(began, shared.timeline.now(), random(looks)));
                    }
                    shared.board.update(&stack.name, |status| status.due = due);
                    continue;
                }
                Woken::Run(run) => shared.log.say(Level::Note, &format!("{}: {} has ended", stack.name, run.what)),
                Woken::Due => {}
            }
            looks += 1;
            let begun = shared.timeline.now();
            began = Some(begun);
            // Before the look: a run that ends while it goes on is seen by the next poll.
            seen = shared.last_run(stack).await.or(seen);
            due = shared.look(stack, begun, random(looks)).await;
        }
    }

    /// Notices jumps of the clock, and shows that the scheduler is at work.
    async fn beat(self) {
        let mut ticks = interval(PULSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut jumps = self.0.timeline.jumps();
        loop {
            ticks.tick().await;
            self.0.pulse.send_replace(Instant::now());
            self.0.timeline.now();
            if jumps.has_changed().unwrap_or(false)
                && let Some(Jump { by, .. }) = *jumps.borrow_and_update()
            {
                let way = if by.is_negative() { "back" } else { "forward" };
                let text = format!("the clock has jumped {way} by {:#}", by.abs());
                self.0.log.say(Level::Warning, &text);
            }
        }
    }
}

impl Shared {
    async fn wait(
        &self,
        stack: &WatchedStack,
        due: SignedDuration,
        seen: &Option<Option<LastRun>>,
        jumps: &mut watch::Receiver<Option<Jump>>,
    ) -> Woken {
        loop {
            let wait = self.timeline.now().until(due);
            let polls = !self.config.poll.is_zero() && self.config.poll < wait;
            tokio::select! {
                biased;
                Ok(()) = jumps.changed() => return Woken::Jumped,
                () = sleep(if polls { self.config.poll } else { wait }) => {}
            }
            if !polls {
                return Woken::Due;
            }
            let run = self.last_run(stack).await;
            let is_new = run.is_some() && seen.is_some() && run != *seen;
            if let Some(run) = run.flatten().filter(|run| is_new && !run.is_running) {
                return Woken::Run(run);
            }
        }
    }

    /// The stack's last run, if it has one. `None` if the history cannot be read: the next look says why.
    async fn last_run(&self, stack: &WatchedStack) -> Option<Option<LastRun>> {
        timeout(LONGEST_POLL, self.looker.last_run(stack)).await.ok()?.ok()
    }

    /// Looks at a stack. Returns when the next look is due.
    async fn look(&self, stack: &WatchedStack, begun: Moment, draw: f64) -> SignedDuration {
        self.board.update(&stack.name, |status| status.phase = Phase::Queued);
        let mut looking = self.looker.begin(stack);
        let (looked, took) = self.looked(stack, &mut *looking).await;
        let calls = looking.calls();
        drop(looking);
        self.take(stack, begun, looked, took, &calls, draw)
    }

    async fn looked(&self, stack: &WatchedStack, looking: &mut dyn Looking) -> (Result<Look, LookFailure>, Duration) {
        let begun = Instant::now();
        let account = match timeout(stack.timeout, looking.open()).await {
            Ok(Ok(account)) => account,
            Ok(Err(failure)) => return (Err(failure), begun.elapsed()),
            Err(_) => return (Err(late("signing in", stack.timeout)), begun.elapsed()),
        };
        let turn = self.accounts.turn(&account).await;
        self.board.update(&stack.name, |status| status.phase = Phase::Looking);
        let begun = Instant::now();
        let looked = timeout(stack.timeout, looking.look()).await;
        turn.end(looking.calls().throttled > 0);
        (looked.unwrap_or_else(|_| Err(late("the look", stack.timeout))), begun.elapsed())
    }

    /// Takes in what a look has found, and tells who is to be told. Returns when the next look is due.
    fn take(
        &self,
        stack: &WatchedStack,
        begun: Moment,
        looked: Result<Look, LookFailure>,
        took: Duration,
        calls: &Calls,
        draw: f64,
    ) -> SignedDuration {
        let now = self.timeline.now();
        let result = look::result(&looked);
        let is_busy = result == "busy";
        let taken = self.board.update(&stack.name, |status| {
            let overdue = self.overdue(status, now);
            let transitions = status.take(looked, now, took, overdue);
            status.due = match status.failures {
                _ if is_busy => stack.schedule.after_busy(now),
                0 => stack.schedule.next(begun, now, draw),
                failures => stack.schedule.retry(begun, now, failures, draw),
            };
            (transitions, status.clone())
        });
        let Some((transitions, status)) = taken else { return now.steady };
        self.metrics.looked(&stack.name, result, took, calls);
        self.log(stack, &transitions);
        let messages = self.notifier.messages(&status, transitions, now.second());
        let full = self.store.keep(&stack.name, &status.told, messages);
        full.iter().for_each(|target| self.metrics.dropped(target));
        status.due
    }

    fn overdue(&self, status: &StackStatus, now: Moment) -> Option<String> {
        let age = SignedDuration::from_secs(signed(self.board.age(status, now)).as_secs());
        let is_overdue = self.board.is_overdue(status, now);
        is_overdue.then(|| format!("the last complete check was {age:#} ago"))
    }

    fn log(&self, stack: &WatchedStack, transitions: &[Transition]) {
        for transition in transitions {
            let level = match transition {
                Transition::Resolved(_) | Transition::Back(_) => Level::Note,
                Transition::New(_) | Transition::Changed(_) | Transition::Failing(_) => Level::Warning,
            };
            self.log.say(level, &format!("{}: {}", stack.name, transition.sentence()));
        }
    }

    /// A panic is a failure of that stack.
    fn panicked(&self, stack: &WatchedStack) {
        let failure = LookFailure::new(Cause::Failed, "internal error (a bug in bullstra-up): the look has panicked");
        self.log.say(Level::Error, &format!("{}: {}", stack.name, failure.message));
        let now = self.timeline.now();
        self.take(stack, now, Err(failure), Duration::ZERO, &Calls::default(), 0.0);
    }
}

fn late(what: &str, patience: Duration) -> LookFailure {
    let message = format!("{what} has not ended within {:#}", signed(patience));
    let hint = "an endpoint may hang; `timeout` says how long a look may take".to_owned();
    LookFailure { hint: Some(hint), ..LookFailure::new(Cause::TimedOut, message) }
}

fn signed(duration: Duration) -> SignedDuration {
    crate::schedule::signed(duration)
}
