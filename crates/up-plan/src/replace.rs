//! Which half of each replacement comes first, and what has to be replaced though it could be changed in place.

use std::collections::BTreeSet;

use up_core::{Address, AnyKind, Change, FieldChange, Order, references};

use crate::{
    Kinds,
    decide::{Ruling, Verdict},
    graph::Cycles,
    handover::{Handover, handovers},
};

/// A change that would move a resource out of the one that all its targets are inside is a replacement.
pub(crate) fn confine(kind: &dyn AnyKind, changes: &mut [FieldChange], is_moved: &dyn Fn(&str) -> bool) {
    let is_confined = |name: &str| kind.fields().iter().any(|field| field.is_confined && field.name == name);
    for change in changes.iter_mut().filter(|change| change.change == Change::Update && is_confined(&change.field)) {
        if is_moved(&change.field) {
            change.change = Change::Replace;
        }
    }
}

/// Orders the halves of all replacements. Returns what has to be replaced besides, and why: where resources that are changed
/// in place exchange what is unique, one of them has to release it first.
pub(crate) fn order_replacements<'a>(verdicts: &mut [Verdict<'a>], kinds: Kinds<'_>) -> Option<(&'a Address, String)> {
    let handovers = handovers(verdicts, kinds);
    let rings = rings(verdicts.len(), handovers.iter());
    for handover in &handovers {
        let Handover { taker, holder, .. } = *handover;
        let goes_first = taker == holder || rings.join(taker, holder);
        if let Ruling::Replace(order) = &mut verdicts[taker].ruling
            && goes_first
        {
            *order = Order::DestroyBeforeCreate;
        }
    }
    go_first_together(verdicts);
    let moves = |index: usize| verdicts[index].ruling == Ruling::Update;
    let in_place = handovers.iter().filter(|it| moves(it.taker) && moves(it.holder) && !it.is_exchanged);
    let in_place: Vec<_> = in_place.collect();
    let rings = self::rings(verdicts.len(), in_place.iter().copied());
    let ring = in_place.iter().find(|it| rings.join(it.taker, it.holder))?;
    let why = format!("{} takes its `{}`, and needs it released first", verdicts[ring.taker].address, ring.field);
    Some((&verdicts[ring.holder].declared?.address, why))
}

/// Resources that take from one another in a ring.
pub(crate) fn rings<'h>(count: usize, handovers: impl Iterator<Item = &'h Handover>) -> Cycles {
    let edges: Vec<_> = handovers.map(|handover| (handover.taker, handover.holder)).collect();
    Cycles::among(count, &edges)
}

/// If the target is replaced delete-first, dependents replaced because of it are deleted first too: they stand in its way.
fn go_first_together(verdicts: &mut [Verdict<'_>]) {
    let mut first: BTreeSet<Address> = BTreeSet::new();
    for verdict in verdicts {
        let Ruling::Replace(order) = &mut verdict.ruling else { continue };
        let refers =
            verdict.declared.is_some_and(|declared| references(&declared.spec).iter().any(|to| first.contains(to)));
        if refers || *order == Order::DestroyBeforeCreate {
            *order = Order::DestroyBeforeCreate;
            first.insert(verdict.address.clone().into_owned());
        }
    }
}
