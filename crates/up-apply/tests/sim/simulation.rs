//! Observes, plans and applies on the simulated AWS, as the command does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    sync::watch,
    time::{sleep, timeout},
};
use up_apply::{ApplyOptions, Event, Observer, Outcome, Sink, Stop};
use up_core::{AnyKind, Context, Meter};
use up_plan::{LiveStack, Plan, Wanted};

use crate::{
    cloud::{Cloud, Faults, LogEntry},
    kinds::{ALL, find, model},
    log,
    random::{Random, seeds},
    stacks::RandomStack,
};

/// The result of a check; the error says what is wrong.
pub(crate) type TestResult<T = ()> = Result<T, String>;

const STACK: &str = "shop";
/// The longest time that a run of these stacks may take, however slow AWS is: a longer run hangs.
const BOUND: Duration = Duration::from_secs(12 * 3600);
/// After this time all observations are current, and no call is in flight.
const SETTLED: Duration = Duration::from_secs(30);

/// How a run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RunEnd {
    /// It is not interrupted.
    Completed,
    /// It is told to stop after this time.
    Interrupted(Duration),
    /// It is killed (SIGKILL) when the simulation's log reaches this length.
    Killed(usize),
}

/// The result of a run.
pub(crate) struct SimulatedRun {
    pub(crate) plan: Plan,
    /// `None` if the run was killed.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) log: log::Log,
    pub(crate) took: Duration,
}

/// A simulated AWS, and a command that works on it.
pub(crate) struct Simulation {
    pub(crate) cloud: Cloud,
    pub(crate) parallel: usize,
}

/// Runs a test for each seed, each on a simulated clock that stands still while a task can run.
pub(crate) fn each(usual: u64, test: impl AsyncFn(Random) -> TestResult) {
    for seed in seeds(usual) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let test = || runtime.block_on(test(Random::new(seed)));
        match catch_unwind(AssertUnwindSafe(test)) {
            Ok(Ok(())) => {}
            Ok(Err(wrong)) => panic!("SIM_SEEDS={seed}..{}: {wrong}", seed + 1),
            Err(panicked) => {
                let words = panicked.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                match words {
                    Some(words) => panic!("SIM_SEEDS={seed}..{}: {words}", seed + 1),
                    None => resume_unwind(panicked),
                }
            }
        }
    }
}

impl Simulation {
    pub(crate) fn new(random: &mut Random, faults: Faults) -> Self {
        let parallel = [1, 2, 4, 16][usize::try_from(random.below(4)).expect("below 4")];
        Self { cloud: Cloud::new(Random::new(random.below(u64::MAX)), faults), parallel }
    }

    fn observer(&self, stack: &RandomStack) -> Observer {
        let config = aws_types::SdkConfig::builder().build();
        let cx = Context::new(config, "123456789012", Meter::default());
        cx.client(|_, _| self.cloud.clone());
        let (index, known) = Default::default();
        Observer {
            cx: Arc::new(cx),
            stack: STACK.into(),
            index,
            known,
            asked: Observer::asked(&stack.resources, []).into(),
            desired: Arc::default(),
            children: Arc::default(),
            kept: Arc::default(),
            names: Arc::default(),
            keeps_others: false,
        }
    }

    async fn look(&self, observer: &Observer) -> TestResult<LiveStack> {
        let kinds: Vec<_> = ALL.into_iter().map(|kind| kind as &'static dyn AnyKind).collect();
        let (live_stack, errors) = observer.readable(&kinds).await;
        if errors.is_empty() { Ok(live_stack) } else { Err(format!("failed to look: {errors:?}")) }
    }

    fn planned(stack: &RandomStack, live_stack: &LiveStack) -> Plan {
        up_plan::plan(&Wanted::new(STACK, &stack.resources), live_stack, &model)
    }

    /// The plan after all changes have settled.
    pub(crate) async fn plan(&self, stack: &RandomStack) -> TestResult<Plan> {
        sleep(SETTLED).await;
        Ok(Self::planned(stack, &self.look(&self.observer(stack)).await?))
    }

    /// Runs one whole command: observes, plans, applies. Checks what must hold of every run.
    pub(crate) async fn run(&self, stack: &RandomStack, end: RunEnd) -> TestResult<SimulatedRun> {
        let observer = self.observer(stack);
        let live_stack = self.look(&observer).await?;
        let plan = Self::planned(stack, &live_stack);
        if !plan.refusals.is_empty() {
            return Err(format!("refused: {:?}", plan.refusals));
        }
        {
            let mut state = self.cloud.state();
            state.log.clear();
            state.flying = 0;
            state.parallel = self.parallel;
            state.dies = Arc::default();
            state.killed_at = if let RunEnd::Killed(length) = end { Some(length) } else { None };
        }
        let began = tokio::time::Instant::now();
        let outcome = self.apply(observer, &live_stack, &plan, end).await?;
        let took = began.elapsed();
        let log = {
            let mut state = self.cloud.state();
            let mut log = std::mem::take(&mut state.log);
            // Entries after the kill are not seen by anybody.
            log.truncate(state.killed_at.take().unwrap_or(log.len()));
            log
        };
        let ran = SimulatedRun { plan, outcome, log: log::Log(log), took };
        ran.log.check(&ran.plan, ran.outcome.as_ref()).map_err(|wrong| format!("{wrong}\n{}", ran.text()))?;
        match &self.cloud.state().violations[..] {
            [] => Ok(ran),
            [first, ..] => Err(format!("{first}\n{}", ran.text())),
        }
    }

    async fn apply(
        &self,
        observer: Observer,
        live_stack: &LiveStack,
        plan: &Plan,
        end: RunEnd,
    ) -> TestResult<Option<Outcome>> {
        let (stop, stopped) = watch::channel(Stop::No);
        let options = ApplyOptions {
            parallel: self.parallel,
            settle: Duration::from_secs(20),
            since_last_run: Some(Duration::ZERO),
            birth: None,
        };
        let sink = Arc::new(LogSink(self.cloud.clone()));
        let run = timeout(BOUND, up_apply::apply(observer, live_stack, plan, find, options, sink, stopped));
        let (cloud, dies) = (self.cloud.clone(), self.cloud.state().dies.clone());
        let ending = async move {
            match end {
                RunEnd::Completed => std::future::pending().await,
                RunEnd::Interrupted(after) => {
                    sleep(after).await;
                    stop.send_replace(Stop::Finish);
                    cloud.note(LogEntry::Stopped);
                    std::future::pending().await
                }
                RunEnd::Killed(_) => dies.notified().await,
            }
        };
        tokio::select! {
            ran = run => ran.map(Some).map_err(|_| "the run hangs".to_owned()),
            () = ending => Ok(None),
        }
    }

    /// Checks that exactly the declared resources exist, once each, with their tags and as declared.
    pub(crate) async fn check_as_declared(&self, stack: &RandomStack) -> TestResult {
        let mut existing = self.cloud.existing();
        for declared in &stack.resources {
            match existing.remove(&declared.address).unwrap_or_default().len() {
                1 => {}
                count => return Err(format!("{} exists {count} times", declared.address)),
            }
        }
        if !existing.is_empty() {
            return Err(format!("left over: {:?}", existing.keys()));
        }
        match &self.plan(stack).await?.steps[..] {
            [] => Ok(()),
            steps => Err(format!("there are still differences: {steps:#?}")),
        }
    }
}

impl SimulatedRun {
    /// The outcome of a run that was not killed.
    pub(crate) fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().expect("the run was not killed")
    }

    /// Checks that all steps are done.
    pub(crate) fn check_complete(&self) -> TestResult {
        let Outcome { failed, skipped, .. } = self.outcome();
        if failed.is_empty() && skipped.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {failed:?}\nskipped: {skipped:?}\n{}", self.text()))
        }
    }

    /// The plan and the log as text.
    fn text(&self) -> String {
        let steps = self.plan.steps.iter().enumerate();
        let steps =
            steps.map(|(index, step)| format!("{index} {:?} {} after {:?}", step.verb(), step.address, step.after));
        steps.chain(self.log.text()).collect::<Vec<_>>().join("\n")
    }
}

struct LogSink(Cloud);

impl Sink for LogSink {
    fn take(&self, event: &Event) -> std::io::Result<()> {
        self.0.note(LogEntry::Emitted(event.clone()));
        Ok(())
    }
}
