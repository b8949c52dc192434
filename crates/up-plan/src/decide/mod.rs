//! What is to become of each resource, before any thought of order.

mod compare;
mod explain;
mod surplus;
mod tags;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_core::{Address, AnyKind, Change, Declared, FieldChange, Observed, Order, Status, by_id, references};

use crate::{Kinds, Map, Notice, Refusal, Wanted, World, graph, replace::order_replacements};

pub(crate) use self::{
    compare::ignored,
    tags::{new, tag_change},
};

/// What is to become of one resource.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) address: Cow<'a, Address>,
    /// Absent for what is no longer declared.
    pub(crate) declared: Option<&'a Declared>,
    /// Where that stands.
    pub(crate) place: Option<usize>,
    pub(crate) observed: Option<&'a Observed<Value>>,
    pub(crate) ruling: Ruling,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) why: Option<String>,
    /// What is seen is not deleted, though another takes its place: something that stays uses it.
    pub(crate) keeps_old: bool,
    /// The fields that are left alone: none before its create was finished.
    pub(crate) ignored: &'a BTreeSet<String>,
}

/// What is to become of everything, and what a user has to know about it.
pub(crate) struct Decision<'a> {
    pub(crate) verdicts: Vec<Verdict<'a>>,
    pub(crate) notices: Vec<Notice>,
    /// Ids of what may be a copy, and is left alone.
    pub(crate) copies: BTreeSet<String>,
    pub(crate) refusals: Vec<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    Keep,
    /// Right, but AWS is not done with it.
    Wait,
    Create,
    Update,
    Replace(Order),
    Delete,
}

/// Rules over every declared resource, and over every live one that no declaration claims.
pub(crate) fn decide<'a>(
    wanted: &Wanted<'a>,
    named: &graph::Named<'a>,
    world: &'a World,
    kinds: Kinds<'_>,
) -> Decision<'a> {
    let mut matcher = Matcher::new(wanted, world, kinds);
    matcher.rename_in_turn();
    let order = named.targets_first();
    for place in &order {
        matcher.claim(named.at(*place));
    }
    let mut verdicts = matcher.verdicts(named, &order);
    let surplus = matcher.surplus();
    verdicts.extend(surplus);
    matcher.keep_used(&mut verdicts);
    matcher.explain(&verdicts);
    matcher.refuse_changes(&verdicts);
    let Matcher { mut notices, copies, refusals, .. } = matcher;
    notices.sort_by(|one, other| one.address.cmp(&other.address));
    Decision { verdicts, notices, copies, refusals }
}

/// Kind → id (or ARN) of a live resource → the address it has, or will have.
type Addresses<'a> = Map<&'a str, Map<&'a str, Cow<'a, Address>>>;

struct Matcher<'a, 'k> {
    stack: &'a str,
    given: &'a BTreeMap<Address, String>,
    kinds: Kinds<'k>,
    world: &'a World,
    declared: Map<&'a Address, &'a Declared>,
    /// Live resources that nothing has claimed yet, by the address they carry.
    free: Map<Cow<'a, Address>, Vec<&'a Observed<Value>>>,
    claims: Map<&'a Address, &'a Observed<Value>>,
    addresses: Addresses<'a>,
    notices: Vec<Notice>,
    copies: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

impl<'a, 'k> Matcher<'a, 'k> {
    fn new(wanted: &Wanted<'a>, world: &'a World, kinds: Kinds<'k>) -> Self {
        let declared: Map<_, _> = wanted.resources.iter().map(|declared| (&declared.address, declared)).collect();
        let many = world.observed.values().map(Vec::len).sum();
        let mut free: Map<_, Vec<_>> = Map::with_capacity_and_hasher(many, Default::default());
        let claims = Map::with_capacity_and_hasher(many.min(declared.len()), Default::default());
        let mut addresses = Addresses::default();
        let mut notices = vec![];
        for (kind, observed) in world.iter() {
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
            given: wanted.given,
            kinds,
            world,
            declared,
            free,
            claims,
            addresses,
            notices,
            copies,
            refusals,
        }
    }

    /// A chain of renames: what was `a` is `b` now, and what was `b` is `c`. As long as something live is still `a`, and nothing
    /// is `c` yet, each live resource of the chain is the next one.
    fn rename_in_turn(&mut self) {
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

    /// Finds the live resource a declaration speaks of: the one with its address, or one that only has another name.
    fn claim(&mut self, declared: &'a Declared) {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return };
        let claimed = match self.free.remove(&declared.address) {
            // Nearly always; its names lead here already.
            Some(mut sole) if sole.len() == 1 => {
                self.refuse_ambiguous(kind, declared, 0, &sole);
                self.claims.extend(sole.pop().map(|observed| (&declared.address, observed)));
                return;
            }
            Some(candidates) => Some(self.choose(kind, declared, Cow::Borrowed(&declared.address), candidates)),
            None => self.renamed_from(kind, declared).or_else(|| self.renamed(kind, declared)),
        };
        if let Some(observed) = claimed {
            let of_kind = self.addresses.entry(kind.name()).or_default();
            of_kind.extend(names(observed).map(|name| (name, Cow::Borrowed(&declared.address))));
            self.claims.insert(&declared.address, observed);
        }
    }

    /// Takes the best of those that carry `address`; the others stay free.
    fn choose(
        &mut self,
        kind: &dyn AnyKind,
        declared: &'a Declared,
        address: Cow<'a, Address>,
        mut candidates: Vec<&'a Observed<Value>>,
    ) -> &'a Observed<Value> {
        let best = self.best(kind, declared, &candidates);
        self.refuse_ambiguous(kind, declared, best, &candidates);
        let chosen = candidates.remove(best);
        // Resources that refer to one of the others move over to the chosen one.
        let of_kind = self.addresses.entry(kind.name()).or_default();
        candidates.iter().flat_map(|observed| names(observed)).for_each(|name| drop(of_kind.remove(name)));
        if !candidates.is_empty() {
            self.free.insert(address, candidates);
        }
        chosen
    }

    /// Of several with one address (a replacement that was interrupted, a create that was done twice): the one that is
    /// nearest to what is wanted, then the one others refer to, then the one made last.
    fn best(&self, kind: &dyn AnyKind, declared: &Declared, candidates: &[&'a Observed<Value>]) -> usize {
        let used: BTreeSet<_> = self.world.iter().flat_map(|(_, observed)| used(&observed.spec)).collect();
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

    /// The live resource that has one of the addresses which the declaration says it had before.
    fn renamed_from(&mut self, kind: &dyn AnyKind, declared: &'a Declared) -> Option<&'a Observed<Value>> {
        let was = declared.renamed_from.iter().find(|was| {
            was.kind == declared.address.kind && !self.declared.contains_key(was) && self.free.contains_key(*was)
        })?;
        let candidates = self.free.remove(was)?;
        Some(self.choose(kind, declared, Cow::Owned(was.clone()), candidates))
    }

    /// A live resource of an address that is no longer declared, in all else just as declared here.
    fn renamed(&mut self, kind: &dyn AnyKind, declared: &Declared) -> Option<&'a Observed<Value>> {
        let undeclared = self
            .free
            .iter()
            .filter(|(address, _)| address.kind == declared.address.kind && !self.declared.contains_key(&***address));
        let same = undeclared.filter(|(_, observed)| {
            matches!(observed[..], [observed] if observed.status == Status::Ready && !self.may_be_copy(kind, None, observed)
                && self.compare(kind, declared, observed, &BTreeSet::new()).is_empty())
        });
        // Several alike: the one that kept more of its address.
        let kept = |address: &Address| {
            let Address { module, name, key, .. } = &declared.address;
            [&address.key != key, &address.name != name, &address.module != module]
        };
        let from = same.map(|(address, _)| address.clone()).min_by_key(|address| (kept(address), address.clone()))?;
        self.free.remove(&from)?.pop()
    }

    /// Rules until nothing more is replaced because of what it refers to.
    fn verdicts(&self, named: &graph::Named<'a>, order: &[usize]) -> Vec<Verdict<'a>> {
        let mut replaced = BTreeSet::new();
        // What is replaced only to release what another takes.
        let mut yielding: BTreeMap<&Address, String> = BTreeMap::new();
        loop {
            let before = replaced.len();
            let mut verdicts = Vec::with_capacity(order.len());
            for &place in order {
                let declared = named.at(place);
                let mut verdict = self.rule(declared, &replaced);
                if let Some(why) = yielding.get(&declared.address) {
                    (verdict.ruling, verdict.why) = (Ruling::Replace(Order::DestroyBeforeCreate), Some(why.clone()));
                }
                if matches!(verdict.ruling, Ruling::Replace(_)) {
                    replaced.insert(&declared.address);
                }
                verdicts.push(Verdict { place: Some(place), ..verdict });
            }
            if replaced.len() > before {
                continue;
            }
            match order_replacements(&mut verdicts, self.kinds) {
                Some((address, why)) => _ = yielding.insert(address, why),
                None => return verdicts,
            }
        }
    }

    fn rule(&self, declared: &'a Declared, replaced: &BTreeSet<&Address>) -> Verdict<'a> {
        let verdict = |observed: Option<&'a Observed<Value>>, ruling, changes, why| Verdict {
            address: Cow::Borrowed(&declared.address),
            declared: Some(declared),
            place: None,
            observed,
            ruling,
            changes,
            why,
            keeps_old: false,
            ignored: observed
                .map_or(&declared.ignore_changes, |observed| ignored(self.world, self.stack, declared, observed)),
        };
        let kind = (self.kinds)(&declared.address.kind);
        let (Some(kind), Some(observed)) = (kind, self.claims.get(&declared.address).copied()) else {
            return verdict(None, Ruling::Create, vec![], None);
        };
        let changes = self.compare(kind, declared, observed, replaced);
        let because = replaced.iter().find(|to| {
            changes.iter().any(|change| change.observed == change.desired && references(&change.desired).contains(**to))
        });
        let why = because.map(|to| format!("{to} is replaced"));
        match &observed.status {
            Status::Failed(why) => {
                return verdict(
                    Some(observed),
                    Ruling::Replace(Order::DestroyBeforeCreate),
                    changes,
                    Some(format!("it failed: {why}")),
                );
            }
            Status::Deleting(_) => {
                let why = Some("it is being deleted".into());
                return verdict(Some(observed), Ruling::Replace(Order::DestroyBeforeCreate), changes, why);
            }
            _ => {}
        }
        let ruling = if changes.iter().any(|change| change.change != Change::Update) {
            Ruling::Replace(kind.info().replace)
        } else if !changes.is_empty()
            || !tag_change(self.stack, kind, declared, observed, &self.world.tagged).is_empty()
        {
            Ruling::Update
        } else {
            match &observed.status {
                Status::Impaired(trouble) if trouble.repair => Ruling::Update,
                Status::Pending(_) => Ruling::Wait,
                _ => Ruling::Keep,
            }
        };
        let mended = || match &observed.status {
            Status::Impaired(trouble) if trouble.repair => Some(format!("AWS says: {}", trouble.why)),
            _ => None,
        };
        verdict(Some(observed), ruling, changes, why.or_else(mended))
    }
}

/// What a reference to a live resource may hold.
pub(crate) fn names(observed: &Observed<Value>) -> impl Iterator<Item = &str> {
    [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten().map(String::as_str)
}

/// What a live resource refers to: kind and id, or ARN.
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
