//! Killed at its calls.

use std::{fmt, thread, time::Duration};

use serde_json::json;

use super::{
    Tally,
    stage::{End, Sandbox, Stage},
    world::World,
};
use crate::harness::{Result, fail};

/// What the program is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Making production out of nothing.
    Apply,
    /// Replacing what production consists of.
    Replace,
    /// Taking production away.
    Destroy,
}

/// When, as seen from the call it is killed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Right before it is sent: AWS never gets it.
    Unsent,
    /// In flight: AWS gets it, and does it after the program is dead.
    InFlight,
    /// AWS has done it, and the answer is lost.
    Unanswered,
    /// Right after the answer is read.
    Answered,
}

/// A life in which the program is killed again and again: at its call number `first`, and then at each `stride`-th.
#[derive(Debug, Clone)]
pub(super) struct Kills {
    scenario: Scenario,
    moment: Moment,
    first: usize,
    stride: usize,
    /// Whether `state/` is deleted after every second kill.
    forgets: bool,
    seed: u64,
}

const SCENARIOS: [Scenario; 3] = [Scenario::Apply, Scenario::Replace, Scenario::Destroy];
const MOMENTS: [Moment; 4] = [Moment::Unsent, Moment::InFlight, Moment::Unanswered, Moment::Answered];

/// Every mutating call at every moment, with `state/` kept and with it deleted, spread over lives; or, where not `all`,
/// some.
pub(super) fn lives(all: bool, seed: u64) -> Vec<Kills> {
    let mut lives = vec![];
    for (number, (scenario, moment)) in
        SCENARIOS.into_iter().flat_map(|it| MOMENTS.map(|moment| (it, moment))).enumerate()
    {
        // So that each life has about twenty kills in it.
        let stride = if scenario == Scenario::Replace { 3 } else { 11 };
        // A sample has each moment with `state/` and without, one in one scenario and one in another.
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

    pub(super) fn live(&self, sandbox: &Sandbox) -> Result<Tally> {
        let expected = self.undisturbed(sandbox)?;
        let stage = sandbox.stage()?;
        self.prepare(&stage)?;
        let mut tally = Tally { lives: 1, ..Tally::default() };
        let mut skip = self.first;
        loop {
            stage.faults(self.seed, &json!([{ "match": { "mutating": true }, "skip": skip, "times": 1, "do": { "hold": self.moment.hold() } }]))?;
            match stage.until_held(self.command())? {
                End::Exited(0, _) => break,
                End::Exited(code, said) => {
                    tally.manual += 1;
                    if tally.manual > 3 {
                        return fail(format!("ended with {code}:\n{said}"));
                    }
                }
                End::Held(mut child) => {
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
        tally.judge(&stage, &expected, self.scenario != Scenario::Destroy)?;
        Ok(tally)
    }

    fn kill(&self, stage: &Stage, child: &mut std::process::Child) -> Result {
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
        if self.scenario == Scenario::Destroy { "destroy" } else { "apply" }
    }

    /// What there is before the killing begins.
    fn prepare(&self, stage: &Stage) -> Result {
        if self.scenario == Scenario::Apply {
            return Ok(());
        }
        succeeds(stage, "apply")?;
        if self.scenario == Scenario::Replace { stage.change() } else { Ok(()) }
    }

    /// The world after a run that nothing disturbs.
    fn undisturbed(&self, sandbox: &Sandbox) -> Result<World> {
        sandbox.undisturbed(&format!("{:?}", self.scenario), |stage| {
            self.prepare(stage)?;
            succeeds(stage, self.command())
        })
    }
}

/// Runs `command` undisturbed.
pub(super) fn succeeds(stage: &Stage, command: &str) -> Result {
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
