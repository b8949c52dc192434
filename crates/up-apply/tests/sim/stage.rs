//! Looks, plans and applies on the simulated AWS, as the command does.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    sync::watch,
    time::{sleep, timeout},
};
use up_apply::{Event, Observer, Options, Outcome, Sink, Stop};
use up_core::{AnyKind, Context, Meter};
use up_plan::{Plan, Wanted, World};

use crate::{
    chance::{Chance, seeds},
    cloud::{Cloud, Moods, Note},
    kinds::{ALL, find},
    log,
    stacks::Stack,
};

/// What a test finds wrong, in words.
pub(crate) type Verdict<T = ()> = Result<T, String>;

const STACK: &str = "shop";
/// No run of these stacks may take longer, however slow everything is: what does hangs.
const BOUND: Duration = Duration::from_secs(12 * 3600);
/// After so long no news are old any more, and no call is on its way.
const SETTLED: Duration = Duration::from_secs(30);

/// How a run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// By itself.
    Well,
    /// It is told to, after so long.
    Told(Duration),
    /// SIGKILL, as the log of the simulation reaches this length.
    Killed(usize),
}

/// A run.
pub(crate) struct Ran {
    pub(crate) plan: Plan,
    /// None of a run that was killed.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) log: log::Log,
    pub(crate) took: Duration,
}

/// A simulated AWS, and a command that works on it.
pub(crate) struct Stage {
    pub(crate) cloud: Cloud,
    pub(crate) parallel: usize,
}

/// Runs a test for each of many seeds, each on a clock of its own that stands still while anything can be done.
pub(crate) fn each(usual: u64, test: impl AsyncFn(Chance) -> Verdict) {
    for seed in seeds(usual) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let test = || runtime.block_on(test(Chance::new(seed)));
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

impl Stage {
    pub(crate) fn new(chance: &mut Chance, moods: Moods) -> Self {
        let parallel = [1, 2, 4, 16][usize::try_from(chance.below(4)).expect("below 4")];
        Self { cloud: Cloud::new(Chance::new(chance.below(u64::MAX)), moods), parallel }
    }

    fn observer(&self, stack: &Stack) -> Observer {
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
        }
    }

    async fn look(&self, observer: &Observer) -> Verdict<World> {
        let kinds: Vec<_> = ALL.into_iter().map(|kind| kind as &'static dyn AnyKind).collect();
        let needed: BTreeSet<_> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
        let looked = observer.world(&kinds, &needed).await;
        looked.map(|(world, _)| world).map_err(|errors| format!("failed to look: {errors:?}"))
    }

    fn planned(stack: &Stack, world: &World) -> Plan {
        let none = BTreeSet::new();
        let resources = &stack.resources;
        let wanted = Wanted {
            stack: STACK,
            resources,
            protect: false,
            prevent_destroy: &none,
            named: &[].into(),
            given: &[].into(),
            targets: &none,
        };
        up_plan::plan(&wanted, world, &find)
    }

    /// What is left to do, seen when all has settled.
    pub(crate) async fn plan(&self, stack: &Stack) -> Verdict<Plan> {
        sleep(SETTLED).await;
        Ok(Self::planned(stack, &self.look(&self.observer(stack)).await?))
    }

    /// One whole command: looks, plans, applies. Checks all that holds of every run.
    pub(crate) async fn run(&self, stack: &Stack, end: End) -> Verdict<Ran> {
        let observer = self.observer(stack);
        let world = self.look(&observer).await?;
        let plan = Self::planned(stack, &world);
        if !plan.refusals.is_empty() {
            return Err(format!("refused: {:?}", plan.refusals));
        }
        {
            let mut state = self.cloud.state();
            state.log.clear();
            state.flying = 0;
            state.parallel = self.parallel;
            state.dies = Arc::default();
            state.killed_at = if let End::Killed(length) = end { Some(length) } else { None };
        }
        let began = tokio::time::Instant::now();
        let outcome = self.apply(observer, &world, &plan, end).await?;
        let took = began.elapsed();
        let log = {
            let mut state = self.cloud.state();
            let mut log = std::mem::take(&mut state.log);
            // Nobody hears what is said after the kill.
            log.truncate(state.killed_at.take().unwrap_or(log.len()));
            log
        };
        let ran = Ran { plan, outcome, log: log::Log(log), took };
        ran.log.check(&ran.plan, ran.outcome.as_ref()).map_err(|wrong| format!("{wrong}\n{}", ran.words()))?;
        match &self.cloud.state().violations[..] {
            [] => Ok(ran),
            [first, ..] => Err(format!("{first}\n{}", ran.words())),
        }
    }

    async fn apply(&self, observer: Observer, world: &World, plan: &Plan, end: End) -> Verdict<Option<Outcome>> {
        let (stop, stopped) = watch::channel(Stop::No);
        let options = Options { parallel: self.parallel, settle: Duration::from_secs(20) };
        let tape = Arc::new(Tape(self.cloud.clone()));
        let run = timeout(BOUND, up_apply::apply(observer, world, plan, find, options, tape, stopped));
        let (cloud, dies) = (self.cloud.clone(), self.cloud.state().dies.clone());
        let ending = async move {
            match end {
                End::Well => std::future::pending().await,
                End::Told(after) => {
                    sleep(after).await;
                    stop.send_replace(Stop::Finish);
                    cloud.note(Note::Stopped);
                    std::future::pending().await
                }
                End::Killed(_) => dies.notified().await,
            }
        };
        tokio::select! {
            ran = run => ran.map(Some).map_err(|_| "the run hangs".to_owned()),
            () = ending => Ok(None),
        }
    }

    /// Makes sure that what stands is what is declared: once, tagged, as it should be, and nothing else.
    pub(crate) async fn is_as_declared(&self, stack: &Stack) -> Verdict {
        let mut standing = self.cloud.standing();
        for declared in &stack.resources {
            match standing.remove(&declared.address).unwrap_or_default().len() {
                1 => {}
                count => return Err(format!("{} stands {count} times", declared.address)),
            }
        }
        if !standing.is_empty() {
            return Err(format!("left over: {:?}", standing.keys()));
        }
        match &self.plan(stack).await?.steps[..] {
            [] => Ok(()),
            steps => Err(format!("there is still something to do: {steps:#?}")),
        }
    }
}

impl Ran {
    /// The outcome of a run that was not killed.
    pub(crate) fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().expect("it came to its end")
    }

    /// Makes sure that all was done.
    pub(crate) fn is_whole(&self) -> Verdict {
        let Outcome { failed, skipped, .. } = self.outcome();
        if failed.is_empty() && skipped.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {failed:?}\nskipped: {skipped:?}\n{}", self.words()))
        }
    }

    /// Plan and log, for people.
    fn words(&self) -> String {
        let steps = self.plan.steps.iter().enumerate();
        let steps =
            steps.map(|(index, step)| format!("{index} {:?} {} after {:?}", step.verb(), step.address, step.after));
        steps.chain(self.log.words()).collect::<Vec<_>>().join("\n")
    }
}

struct Tape(Cloud);

impl Sink for Tape {
    fn take(&self, event: &Event) -> std::io::Result<()> {
        self.0.note(Note::Told(event.clone()));
        Ok(())
    }
}
