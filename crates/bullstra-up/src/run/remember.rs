//! What the next run should know of this one.

use std::collections::{BTreeMap, BTreeSet};

use up_apply::Outcome;
use up_core::{Address, Declared};
use up_plan::{Action, Plan, World};
use up_state::Ids;

use crate::{goal::Goal, secrets};

/// The declarations that are applied now: those of `before` where this run did not get to the new ones.
pub(super) fn resources(goal: &Goal, before: &[Declared], plan: &Plan, outcome: &Outcome) -> Vec<Declared> {
    let failed = outcome.failed.iter().map(|(address, _)| address);
    let undone: BTreeSet<&Address> = failed.chain(&outcome.skipped).collect();
    let planned: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
    let stays = |address: &Address| undone.contains(address) || (goal.is_partial() && !planned.contains(address));
    let old = before.iter().filter(|declared| stays(&declared.address));
    let new = goal.resources.iter().filter(|declared| !stays(&declared.address));
    let applied: BTreeMap<_, _> = old.chain(new).map(|declared| (&declared.address, declared)).collect();
    let unveiled = applied.into_values().cloned();
    unveiled.map(masked).collect()
}

fn masked(mut declared: Declared) -> Declared {
    secrets::mask(&mut declared.spec);
    declared.tags.values_mut().for_each(|value| *value = secrets::masked(value).into_owned());
    declared
}

/// The ids of what exists now: what was seen, less what was deleted, and what was made.
pub(super) fn ids(world: &World, plan: &Plan, outcome: &Outcome, made: Ids) -> Ids {
    let failed = outcome.failed.iter().map(|(address, _)| address);
    let undone: BTreeSet<&Address> = failed.chain(&outcome.skipped).collect();
    let mut ids = made;
    for (kind, seen) in world.iter() {
        ids.entry(kind.to_owned()).or_default().insert(seen.id.clone());
    }
    for step in plan.steps.iter().filter(|step| !undone.contains(&step.address)) {
        if let (Action::Delete { seen, .. }, Some(known)) = (&step.action, ids.get_mut(&step.address.kind)) {
            known.remove(&seen.id);
        }
    }
    ids.retain(|_, known| !known.is_empty());
    ids
}
