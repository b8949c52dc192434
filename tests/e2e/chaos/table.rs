//! The table of results.

use std::{
    collections::BTreeMap,
    io::{Write, stderr},
    time::Duration,
};

use super::Tally;
use crate::harness::{Result, fail};

/// The results by kind of fault.
pub(super) struct ResultTable {
    seed: u64,
    rows: BTreeMap<String, Tally>,
    failures: Vec<String>,
}

impl ResultTable {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, rows: BTreeMap::new(), failures: vec![] }
    }

    /// Adds a test run to its row.
    pub(super) fn add(&mut self, row: &str, life: &str, came: std::result::Result<Tally, String>) {
        let sum = self.rows.entry(row.to_owned()).or_default();
        let tally = came.unwrap_or_else(|error| {
            self.failures.push(format!("{life}: {error}"));
            Tally { lives: 1, ..Tally::default() }
        });
        if tally.converged < tally.lives || tally.duplicates + tally.orphans + tally.manual > 0 {
            self.failures.push(format!("{life}: {tally:?}"));
        }
        sum.lives += tally.lives;
        sum.faults += tally.faults;
        sum.converged += tally.converged;
        sum.duplicates += tally.duplicates;
        sum.orphans += tally.orphans;
        sum.manual += tally.manual;
    }

    /// The numbers of test runs and faults so far.
    pub(super) fn counts(&self) -> (usize, usize) {
        let sum = |of: fn(&Tally) -> usize| self.rows.values().map(of).sum();
        (sum(|tally| tally.lives), sum(|tally| tally.faults))
    }

    pub(super) fn print(&self, elapsed: Duration) {
        let mut out = stderr();
        let line = |name: &str, tally: &Tally| {
            let Tally { lives, faults, converged, duplicates, orphans, manual } = tally;
            format!("{name:<45} {faults:>6} {lives:>6} {converged:>10} {duplicates:>10} {orphans:>8} {manual:>7}\n")
        };
        let mut text = format!(
            "\n{:<45} {:>6} {:>6} {:>10} {:>10} {:>8} {:>7}\n",
            "what", "faults", "lives", "converged", "duplicates", "orphans", "manual"
        );
        text.extend(self.rows.iter().map(|(name, tally)| line(name, tally)));
        let (lives, faults) = self.counts();
        text += &format!("{faults} faults in {lives} lives, seed {}, {} s\n", self.seed, elapsed.as_secs());
        // A failed write is ignored: the result is returned.
        let _ = out.write_all(text.as_bytes());
    }

    /// Fails unless all test runs ended like an undisturbed one, with no duplicate and no lost resource.
    pub(super) fn verdict(&self) -> Result {
        if self.failures.is_empty() {
            Ok(())
        } else {
            fail(format!("seed {}:\n{}", self.seed, self.failures.join("\n")))
        }
    }
}
