//! Declared and observed in, steps out. Pure, synchronous, deterministic: the same inputs give the same plan byte for byte.

mod decide;
mod graph;
mod plan;
mod protect;
mod steps;
mod world;

pub use plan::{Action, FORMAT, Notice, Plan, Refusal, Step, Summary};
pub use world::{Fingerprints, World};

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use up_core::{Address, AnyKind, Declared};

/// A map of many small keys, for which std's hash costs more than all the rest.
type Map<K, V> = HashMap<K, V, RandomState>;

/// Finds a kind by its name.
pub type Kinds<'a> = &'a dyn Fn(&str) -> Option<&'static dyn AnyKind>;

/// What is wanted of a stack.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Everything it declares; nothing to tear it down.
    pub resources: &'a [Declared],
    /// What its files declare though it is to go: what a resource refers to there goes after it, whatever AWS shows of it.
    pub leaving: &'a [Declared],
    /// Refuse to delete or replace whatever holds data.
    pub protect: bool,
    /// Addresses to be torn down whose declaration says `prevent_destroy`.
    pub prevent_destroy: &'a BTreeSet<Address>,
    /// Only these, and what they need; empty for all.
    pub targets: &'a BTreeSet<Address>,
}

/// Works out the steps from what is seen to what is wanted.
///
/// What must not be done is in [`Plan::refusals`]: such a plan is for showing, not for carrying out.
pub fn plan(wanted: &Wanted<'_>, world: &World, kinds: Kinds<'_>) -> Plan {
    let named = graph::Named::by(wanted.resources);
    let decide::Decision { verdicts, notices, copies, mut refusals } = decide::decide(wanted, &named, world, kinds);
    refusals.extend(protect::refusals(wanted, &verdicts, kinds));
    let unchanged = verdicts.iter().filter(|verdict| verdict.ruling == decide::Ruling::Keep).count();
    let (steps, stuck) = graph::ordered(steps::steps(wanted, &named, world, &verdicts, kinds), wanted.targets);
    refusals.extend(stuck);
    let observed = if steps.is_empty() { Fingerprints::default() } else { world.fingerprints() };
    Plan {
        format: FORMAT,
        stack: wanted.stack.to_owned(),
        account: world.account.clone(),
        region: world.region.clone(),
        unchanged,
        refusals,
        notices,
        copies,
        steps,
        observed,
    }
}
