//! Kills the program at its calls.

use std::{fmt, thread, time::Duration};

use serde_json::json;

use super::{
    Tally,
    stage::{ChaosAccount, ProcessEnd, WorkerSandbox},
    world::AccountDump,
};
use crate::harness::{Result, fail};

/// What the program is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KillScenario {
    /// Creating production in an empty account.
    Apply,
    /// Replacing resources of production.
    Replace,
    /// Destroying production.
    Destroy,
}

/// The moment of a kill, relative to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Right before the call is sent: AWS never receives it.
    Unsent,
    /// In flight: AWS receives it, and does it after the program is dead.
    InFlight,
    /// AWS has done it, and the answer is lost.
    Unanswered,
    /// Right after the answer is read.
    Answered,
}

/// A run that is killed and repeated: killed at call number `first`, and then at each `stride`-th call.
#[derive(Debug, Clone)]
pub(super) struct Kills {
    scenario: KillScenario,
    moment: Moment,
    first: usize,
    stride: usize,
    /// Whether `state/` is deleted after every second kill.
    forgets: bool,
    seed: u64,
}

const SCENARIOS: [KillScenario; 3] = [KillScenario::Apply, KillScenario::Replace, KillScenario::Destroy];
const MOMENTS: [Moment; 4] = [Moment::Unsent, Moment::InFlight, Moment::Unanswered, Moment::Answered];

/// All changing calls at all moments, with `state/` kept and with it deleted, spread over test runs; or a sample if not
/// `all`.
pub(super) fn lives(all: bool, seed: u64) -> Vec<Kills> {
    let mut lives = vec![];
    for (number, (scenario, moment)) in
        SCENARIOS.into_iter().flat_map(|it| MOMENTS.map(|moment| (it, moment))).enumerate()
    {
        // Each has about twenty kills.
        let stride = if scenario == KillScenario::Replace { 3 } else { 11 };
        // A sample has each moment with `state/` and without it, in different scenarios.
        let some = (seed as usize + 3 * number, (number + number / MOMENTS.len()) % 2 == 1);
        let ways: Vec<_> = if all { (0..2 * stride).map(|way| (way / 2, way % 2 == 1)).collect() } else { vec![some] };
        for (first, forgets) in ways {
            let seed = seed * 1000 + lives.len() as u64;
            lives.push(Kills { scenario, moment, first: first % stride, stride, forgets, seed });
        }
    }
    lives
}

impl Kills {
    pub(super) fn row(&self) -> String {
        format!("{:?} killed {}", self.scenario, self.moment.words()).to_lowercase()
    }

    pub(super) fn live(&self, sandbox: &WorkerSandbox) -> Result<Tally> {
        let expected = self.undisturbed(sandbox)?;
        let stage = sandbox.stage()?;
        self.prepare(&stage)?;
        let mut tally = Tally { lives: 1, ..Tally::default() };
        let mut skip = self.first;
        loop {
            stage.faults(self.seed, &json!([{ "match": { "mutating": true }, "skip": skip, "times": 1, "do": { "hold": self.moment.hold() } }]))?;
            match stage.until_held(self.command())? {
                ProcessEnd::Exited(0, _) => break,
                ProcessEnd::Exited(code, said) => {
                    tally.manual += 1;
                    if tally.manual > 3 {
                        return fail(format!("ended with {code}:\n{said}"));
                    }
                }
                ProcessEnd::Held(mut child) => {
                    self.kill(&stage, &mut child)?;
                    tally.faults += 1;
                    if self.forgets && tally.faults.is_multiple_of(2) {
                        stage.forget_state()?;
                    }
                    skip = self.stride - 1;
                }
            }
            if tally.faults > 500 {
                return fail("it does not get on");
            }
        }
        stage.faults(0, &json!([]))?;
        tally.judge(&stage, &expected, self.scenario != KillScenario::Destroy)?;
        Ok(tally)
    }

    fn kill(&self, stage: &ChaosAccount, child: &mut std::process::Child) -> Result {
        if self.moment == Moment::Answered {
            stage.release("go_on")?;
            thread::sleep(Duration::from_millis(self.seed % 7 * 3));
        }
        child.kill()?;
        child.wait()?;
        match self.moment {
            Moment::Unsent | Moment::Unanswered => stage.release("drop"),
            Moment::InFlight => stage.release("go_on"),
            Moment::Answered => Ok(()),
        }
    }

    fn command(&self) -> &'static str {
        if self.scenario == KillScenario::Destroy { "destroy" } else { "apply" }
    }

    /// Prepares the account before the kills begin.
    fn prepare(&self, stage: &ChaosAccount) -> Result {
        if self.scenario == KillScenario::Apply {
            return Ok(());
        }
        succeeds(stage, "apply")?;
        if self.scenario == KillScenario::Replace { stage.change() } else { Ok(()) }
    }

    /// The dump after a run without kills.
    fn undisturbed(&self, sandbox: &WorkerSandbox) -> Result<AccountDump> {
        sandbox.undisturbed(&format!("{:?}", self.scenario), |stage| {
            self.prepare(stage)?;
            succeeds(stage, self.command())
        })
    }
}

/// Runs `command`, which must succeed.
pub(super) fn succeeds(stage: &ChaosAccount, command: &str) -> Result {
    match stage.run(command)? {
        (0, _) => Ok(()),
        (code, said) => fail(format!("undisturbed, {command} ended with {code}:\n{said}")),
    }
}

impl Moment {
    /// Where the sandbox holds the call.
    fn hold(self) -> &'static str {
        match self {
            Self::Unsent | Self::InFlight => "before",
            Self::Unanswered | Self::Answered => "after",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unsent => "before a call is sent",
            Self::InFlight => "while a call is in flight",
            Self::Unanswered => "when an answer is lost",
            Self::Answered => "after an answer is read",
        }
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, stride, forgets, seed, .. } = self;
        write!(f, "{} (first {first}, then each {stride}th, forgets {forgets}, seed {seed})", self.row())
    }
}
