//! The least that a command could take.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::probe::Sample;
use crate::harness::{Account, Result};

/// How long things take in the sandbox.
pub(super) struct Times {
    /// Seconds by kind, as AWS takes; those of all other kinds under "".
    durations: BTreeMap<String, f64>,
    time_scale: f64,
    deletion_share: f64,
    latency: f64,
}

/// Calls that each step waits for at least: the one that does it, and the look that sees it done.
const CALLS_A_STEP: f64 = 2.0;

impl Times {
    /// As the sandbox has them set.
    pub(super) fn of(account: &Account, latency: u64) -> Result<Self> {
        let config = account.control("config")?;
        let number = |name: &str| config[name].as_f64().ok_or(format!("the sandbox does not tell its {name}"));
        Ok(Self {
            durations: serde_json::from_value(config["durations"].clone())?,
            time_scale: number("time_scale")?,
            deletion_share: number("deletion_share")?,
            latency: Duration::from_millis(latency).as_secs_f64(),
        })
    }

    /// Who is asking, and the longest chain of pages; what is looked at resource by resource is one more.
    pub(super) fn looking(&self, sample: &Sample) -> f64 {
        (sample.pages as f64 + 2.0) * self.latency
    }

    /// The look before, and then the longest chain of `steps`, or the sandbox's own time where that is more.
    pub(super) fn making(&self, steps: &Value, look: &Sample, sample: &Sample) -> f64 {
        self.changing(steps, look, sample, 1.0)
    }

    /// The same for taking away what `steps` make: the chain is the same, the other way round.
    pub(super) fn taking_away(&self, steps: &Value, look: &Sample, sample: &Sample) -> f64 {
        self.changing(steps, look, sample, self.deletion_share)
    }

    fn changing(&self, steps: &Value, look: &Sample, sample: &Sample, share: f64) -> f64 {
        let calls = sample.answer["api_calls"]["total"].as_f64().unwrap_or(1.0);
        let own = sample.sandbox.as_secs_f64();
        let a_call = self.latency + own / calls;
        let chain = longest(steps, |kind| self.seconds(kind) * share + CALLS_A_STEP * a_call);
        look.wall.as_secs_f64() + chain.max(own - look.sandbox.as_secs_f64())
    }

    /// How long the sandbox takes to make one: most kinds are there at once.
    fn seconds(&self, kind: &str) -> f64 {
        self.durations.get(kind).map_or(0.0, |seconds| seconds / self.time_scale)
    }
}

/// The longest chain of a plan's steps, each of which costs what its kind does.
fn longest(steps: &Value, cost: impl Fn(&str) -> f64) -> f64 {
    let mut ends: Vec<f64> = vec![];
    for step in steps.as_array().into_iter().flatten() {
        let after = step["after"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let begins = after.filter_map(|before| ends.get(usize::try_from(before).ok()?)).copied().fold(0.0, f64::max);
        ends.push(begins + cost(&kind(step["address"].as_str().unwrap_or_default())));
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// `ec2.vpc`, of `network:a/ec2.vpc.main:b`.
fn kind(address: &str) -> String {
    let resource = address.rsplit('/').next().unwrap_or_default();
    resource.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}
