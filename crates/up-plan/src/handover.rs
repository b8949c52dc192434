//! What is unique in AWS and changes hands: which resource takes it, and which one releases it.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Value, json};
use up_core::{Address, Unique, by_id, with_ignored};

use crate::{
    Kinds, Map,
    decide::{Ruling, Verdict, names},
};

/// One resource takes what another, or the one it replaces, releases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handover {
    pub(crate) taker: usize,
    /// The same as `taker` where a resource and its replacement cannot stand side by side.
    pub(crate) holder: usize,
    /// The field that says what it is.
    pub(crate) field: &'static str,
    /// True where both are changed in place, and the kind's update exchanges it.
    pub(crate) is_exchanged: bool,
}

/// Finds all that changes hands.
pub(crate) fn handovers(verdicts: &[Verdict<'_>], kinds: Kinds<'_>) -> Vec<Handover> {
    let takes = |verdict: &Verdict<'_>| matches!(verdict.ruling, Ruling::Create | Ruling::Replace(_) | Ruling::Update);
    let takers: BTreeSet<_> = verdicts.iter().filter(|verdict| takes(verdict)).map(kind_of).collect();
    let releases =
        |verdict: &Verdict<'_>| matches!(verdict.ruling, Ruling::Delete | Ruling::Replace(_) | Ruling::Update);
    if !verdicts.iter().any(|verdict| releases(verdict) && takers.contains(kind_of(verdict))) {
        return vec![];
    }
    let parents = Parents::of(verdicts);
    let mut held: Map<Place<'_>, Vec<(usize, Unique)>> = Map::default();
    for (index, verdict) in verdicts.iter().enumerate() {
        if releases(verdict) && takers.contains(kind_of(verdict)) {
            for unique in parents.changing(verdict, kinds, Side::Held) {
                held.entry(place(verdict, &unique)).or_default().push((index, unique));
            }
        }
    }
    let mut handovers = vec![];
    for (taker, verdict) in verdicts.iter().enumerate().filter(|(_, verdict)| !held.is_empty() && takes(verdict)) {
        for unique in parents.changing(verdict, kinds, Side::Wanted) {
            let holders = held.get(&place(verdict, &unique)).into_iter().flatten();
            for (holder, _) in holders.filter(|(_, held)| held.clashes(&unique)) {
                let both_move = [taker, *holder].iter().all(|&index| verdicts[index].ruling == Ruling::Update);
                let is_exchanged = unique.is_exchanged && both_move;
                handovers.push(Handover { taker, holder: *holder, field: unique.field, is_exchanged });
            }
        }
    }
    handovers
}

fn kind_of<'v>(verdict: &'v Verdict<'_>) -> &'v str {
    &verdict.address.kind
}

/// A kind, a field, and what its values are unique within.
type Place<'v> = (&'v str, &'static str, String);

fn place<'v>(verdict: &'v Verdict<'_>, unique: &Unique) -> Place<'v> {
    (kind_of(verdict), unique.field, unique.within.to_string())
}

impl Verdict<'_> {
    /// The spec of what is there.
    fn held(&self) -> Option<Cow<'_, Value>> {
        self.observed.map(|observed| Cow::Borrowed(&observed.spec))
    }

    /// The spec of what there is to be: what is ignored stays as it is.
    fn wanted(&self) -> Option<Cow<'_, Value>> {
        let declared = self.declared?;
        Some(match self.observed {
            Some(observed) if self.ruling == Ruling::Update => {
                with_ignored(&declared.spec, &observed.spec, self.ignored)
            }
            _ => Cow::Borrowed(&*declared.spec),
        })
    }
}

/// Which of its specs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Held,
    Wanted,
}

/// The resources inside which something is unique, by what refers to them.
struct Parents<'v> {
    live: Map<(&'v str, &'v str), usize>,
    /// With false for what is still to be made.
    declared: Map<&'v Address, (usize, bool)>,
}

impl<'v> Parents<'v> {
    fn of(verdicts: &'v [Verdict<'_>]) -> Self {
        let (mut live, mut declared) = (Map::default(), Map::default());
        for (index, verdict) in verdicts.iter().enumerate() {
            let stays = !matches!(verdict.ruling, Ruling::Create | Ruling::Replace(_));
            if verdict.declared.is_some() {
                declared.insert(&*verdict.address, (index, stays));
            }
            live.extend(verdict.observed.into_iter().flat_map(names).map(|name| ((kind_of(verdict), name), index)));
        }
        Self { live, declared }
    }

    /// What a resource has, or is to have; where it is changed in place, without what stays.
    fn changing(&self, verdict: &Verdict<'_>, kinds: Kinds<'_>, side: Side) -> Vec<Unique> {
        let Some(kind) = kinds(&verdict.address.kind) else { return vec![] };
        let all = |spec: Option<Cow<'_, Value>>| {
            let mut all = spec.map_or_else(Vec::new, |spec| kind.unique(&spec));
            all.iter_mut().for_each(|unique| unique.within = self.resolved(&unique.within));
            all
        };
        let (held, wanted) = (|| all(verdict.held()), || all(verdict.wanted()));
        let mut changing = if side == Side::Held { held() } else { wanted() };
        if verdict.ruling == Ruling::Update && !changing.is_empty() {
            let other = if side == Side::Held { wanted() } else { held() };
            changing.retain(|unique| !other.iter().any(|other| other.clashes(unique)));
        }
        changing
    }

    /// The same for whatever refers to the same resource, live or still to be made.
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
