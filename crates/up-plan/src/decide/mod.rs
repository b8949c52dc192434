//! Decides what happens to each resource, without regard to order.

mod compare;
mod explain;
mod surplus;
mod tags;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_model::{Address, Change, Declared, FieldChange, Model, Observed, Order, Status, by_id, references};

use crate::{FastMap, Kinds, LiveStack, Notice, Refusal, Wanted, given_name, graph, replace::order_replacements};

pub(crate) use self::{compare::ignored, tags::StackTags};

/// What happens to one resource.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    pub(crate) address: Cow<'a, Address>,
    /// Absent for a resource that is no longer declared.
    pub(crate) declared: Option<&'a Declared>,
    /// The place of the declaration, see [`graph::ReferenceGraph`].
    pub(crate) place: Option<usize>,
    pub(crate) observed: Option<&'a Observed<Value>>,
    pub(crate) planned: PlannedAction,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) why: Option<String>,
    /// True if the old resource is not deleted although it is replaced: a resource that stays still uses it.
    pub(crate) keeps_old: bool,
    /// The ignored fields: none before the create was finished.
    pub(crate) ignored: &'a BTreeSet<String>,
}

/// What happens to all resources, and what the user has to know about it.
pub(crate) struct Decisions<'a> {
    pub(crate) decisions: Vec<Decision<'a>>,
    pub(crate) notices: Vec<Notice>,
    /// Ids of resources that may be copies, and are left alone.
    pub(crate) copies: BTreeSet<String>,
    pub(crate) refusals: Vec<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlannedAction {
    Keep,
    /// As declared, but AWS has not finished with it.
    Wait,
    Create,
    Update,
    Replace(Order),
    Delete,
}

/// Decides for every declared resource, and for every live one that no declaration claims.
pub(crate) fn decide<'a>(
    wanted: &Wanted<'a>,
    named: &graph::ReferenceGraph<'a>,
    live_stack: &'a LiveStack,
    kinds: Kinds<'_>,
) -> Decisions<'a> {
    let mut matcher = Matcher::new(wanted, live_stack, kinds);
    matcher.rename_in_turn();
    let order = named.targets_first();
    for place in &order {
        matcher.claim(named.at(*place));
    }
    let mut decisions = matcher.decisions(named, &order);
    let surplus = matcher.surplus();
    decisions.extend(surplus);
    matcher.keep_used(&mut decisions);
    matcher.explain(&decisions);
    matcher.refuse_changes(&decisions);
    matcher.refuse_second_ones(&decisions);
    let Matcher { mut notices, copies, refusals, .. } = matcher;
    notices.sort_by(|one, other| one.address.cmp(&other.address));
    Decisions { decisions, notices, copies, refusals }
}

/// Kind → id (or ARN) of a live resource → the address it has, or will have.
pub(crate) type Addresses<'a> = FastMap<&'a str, FastMap<&'a str, Cow<'a, Address>>>;

pub(crate) struct Matcher<'a, 'k> {
    pub(crate) stack: &'a str,
    pub(crate) tags: StackTags<'a>,
    given: &'a BTreeMap<Address, String>,
    pub(crate) kinds: Kinds<'k>,
    pub(crate) live_stack: &'a LiveStack,
    pub(crate) declared: FastMap<&'a Address, &'a Declared>,
    /// Live resources that no declaration has claimed yet, by the address they carry.
    free: FastMap<Cow<'a, Address>, Vec<&'a Observed<Value>>>,
    pub(crate) claims: FastMap<&'a Address, &'a Observed<Value>>,
    pub(crate) addresses: Addresses<'a>,
    notices: Vec<Notice>,
    copies: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

impl<'a, 'k> Matcher<'a, 'k> {
    pub(crate) fn new(wanted: &Wanted<'a>, live_stack: &'a LiveStack, kinds: Kinds<'k>) -> Self {
        let declared: FastMap<_, _> = wanted.resources.iter().map(|declared| (&declared.address, declared)).collect();
        let many = live_stack.observed.values().map(Vec::len).sum();
        let mut free: FastMap<_, Vec<_>> = FastMap::with_capacity_and_hasher(many, Default::default());
        let claims = FastMap::with_capacity_and_hasher(many.min(declared.len()), Default::default());
        let mut addresses = Addresses::default();
        let mut notices = vec![];
        for (kind, observed) in live_stack.iter() {
            let Some(address) = observed.address(wanted.stack) else { continue };
            if address.kind != kind {
                let message = format!(
                    "{kind} {} carries the tags of {address} and is not of that kind: it is left alone",
                    observed.id
                );
                notices.push(Notice { address, message });
                continue;
            }
            let address = match declared.get(&address) {
                Some(declared) => Cow::Borrowed(&declared.address),
                None => Cow::Owned(address),
            };
            addresses.entry(kind).or_default().extend(names(observed).map(|name| (name, address.clone())));
            free.entry(address).or_default().push(observed);
        }
        let (copies, refusals) = Default::default();
        Self {
            stack: wanted.stack,
            tags: StackTags::of(wanted, live_stack, kinds),
            given: wanted.given,
            kinds,
            live_stack,
            declared,
            free,
            claims,
            addresses,
            notices,
            copies,
            refusals,
        }
    }

    /// A chain of renames: what was `a` is `b` now, and what was `b` is `c`. If a live resource is still `a`, and none
    /// is `c` yet, each live resource of the chain moves to the next address.
    pub(crate) fn rename_in_turn(&mut self) {
        let mut next: BTreeMap<&Address, &'a Declared> = BTreeMap::new();
        for (was, declared) in self.declared.values().flat_map(|it| it.renamed_from.iter().map(move |was| (was, *it))) {
            let first = next.entry(was).or_insert(declared);
            if declared.address < first.address {
                *first = declared;
            }
        }
        let starts =
            next.keys().filter(|start| !self.declared.contains_key(**start) && self.free.contains_key(**start));
        for start in starts.copied().cloned().collect::<Vec<_>>() {
            let mut chain = vec![start];
            while let Some(declared) = next.get(&chain[chain.len() - 1]).filter(|it| !chain.contains(&it.address)) {
                chain.push(declared.address.clone());
                if !self.free.contains_key(&declared.address) {
                    break;
                }
            }
            let is_open = chain.last().is_some_and(|last| !self.free.contains_key(last));
            for pair in chain.windows(2).rev().filter(|_| is_open && chain.len() > 2) {
                let Some(live) = self.free.remove(&pair[0]) else { continue };
                let declared: &'a Declared = self.declared[&pair[1]];
                let of_kind = self.addresses.entry(&declared.address.kind).or_default();
                let names = live.iter().flat_map(|observed| names(observed));
                of_kind.extend(names.map(|name| (name, Cow::Borrowed(&declared.address))));
                self.free.insert(Cow::Borrowed(&declared.address), live);
            }
        }
    }

    /// Finds the live resource of a declaration: the one with its address, or a renamed one.
    pub(crate) fn claim(&mut self, declared: &'a Declared) {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return };
        let claimed = match self.free.remove(&declared.address) {
            // The usual case; its ids already lead to this address.
            Some(mut sole) if sole.len() == 1 => {
                self.refuse_ambiguous(kind, declared, 0, &sole);
                self.claims.extend(sole.pop().map(|observed| (&declared.address, observed)));
                return;
            }
            Some(candidates) => Some(self.choose(kind, declared, Cow::Borrowed(&declared.address), candidates)),
            None => self
                .renamed_from(kind, declared)
                .or_else(|| self.same_name(kind, declared))
                .or_else(|| self.renamed(kind, declared)),
        };
        if let Some(observed) = claimed {
            let of_kind = self.addresses.entry(kind.name()).or_default();
            of_kind.extend(names(observed).map(|name| (name, Cow::Borrowed(&declared.address))));
            self.claims.insert(&declared.address, observed);
        }
    }

    /// Takes the best of the candidates, which all carry `address`; the others stay free.
    fn choose(
        &mut self,
        kind: &dyn Model,
        declared: &'a Declared,
        address: Cow<'a, Address>,
        mut candidates: Vec<&'a Observed<Value>>,
    ) -> &'a Observed<Value> {
        let best = self.best(kind, declared, &candidates);
        self.refuse_ambiguous(kind, declared, best, &candidates);
        let chosen = candidates.remove(best);
        // References to the other candidates no longer count as references to this address.
        let of_kind = self.addresses.entry(kind.name()).or_default();
        candidates.iter().flat_map(|observed| names(observed)).for_each(|name| drop(of_kind.remove(name)));
        if !candidates.is_empty() {
            self.free.insert(address, candidates);
        }
        chosen
    }

    /// Picks one of several resources with the same address (an interrupted replacement, a create that was done twice):
    /// the one with the least differences, then the one that others refer to, then the newest.
    fn best(&self, kind: &dyn Model, declared: &Declared, candidates: &[&'a Observed<Value>]) -> usize {
        let used: BTreeSet<_> = self.live_stack.iter().flat_map(|(_, observed)| used(&observed.spec)).collect();
        let rank = |observed: &Observed<Value>| {
            let dying = matches!(observed.status, Status::Deleting(_) | Status::Failed(_));
            let changes = self.compare(kind, declared, observed, &BTreeSet::new());
            let replaces = changes.iter().filter(|change| change.change != Change::Update).count();
            let referred = names(observed).any(|name| used.contains(&(kind.name(), name)));
            let is_copy = self.may_be_copy(kind, Some(declared), observed);
            (is_copy, dying, replaces, !referred, changes.len(), u32::MAX - observed.generation(), observed.id.clone())
        };
        let ranked = candidates.iter().enumerate().min_by_key(|(_, observed)| rank(observed));
        ranked.map_or(0, |(index, _)| index)
    }

    /// The live resource at one of the addresses in the declaration's `renamed_from`.
    fn renamed_from(&mut self, kind: &dyn Model, declared: &'a Declared) -> Option<&'a Observed<Value>> {
        let was = declared.renamed_from.iter().find(|was| {
            was.kind == declared.address.kind && !self.declared.contains_key(was) && self.free.contains_key(*was)
        })?;
        let candidates = self.free.remove(was)?;
        Some(self.choose(kind, declared, Cow::Owned(was.clone()), candidates))
    }

    /// Live resources of the declaration's kind whose addresses are no longer declared.
    fn no_longer_declared(
        &self,
        declared: &Declared,
    ) -> impl Iterator<Item = (&Cow<'a, Address>, &Vec<&'a Observed<Value>>)> {
        let kind = &declared.address.kind;
        self.free.iter().filter(move |(address, _)| address.kind == *kind && !self.declared.contains_key(&***address))
    }

    /// A live resource whose address is no longer declared, and that has the name which the declaration gives: AWS has
    /// only one of that name.
    fn same_name(&mut self, kind: &dyn Model, declared: &Declared) -> Option<&'a Observed<Value>> {
        let name = given_name(kind, &declared.spec)?;
        let same = self.no_longer_declared(declared).filter(|(_, observed)| {
            matches!(observed[..], [observed] if observed.attrs.get("name").is_some_and(|it| it == name)
                && !self.may_be_copy(kind, Some(declared), observed))
        });
        let same: Vec<_> = same.map(|(address, _)| address.clone()).collect();
        let [from] = &same[..] else { return None };
        self.free.remove(from)?.pop()
    }

    /// A live resource whose address is no longer declared and that is otherwise just as declared here.
    fn renamed(&mut self, kind: &dyn Model, declared: &Declared) -> Option<&'a Observed<Value>> {
        let same = self.no_longer_declared(declared).filter(|(_, observed)| {
            matches!(observed[..], [observed] if observed.status == Status::Ready && !self.may_be_copy(kind, None, observed)
                && self.compare(kind, declared, observed, &BTreeSet::new()).is_empty())
        });
        // If there are several, the one with the most similar address.
        let kept = |address: &Address| {
            let Address { module, name, key, .. } = &declared.address;
            [&address.key != key, &address.name != name, &address.module != module]
        };
        let from = same.map(|(address, _)| address.clone()).min_by_key(|address| (kept(address), address.clone()))?;
        self.free.remove(&from)?.pop()
    }

    /// Decides for each declaration, until no more resources are replaced because of their references.
    fn decisions(&self, named: &graph::ReferenceGraph<'a>, order: &[usize]) -> Vec<Decision<'a>> {
        let mut replaced = BTreeSet::new();
        // Resources that are replaced only to release a unique value that another takes.
        let mut yielding: BTreeMap<&Address, String> = BTreeMap::new();
        loop {
            let before = replaced.len();
            let mut decisions = Vec::with_capacity(order.len());
            for &place in order {
                let declared = named.at(place);
                let mut decision = self.rule(declared, &replaced);
                if let Some(why) = yielding.get(&declared.address) {
                    (decision.planned, decision.why) =
                        (PlannedAction::Replace(Order::DestroyBeforeCreate), Some(why.clone()));
                }
                if matches!(decision.planned, PlannedAction::Replace(_)) {
                    replaced.insert(&declared.address);
                }
                decisions.push(Decision { place: Some(place), ..decision });
            }
            if replaced.len() > before {
                continue;
            }
            match order_replacements(&mut decisions, self.kinds) {
                Some((address, why)) => _ = yielding.insert(address, why),
                None => return decisions,
            }
        }
    }

    fn rule(&self, declared: &'a Declared, replaced: &BTreeSet<&Address>) -> Decision<'a> {
        let decision = |observed: Option<&'a Observed<Value>>, planned, changes, why| Decision {
            address: Cow::Borrowed(&declared.address),
            declared: Some(declared),
            place: None,
            observed,
            planned,
            changes,
            why,
            keeps_old: false,
            ignored: observed
                .map_or(&declared.ignore_changes, |observed| ignored(self.live_stack, self.stack, declared, observed)),
        };
        let kind = (self.kinds)(&declared.address.kind);
        let (Some(kind), Some(observed)) = (kind, self.claims.get(&declared.address).copied()) else {
            return decision(None, PlannedAction::Create, vec![], None);
        };
        let changes = self.compare(kind, declared, observed, replaced);
        let because = replaced.iter().find(|to| {
            changes.iter().any(|change| change.observed == change.desired && references(&change.desired).contains(**to))
        });
        let why = because.map(|to| format!("{to} is replaced"));
        match &observed.status {
            Status::Failed(why) => {
                return decision(
                    Some(observed),
                    PlannedAction::Replace(Order::DestroyBeforeCreate),
                    changes,
                    Some(format!("it failed: {why}")),
                );
            }
            Status::Deleting(_) => {
                let why = Some("it is being deleted".into());
                return decision(Some(observed), PlannedAction::Replace(Order::DestroyBeforeCreate), changes, why);
            }
            _ => {}
        }
        let planned = if changes.iter().any(|change| change.change != Change::Update) {
            PlannedAction::Replace(kind.info().replace)
        } else if !changes.is_empty() || !self.tags.change(kind, declared, observed).is_empty() {
            PlannedAction::Update
        } else {
            match &observed.status {
                Status::Impaired(trouble) if trouble.repair => PlannedAction::Update,
                Status::Pending(_) => PlannedAction::Wait,
                _ => PlannedAction::Keep,
            }
        };
        let repaired = || match &observed.status {
            Status::Impaired(trouble) if trouble.repair => Some(format!("AWS says: {}", trouble.why)),
            _ => None,
        };
        decision(Some(observed), planned, changes, why.or_else(repaired))
    }
}

/// The ids that a reference to a live resource may hold: its id and its ARN.
pub(crate) fn names(observed: &Observed<Value>) -> impl Iterator<Item = &str> {
    [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten().map(String::as_str)
}

/// What a live resource refers to: kind and id, or kind and ARN.
pub(crate) fn used(spec: &Value) -> Vec<(&str, &str)> {
    match spec {
        Value::Object(map) => match by_id(spec) {
            Some(name) => vec![name],
            None => map.values().flat_map(used).collect(),
        },
        Value::Array(items) => items.iter().flat_map(used).collect(),
        _ => vec![],
    }
}
