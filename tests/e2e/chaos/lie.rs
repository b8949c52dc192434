//! AWS fails, throttles and sends wrong answers while production is created; the command is repeated until it succeeds.

use std::fmt;

use serde_json::{Value, json};

use super::{Tally, kill::succeeds, stage::WorkerSandbox};
use crate::harness::{Result, fail};

/// A run in which AWS misbehaves.
#[derive(Debug, Clone)]
pub(super) struct Lie {
    name: &'static str,
    faults: Value,
    seed: u64,
}

/// Each fault, with several seeds if `all`.
pub(super) fn lives(all: bool, seed: u64) -> Vec<Lie> {
    let rounds = if all { 5 } else { 1 };
    let sorts = sorts();
    let each =
        |round: u64| sorts.clone().into_iter().map(move |(name, faults)| Lie { name, faults, seed: seed + round });
    (0..rounds).flat_map(each).collect()
}

fn sorts() -> Vec<(&'static str, Value)> {
    let often = |share: f64, what: Value| json!([{ "probability": share, "do": what }]);
    let writes = |share: f64, what: Value| json!([{ "match": { "mutating": true }, "probability": share, "do": what }]);
    let reads = |share: f64, what: Value| json!([{ "match": { "mutating": false }, "probability": share, "do": what }]);
    vec![
        ("server errors, nothing done", often(0.1, json!({ "refuse": { "status": 500 } }))),
        ("server errors, done", writes(0.1, json!({ "refuse_after": { "status": 500 } }))),
        ("connections cut before", often(0.1, json!({ "cut": "before" }))),
        ("connections cut after", writes(0.15, json!({ "cut": "after" }))),
        ("throttling", often(0.15, json!({ "throttle": {} }))),
        ("slow answers", often(0.5, json!({ "latency": { "fixed_ms": 5, "random_ms": 100 } }))),
        ("stale reads", reads(1.0, json!({ "stale": { "seconds": 2 } }))),
        ("stale reads now and then", reads(0.5, json!({ "stale": { "seconds": 2 } }))),
        (
            "an EC2 that is late",
            json!([
                { "match": { "service": "ec2", "mutating": true }, "do": { "late": { "seconds": 1 } } },
                { "match": { "service": "ec2", "mutating": false }, "do": { "stale": { "seconds": 1 } } },
            ]),
        ),
        ("short pages", reads(1.0, json!({ "pages": "short" }))),
        ("repeated pages", reads(1.0, json!({ "pages": "repeat" }))),
        ("damaged answers", reads(0.03, json!({ "garble": "truncate" }))),
        ("pages of a proxy", reads(0.03, json!({ "garble": "html" }))),
    ]
}

impl Lie {
    pub(super) fn row(&self) -> String {
        format!("apply under {}", self.name)
    }

    pub(super) fn live(&self, sandbox: &WorkerSandbox) -> Result<Tally> {
        let expected = sandbox.undisturbed("Apply", |stage| succeeds(stage, "apply"))?;
        let stage = sandbox.stage()?;
        stage.faults(self.seed, &self.faults)?;
        let mut tally = Tally { lives: 1, ..Tally::default() };
        for attempt in 0.. {
            match stage.run("apply")? {
                (0, _) => break,
                (code, said) if attempt == 9 => {
                    return fail(format!("after ten times it still ends with {code}:\n{said}"));
                }
                // A failure is reported, and the same command again continues: nothing more is promised.
                _ => {}
            }
        }
        tally.faults = stage.acted()?;
        stage.faults(0, &json!([]))?;
        tally.judge(&stage, &expected, true)?;
        Ok(tally)
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (seed {})", self.row(), self.seed)
    }
}
