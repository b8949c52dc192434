//! Declared and observed in, steps out. Pure, synchronous, deterministic: the same inputs give the same plan byte for byte.

mod decide;
mod graph;
mod handover;
mod order;
mod plan;
mod protect;
mod release;
mod replace;
mod steps;
mod taken;
mod world;

pub use plan::{Action, FORMAT, Notice, Plan, Refusal, Step, Summary};
pub use taken::{given_name, new_name};
pub use world::{Fingerprints, World};

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// Refuse to delete or replace whatever holds data.
    pub protect: bool,
    /// Addresses to be torn down whose declaration says `prevent_destroy`.
    pub prevent_destroy: &'a BTreeSet<Address>,
    /// What each of the resources to be torn down names in its declaration, see [`World::named`].
    pub named: &'a BTreeMap<Address, BTreeSet<Address>>,
    /// The names that their declarations give to the resources to be torn down: what has such a name is no copy.
    pub given: &'a BTreeMap<Address, String>,
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
    refusals.extend(protect::occupied(&verdicts, kinds));
    let unchanged = verdicts.iter().filter(|verdict| verdict.ruling == decide::Ruling::Keep).count();
    let (steps, stuck) = graph::ordered(steps::steps(wanted, &named, world, &verdicts, kinds), wanted.targets);
    refusals.extend(stuck);
    if !wanted.targets.is_empty() {
        let kept: BTreeSet<_> = steps.iter().map(|step| &step.address).chain(wanted.targets).collect();
        refusals.retain(|refusal| kept.contains(&refusal.address));
    }
    refusals.extend(taken::refusals(&steps, world, kinds));
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
