//! Decides which half of each replacement comes first, and which updates must become replacements.

use std::collections::BTreeSet;

use up_model::{Address, Change, FieldChange, Model, Order, references};

use crate::{
    Kinds,
    decide::{Decision, PlannedAction},
    graph::Cycles,
    handover::{Handover, handovers},
};

/// Turns a change into a replacement if it would move the resource out of the parent that contains all its targets.
pub(crate) fn confine(kind: &dyn Model, changes: &mut [FieldChange], is_moved: &dyn Fn(&str) -> bool) {
    let is_confined = |name: &str| kind.fields().iter().any(|field| field.is_confined && field.name == name);
    for change in changes.iter_mut().filter(|change| change.change == Change::Update && is_confined(&change.field)) {
        if is_moved(&change.field) {
            change.change = Change::Replace;
        }
    }
}

/// Orders the halves of all replacements. Returns one more resource that must be replaced, and why: where resources
/// that are updated in place exchange a unique value, one of them has to release it first.
pub(crate) fn order_replacements<'a>(
    decisions: &mut [Decision<'a>],
    kinds: Kinds<'_>,
) -> Option<(&'a Address, String)> {
    let handovers = handovers(decisions, kinds);
    let rings = rings(decisions.len(), handovers.iter());
    for handover in &handovers {
        let Handover { taker, holder, .. } = *handover;
        let goes_first = taker == holder || rings.join(taker, holder);
        if let PlannedAction::Replace(order) = &mut decisions[taker].planned
            && goes_first
        {
            *order = Order::DestroyBeforeCreate;
        }
    }
    go_first_together(decisions);
    let moves = |index: usize| decisions[index].planned == PlannedAction::Update;
    let in_place = handovers.iter().filter(|it| moves(it.taker) && moves(it.holder) && !it.is_exchanged);
    let in_place: Vec<_> = in_place.collect();
    let rings = self::rings(decisions.len(), in_place.iter().copied());
    let ring = in_place.iter().find(|it| rings.join(it.taker, it.holder))?;
    let why = format!("{} takes its `{}`, and needs it released first", decisions[ring.taker].address, ring.field);
    Some((&decisions[ring.holder].declared?.address, why))
}

/// Rings of resources that each take a unique value from the next.
pub(crate) fn rings<'h>(count: usize, handovers: impl Iterator<Item = &'h Handover>) -> Cycles {
    let edges: Vec<_> = handovers.map(|handover| (handover.taker, handover.holder)).collect();
    Cycles::among(count, &edges)
}

/// If the target is replaced delete-first, dependents replaced because of it are deleted first too: they would block
/// its delete.
fn go_first_together(decisions: &mut [Decision<'_>]) {
    let mut first: BTreeSet<Address> = BTreeSet::new();
    for decision in decisions {
        let PlannedAction::Replace(order) = &mut decision.planned else { continue };
        let refers =
            decision.declared.is_some_and(|declared| references(&declared.spec).iter().any(|to| first.contains(to)));
        if refers || *order == Order::DestroyBeforeCreate {
            *order = Order::DestroyBeforeCreate;
            first.insert(decision.address.clone().into_owned());
        }
    }
}
