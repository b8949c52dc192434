//! Unique values, such as a port or an address range, that pass from one resource to another: which resource takes the
//! value, and which one releases it.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Value, json};
use up_model::{Address, Unique, by_id, with_ignored};

use crate::{
    FastMap, Kinds,
    decide::{Decision, PlannedAction, names},
};

/// A resource takes a unique value that another resource, or the one it replaces, releases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handover {
    pub(crate) taker: usize,
    /// Equal to `taker` where a resource and its replacement cannot exist at the same time.
    pub(crate) holder: usize,
    /// The field with the unique value.
    pub(crate) field: &'static str,
    /// True if both resources are updated in place, and the kind's update can exchange the value.
    pub(crate) is_exchanged: bool,
}

/// Finds all handovers among the planned changes.
pub(crate) fn handovers(decisions: &[Decision<'_>], kinds: Kinds<'_>) -> Vec<Handover> {
    let takes = |decision: &Decision<'_>| {
        matches!(decision.planned, PlannedAction::Create | PlannedAction::Replace(_) | PlannedAction::Update)
    };
    let takers: BTreeSet<_> = decisions.iter().filter(|decision| takes(decision)).map(kind_of).collect();
    let releases = |decision: &Decision<'_>| {
        matches!(decision.planned, PlannedAction::Delete | PlannedAction::Replace(_) | PlannedAction::Update)
    };
    if !decisions.iter().any(|decision| releases(decision) && takers.contains(kind_of(decision))) {
        return vec![];
    }
    let parents = Parents::of(decisions);
    let mut held: FastMap<UniqueKey<'_>, Vec<(usize, Unique)>> = FastMap::default();
    for (index, decision) in decisions.iter().enumerate() {
        if releases(decision) && takers.contains(kind_of(decision)) {
            for unique in parents.changing(decision, kinds, Side::Observed) {
                held.entry(unique_key(decision, &unique)).or_default().push((index, unique));
            }
        }
    }
    let mut handovers = vec![];
    for (taker, decision) in decisions.iter().enumerate().filter(|(_, decision)| !held.is_empty() && takes(decision)) {
        for unique in parents.changing(decision, kinds, Side::Desired) {
            let holders = held.get(&unique_key(decision, &unique)).into_iter().flatten();
            for (holder, _) in holders.filter(|(_, held)| held.clashes(&unique)) {
                let both_move = [taker, *holder].iter().all(|&index| decisions[index].planned == PlannedAction::Update);
                let is_exchanged = unique.is_exchanged && both_move;
                handovers.push(Handover { taker, holder: *holder, field: unique.field, is_exchanged });
            }
        }
    }
    handovers
}

fn kind_of<'v>(decision: &'v Decision<'_>) -> &'v str {
    &decision.address.kind
}

/// A kind, a field, and the parent within which its values are unique.
type UniqueKey<'v> = (&'v str, &'static str, String);

fn unique_key<'v>(decision: &'v Decision<'_>, unique: &Unique) -> UniqueKey<'v> {
    (kind_of(decision), unique.field, unique.within.to_string())
}

impl Decision<'_> {
    /// The spec of the live resource.
    fn held(&self) -> Option<Cow<'_, Value>> {
        self.observed.map(|observed| Cow::Borrowed(&observed.spec))
    }

    /// The spec after the plan is applied: ignored fields keep their live values.
    fn wanted(&self) -> Option<Cow<'_, Value>> {
        let declared = self.declared?;
        Some(match self.observed {
            Some(observed) if self.planned == PlannedAction::Update => {
                with_ignored(&declared.spec, &observed.spec, self.ignored)
            }
            _ => Cow::Borrowed(&*declared.spec),
        })
    }
}

/// The live spec, or the desired one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Observed,
    Desired,
}

/// Identifies the parents within which values are unique, whether they are referred to by id or by address.
struct Parents<'v> {
    live: FastMap<(&'v str, &'v str), usize>,
    /// The index of the decision, and whether the live resource stays (false: it is still to be created).
    declared: FastMap<&'v Address, (usize, bool)>,
}

impl<'v> Parents<'v> {
    fn of(decisions: &'v [Decision<'_>]) -> Self {
        let (mut live, mut declared) = (FastMap::default(), FastMap::default());
        for (index, decision) in decisions.iter().enumerate() {
            let stays = !matches!(decision.planned, PlannedAction::Create | PlannedAction::Replace(_));
            if decision.declared.is_some() {
                declared.insert(&*decision.address, (index, stays));
            }
            live.extend(decision.observed.into_iter().flat_map(names).map(|name| ((kind_of(decision), name), index)));
        }
        Self { live, declared }
    }

    /// The unique values that the resource has (`Observed`) or will have (`Desired`). For an update, only those that change.
    fn changing(&self, decision: &Decision<'_>, kinds: Kinds<'_>, side: Side) -> Vec<Unique> {
        let Some(kind) = kinds(&decision.address.kind) else { return vec![] };
        let all = |spec: Option<Cow<'_, Value>>| {
            let mut all = spec.map_or_else(Vec::new, |spec| kind.unique(&spec));
            all.iter_mut().for_each(|unique| unique.within = self.resolved(&unique.within));
            all
        };
        let (held, wanted) = (|| all(decision.held()), || all(decision.wanted()));
        let mut changing = if side == Side::Observed { held() } else { wanted() };
        if decision.planned == PlannedAction::Update && !changing.is_empty() {
            let other = if side == Side::Observed { wanted() } else { held() };
            changing.retain(|unique| !other.iter().any(|other| other.clashes(unique)));
        }
        changing
    }

    /// Returns the same value for all references to the same resource, live or still to be created.
    fn resolved(&self, within: &Value) -> Value {
        if let Some(index) = by_id(within).and_then(|name| self.live.get(&name)) {
            return json!({ "live": index });
        }
        let address = within["$ref"].as_str().and_then(|text| text.parse().ok());
        match address.and_then(|address: Address| self.declared.get(&address)) {
            Some((index, true)) => json!({ "live": index }),
            Some((index, false)) => json!({ "new": index }),
            None => within.clone(),
        }
    }
}
