//! Plans: takes the declared and the observed resources and returns steps. Pure, synchronous, deterministic: the same
//! inputs give the same plan, byte for byte.

mod decide;
pub mod drift;
mod graph;
mod handover;
mod live;
mod order;
mod plan;
mod protect;
mod release;
mod replace;
mod steps;
mod taken;

pub use live::{Fingerprints, LiveStack};
pub use plan::{Action, FORMAT, Notice, Plan, Refusal, Step, Summary};
pub use taken::{given_name, new_name};

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use up_model::{Address, Declared, Model};

/// A hash map with a fast hasher: with std's hasher, hashing costs more than the rest of planning.
type FastMap<K, V> = HashMap<K, V, RandomState>;

/// Finds a kind by its name.
pub type Kinds<'a> = &'a dyn Fn(&str) -> Option<&'static dyn Model>;

/// What the user wants of a stack.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// All declared resources; empty to destroy the stack.
    pub resources: &'a [Declared],
    /// Refuses to delete or replace any resource that holds data.
    pub protect: bool,
    /// Addresses to destroy whose declaration has `prevent_destroy`.
    pub prevent_destroy: &'a BTreeSet<Address>,
    /// For each resource to destroy, the addresses that its declaration names, see [`LiveStack::named`].
    pub named: &'a BTreeMap<Address, BTreeSet<Address>>,
    /// The names that declarations give to the resources to destroy. A resource with such a name is not a copy.
    pub given: &'a BTreeMap<Address, String>,
    /// Plans only these addresses and what they depend on; empty for all.
    pub targets: &'a BTreeSet<Address>,
    /// Whether the stack is disposable.
    pub disposal: Disposal,
}

/// What a stack's file says about its end: see [`up_model::Stamps`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Disposal {
    /// Nothing is known: live resources keep their stamps, and new ones get none.
    #[default]
    Unsaid,
    /// It may be destroyed once it has expired. Its new resources are marked, unless it exists and none of its resources is.
    Disposable,
    /// It stays: stamps that its resources have are removed.
    Permanent,
}

impl<'a> Wanted<'a> {
    /// These resources, without protection, and without a history to destroy others by.
    pub fn new(stack: &'a str, resources: &'a [Declared]) -> Self {
        static NONE: BTreeSet<Address> = BTreeSet::new();
        static NAMED: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        static GIVEN: BTreeMap<Address, String> = BTreeMap::new();
        let (protect, disposal) = Default::default();
        let (prevent_destroy, named, given, targets) = (&NONE, &NAMED, &GIVEN, &NONE);
        Self { stack, resources, protect, prevent_destroy, named, given, targets, disposal }
    }
}

/// Returns the steps that turn the observed resources into the declared ones.
///
/// Reasons not to apply the plan are in [`Plan::refusals`]: a plan with refusals can be shown, but not applied.
pub fn plan(wanted: &Wanted<'_>, live_stack: &LiveStack, kinds: Kinds<'_>) -> Plan {
    let named = graph::ReferenceGraph::by(wanted.resources);
    let decide::Decisions { decisions, notices, copies, mut refusals } =
        decide::decide(wanted, &named, live_stack, kinds);
    refusals.extend(protect::refusals(wanted, &decisions, kinds));
    refusals.extend(protect::occupied(&decisions, kinds));
    let unchanged = decisions.iter().filter(|decision| decision.planned == decide::PlannedAction::Keep).count();
    let (steps, stuck) = graph::ordered(steps::steps(wanted, &named, live_stack, &decisions, kinds), wanted.targets);
    refusals.extend(stuck);
    if !wanted.targets.is_empty() {
        let kept: BTreeSet<_> = steps.iter().map(|step| &step.address).chain(wanted.targets).collect();
        refusals.retain(|refusal| kept.contains(&refusal.address));
    }
    refusals.extend(taken::refusals(&steps, live_stack, kinds));
    let observed = if steps.is_empty() { Fingerprints::default() } else { live_stack.fingerprints() };
    Plan {
        format: FORMAT,
        stack: wanted.stack.to_owned(),
        account: live_stack.account.clone(),
        region: live_stack.region.clone(),
        unchanged,
        refusals,
        notices,
        copies,
        steps,
        observed,
    }
}
