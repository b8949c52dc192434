//! What is to become of each resource, before any thought of order.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_core::{
    Address, AnyKind, Birth, Change, Declared, FieldChange, Impairment, Order, Seen, Status, TagChange, Tags, agrees,
    by_id, diff, name_references,
    quote::{self, Quote},
    references, text_at, with_ignored, without_ignored,
};

use crate::{
    Kinds, Map, Notice, Refusal, Wanted, World, given_name, graph,
    replace::{confine, order_replacements},
};

/// What is to become of one resource.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) address: Cow<'a, Address>,
    /// Absent for what is no longer declared.
    pub(crate) declared: Option<&'a Declared>,
    /// Where that stands.
    pub(crate) place: Option<usize>,
    pub(crate) seen: Option<&'a Seen<Value>>,
    pub(crate) ruling: Ruling,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) why: Option<String>,
    /// What is seen is not deleted, though another takes its place: something that stays uses it.
    pub(crate) keeps_old: bool,
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
    free: Map<Cow<'a, Address>, Vec<&'a Seen<Value>>>,
    claims: Map<&'a Address, &'a Seen<Value>>,
    addresses: Addresses<'a>,
    notices: Vec<Notice>,
    copies: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

impl<'a, 'k> Matcher<'a, 'k> {
    fn new(wanted: &Wanted<'a>, world: &'a World, kinds: Kinds<'k>) -> Self {
        let declared: Map<_, _> = wanted.resources.iter().map(|declared| (&declared.address, declared)).collect();
        let many = world.seen.values().map(Vec::len).sum();
        let mut free: Map<_, Vec<_>> = Map::with_capacity_and_hasher(many, Default::default());
        let claims = Map::with_capacity_and_hasher(many.min(declared.len()), Default::default());
        let mut addresses = Addresses::default();
        let mut notices = vec![];
        for (kind, seen) in world.iter() {
            let Some(address) = seen.address(wanted.stack) else { continue };
            if address.kind != kind {
                let message = format!(
                    "{kind} {} carries the tags of {address} and is not of that kind: it is left alone",
                    seen.id
                );
                notices.push(Notice { address, message });
                continue;
            }
            let address = match declared.get(&address) {
                Some(declared) => Cow::Borrowed(&declared.address),
                None => Cow::Owned(address),
            };
            addresses.entry(kind).or_default().extend(names(seen).map(|name| (name, address.clone())));
            free.entry(address).or_default().push(seen);
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

    /// Finds the live resource a declaration speaks of: the one with its address, or one that only has another name.
    fn claim(&mut self, declared: &'a Declared) {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return };
        let claimed = match self.free.remove(&declared.address) {
            // Nearly always; its names lead here already.
            Some(mut sole) if sole.len() == 1 => {
                self.claims.extend(sole.pop().map(|seen| (&declared.address, seen)));
                return;
            }
            Some(mut candidates) => {
                let best = self.best(kind, declared, &candidates);
                self.refuse_ambiguous(kind, declared, best, &candidates);
                let chosen = candidates.remove(best);
                // Whoever still refers to one of the others has to move over to the one that stays.
                let of_kind = self.addresses.entry(kind.name()).or_default();
                candidates.iter().flat_map(|seen| names(seen)).for_each(|name| drop(of_kind.remove(name)));
                self.free.insert(Cow::Borrowed(&declared.address), candidates);
                Some(chosen)
            }
            None => self.renamed_from(declared).or_else(|| self.renamed(kind, declared)),
        };
        if let Some(seen) = claimed {
            let of_kind = self.addresses.entry(kind.name()).or_default();
            of_kind.extend(names(seen).map(|name| (name, Cow::Borrowed(&declared.address))));
            self.claims.insert(&declared.address, seen);
        }
    }

    /// Of several with one address (a replacement that was interrupted, a create that was done twice): the one that is
    /// nearest to what is wanted, then the one others refer to, then the one made last.
    fn best(&self, kind: &dyn AnyKind, declared: &Declared, candidates: &[&'a Seen<Value>]) -> usize {
        let used: BTreeSet<_> = self.world.iter().flat_map(|(_, seen)| used(&seen.spec)).collect();
        let rank = |seen: &Seen<Value>| {
            let dying = matches!(seen.status, Status::Deleting(_) | Status::Failed(_));
            let changes = self.compare(kind, declared, seen, &BTreeSet::new());
            let replaces = changes.iter().filter(|change| change.change != Change::Update).count();
            let referred = names(seen).any(|name| used.contains(&(kind.name(), name)));
            // Of those that never change any one is as good as another.
            let is_copy = kind.about().tags_travel && !kind.about().constant && !self.is_ours(kind, seen);
            (dying, is_copy, replaces, !referred, changes.len(), u32::MAX - seen.generation(), seen.id.clone())
        };
        let ranked = candidates.iter().enumerate().min_by_key(|(_, seen)| rank(seen));
        ranked.map_or(0, |(index, _)| index)
    }

    /// True where more than tags, which may have been copied, says that the stack made it: an earlier run knew its id, or
    /// it has the name that was made for its address.
    fn is_ours(&self, kind: &dyn AnyKind, seen: &Seen<Value>) -> bool {
        if self.world.known.get(kind.name()).is_some_and(|ids| ids.contains(&seen.id)) {
            return true;
        }
        let longest = kind.about().longest_name;
        let (Some(address), Some(name)) = (seen.address(self.stack), seen.attrs.get("name")) else { return false };
        let declared = self.declared.get(&address).and_then(|declared| given_name(kind, &declared.spec));
        let given = declared.or_else(|| self.given.get(&address).map(String::as_str));
        given == Some(name) || (longest > 0 && *name == address.physical(self.stack, seen.generation(), longest))
    }

    /// Of two that carry the same tags one may be a copy: where nothing tells which, nothing may be done to either.
    fn refuse_ambiguous(
        &mut self,
        kind: &dyn AnyKind,
        declared: &Declared,
        best: usize,
        candidates: &[&'a Seen<Value>],
    ) {
        if !kind.about().tags_travel || kind.about().constant {
            return;
        }
        let chosen = candidates[best];
        let is_alike = |other: &Seen<Value>| {
            other.id != chosen.id
                && other.generation() == chosen.generation()
                && self.is_ours(kind, other) == self.is_ours(kind, chosen)
        };
        if let Some(other) = candidates.iter().find(|other| is_alike(other)) {
            let message = format!(
                "{} and {} both carry its tags, and nothing tells which of them the stack made; \
                 remove the tag `{}` from the other one",
                chosen.id,
                other.id,
                Address::STACK_TAG
            );
            self.refusals.push(Refusal { address: declared.address.clone(), message });
        }
    }

    /// The live resource that has one of the addresses which the declaration says it had before.
    fn renamed_from(&mut self, declared: &Declared) -> Option<&'a Seen<Value>> {
        let was = declared.renamed_from.iter().find(|was| {
            was.kind == declared.address.kind && !self.declared.contains_key(was) && self.free.contains_key(*was)
        })?;
        let mut candidates = self.free.remove(was)?;
        let found = candidates.pop();
        if !candidates.is_empty() {
            self.free.insert(Cow::Owned(was.clone()), candidates);
        }
        found
    }

    /// A live resource of an address that is no longer declared, in all else just as declared here.
    fn renamed(&mut self, kind: &dyn AnyKind, declared: &Declared) -> Option<&'a Seen<Value>> {
        let undeclared = self
            .free
            .iter()
            .filter(|(address, _)| address.kind == declared.address.kind && !self.declared.contains_key(&***address));
        let same = undeclared.filter(|(_, seen)| {
            matches!(seen[..], [seen] if seen.status == Status::Ready
                && self.compare(kind, declared, seen, &BTreeSet::new()).is_empty())
        });
        // Several alike: the one that kept more of its address.
        let kept = |address: &Address| {
            let Address { module, name, key, .. } = &declared.address;
            [&address.key != key, &address.name != name, &address.module != module]
        };
        let from = same.map(|(address, _)| address.clone()).min_by_key(|address| (kept(address), address.clone()))?;
        self.free.remove(&from)?.pop()
    }

    /// What differs, with marks filled in and references named. `replaced` counts as different wherever it is named.
    fn compare(
        &self,
        kind: &dyn AnyKind,
        declared: &Declared,
        seen: &Seen<Value>,
        replaced: &BTreeSet<&Address>,
    ) -> Vec<FieldChange> {
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        let answer = |quote: &Quote| self.answer(quote, replaced);
        // Of most nothing differs, and to see that nothing has to be made.
        if replaced.is_empty() && agrees(kind.fields(), &seen.spec, &declared.spec, &address_of, &answer) {
            return vec![];
        }
        let want = self.filled(kind, declared, &answer);
        let mut want = Cow::Owned(kind.comparable(want.into_owned()));
        let ignored = ignored(self.world, self.stack, declared, seen);
        let said = without_ignored(&want, ignored).into_owned();
        let mut changes = diff(kind.fields(), &seen.spec, &want, &address_of);
        if !changes.is_empty() {
            want = Cow::Owned(self.acceptable(kind, seen, &want, ignored));
            changes = diff(kind.fields(), &seen.spec, &want, &address_of);
        }
        if !replaced.is_empty() {
            let known: BTreeSet<_> = changes.iter().map(|change| change.field.clone()).collect();
            let moved =
                kind.fields().iter().filter(|field| field.change != Change::Initial && !known.contains(field.name));
            let moved = moved.filter(|field| references(&said[field.name]).iter().any(|to| replaced.contains(to)));
            changes.extend(moved.map(|field| FieldChange {
                field: field.name.into(),
                change: field.change,
                seen: want[field.name].clone(),
                want: want[field.name].clone(),
            }));
        }
        confine(kind, &mut changes, &|field| self.is_moved(&seen.spec[field], &want[field], replaced));
        changes
    }

    /// True where live targets and wanted ones are inside different resources, such as subnets in different VPCs.
    fn is_moved(&self, seen: &Value, want: &Value, replaced: &BTreeSet<&Address>) -> bool {
        let live = |kind: &str, id: &str| {
            let all = self.world.seen.get(kind).into_iter().flatten();
            all.clone().find(|seen| names(seen).any(|name| name == id))
        };
        let parents = |kind: &str, spec: &Value| {
            let fields = (self.kinds)(kind).map_or(&[][..], |kind| kind.fields()).iter();
            let fields = fields.filter(|field| field.change == Change::Replace).map(|field| spec[field.name].clone());
            fields.collect::<Value>()
        };
        let (mut was, mut will_be) = (BTreeSet::new(), BTreeSet::new());
        for (kind, id) in used(seen) {
            let parents = live(kind, id).map(|seen| parents(kind, &seen.spec)).unwrap_or_default();
            was.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
        }
        for (kind, id) in used(want) {
            let parents = live(kind, id).map(|seen| parents(kind, &seen.spec)).unwrap_or_default();
            will_be.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
        }
        for target in references(want) {
            let Some(declared) = self.declared.get(&target) else { continue };
            let parents = parents(&target.kind, &declared.spec);
            will_be.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
            will_be.extend(references(&parents).into_iter().map(|parent| {
                let stays = self.claims.get(&parent).filter(|_| !replaced.contains(&parent));
                stays.map_or_else(|| parent.to_string(), |seen| seen.id.clone())
            }));
        }
        !was.is_empty() && !will_be.is_empty() && was.is_disjoint(&will_be)
    }

    /// The declared spec with all marks filled in of which the answer is known.
    fn filled(
        &self,
        kind: &dyn AnyKind,
        declared: &'a Declared,
        answer: &dyn Fn(&Quote) -> Option<String>,
    ) -> Cow<'a, Value> {
        let mut want = Cow::Borrowed(&*declared.spec);
        if quote::is_quoted_in(&want) {
            quote::fill(want.to_mut(), answer);
            // What is filled in may sort elsewhere in a set. A spec that is wrong only now is left for AWS to refuse.
            want = kind.complete((*want).clone()).map_or(want, Cow::Owned);
        }
        want
    }

    /// What is wanted, with live values in the place of what is ignored and of what the kind accepts.
    fn acceptable(&self, kind: &dyn AnyKind, seen: &Seen<Value>, want: &Value, ignored: &BTreeSet<String>) -> Value {
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        let mut live = seen.clone();
        name_references(&mut live.spec, &address_of);
        kind.accept(&live, with_ignored(want, &live.spec, ignored).into_owned())
    }

    /// What kinds know that AWS refuses of what is to be made or changed.
    fn refuse_changes(&mut self, verdicts: &[Verdict<'a>]) {
        let nothing = BTreeSet::new();
        let mut refusals = vec![];
        for Verdict { declared, seen, ruling, changes, .. } in verdicts {
            let Some((declared, kind)) = declared.and_then(|it| Some((it, (self.kinds)(&it.address.kind)?))) else {
                continue;
            };
            let seen = match ruling {
                Ruling::Update if !changes.is_empty() => *seen,
                Ruling::Create | Ruling::Replace(_) => None,
                _ => continue,
            };
            let mut want = self.filled(kind, declared, &|quote| self.answer(quote, &nothing));
            if let Some(seen) = seen {
                let ignored = ignored(self.world, self.stack, declared, seen);
                want = Cow::Owned(self.acceptable(kind, seen, &want, ignored));
            }
            let problems = kind.refuses(seen, &want, &|address, name| self.known(address, name));
            refusals.extend(problems.into_iter().map(|problem| Refusal {
                address: declared.address.clone(),
                message: format!("`{}`: {}", problem.field, problem.message),
            }));
        }
        self.refusals.extend(refusals);
    }

    /// An attribute of the live resource of an address, or a field that the stack declares of it.
    fn known(&self, address: &Address, name: &str) -> Option<String> {
        let live = self.claims.get(address).and_then(|seen| seen.attrs.get(name).cloned());
        live.or_else(|| text_at(&self.declared.get(address)?.spec, name))
    }

    fn answer(&self, quote: &Quote, replaced: &BTreeSet<&Address>) -> Option<String> {
        if quote.address == "stack" {
            return match quote.attribute.as_str() {
                "account" => Some(self.world.account.clone()),
                "region" => Some(self.world.region.clone()),
                _ => None,
            };
        }
        let address: Address = quote.address.parse().ok()?;
        let seen = self.claims.get(&address).filter(|_| !replaced.contains(&address))?;
        if quote.attribute == "id" { Some(seen.id.clone()) } else { seen.attrs.get(&quote.attribute).cloned() }
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
                    (verdict.ruling, verdict.why) = (Ruling::Replace(Order::DeleteFirst), Some(why.clone()));
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
        let verdict = |seen, ruling, changes, why| Verdict {
            address: Cow::Borrowed(&declared.address),
            declared: Some(declared),
            place: None,
            seen,
            ruling,
            changes,
            why,
            keeps_old: false,
        };
        let kind = (self.kinds)(&declared.address.kind);
        let (Some(kind), Some(seen)) = (kind, self.claims.get(&declared.address).copied()) else {
            return verdict(None, Ruling::Create, vec![], None);
        };
        let changes = self.compare(kind, declared, seen, replaced);
        let because = replaced.iter().find(|to| {
            changes.iter().any(|change| change.seen == change.want && references(&change.want).contains(**to))
        });
        let why = because.map(|to| format!("{to} is replaced"));
        match &seen.status {
            Status::Failed(why) => {
                return verdict(
                    Some(seen),
                    Ruling::Replace(Order::DeleteFirst),
                    changes,
                    Some(format!("it failed: {why}")),
                );
            }
            Status::Deleting(_) => {
                let why = Some("it is being deleted".into());
                return verdict(Some(seen), Ruling::Replace(Order::DeleteFirst), changes, why);
            }
            _ => {}
        }
        let ruling = if changes.iter().any(|change| change.change != Change::Update) {
            Ruling::Replace(kind.about().replace)
        } else if !changes.is_empty() || !tag_change(self.stack, kind, declared, seen, &self.world.tagged).is_empty() {
            Ruling::Update
        } else {
            match &seen.status {
                Status::Impaired(trouble) if trouble.repair => Ruling::Update,
                Status::Pending(_) => Ruling::Wait,
                _ => Ruling::Keep,
            }
        };
        let mended = || match &seen.status {
            Status::Impaired(trouble) => Some(format!("AWS says: {}", trouble.why)),
            _ => None,
        };
        verdict(Some(seen), ruling, changes, why.or_else(mended))
    }

    /// What is left: no longer declared, or one too many of its address. What only carries copied tags is named, and left
    /// alone.
    fn surplus(&mut self) -> Vec<Verdict<'a>> {
        let mut left: Vec<_> = self.free.iter().flat_map(|(at, all)| all.iter().map(move |seen| (at, *seen))).collect();
        left.sort_by_key(|(address, seen)| (*address, &seen.id));
        let (mut verdicts, mut notices, mut copies) = (vec![], vec![], BTreeSet::new());
        for (address, seen) in left {
            let claimed = self.claims.get(&**address);
            if self.is_copy(address, seen, claimed.copied()) {
                let message = format!(
                    "{} carries its tags and nothing says that the stack made it: it is left alone; \
                     delete it, or remove its tag `{}`",
                    seen.id,
                    Address::STACK_TAG
                );
                notices.push(Notice { address: address.clone().into_owned(), message });
                copies.insert(seen.id.clone());
                continue;
            }
            verdicts.push(Verdict {
                address: address.clone(),
                declared: None,
                place: None,
                seen: Some(seen),
                ruling: Ruling::Delete,
                changes: vec![],
                why: claimed.map(|_| "a second one of the same address".to_owned()),
                keeps_old: false,
            });
        }
        self.notices.extend(notices);
        self.copies.extend(copies);
        verdicts
    }

    /// True for one too many whose tags may be a copy: it is as old as the one the stack has, or has another name than the
    /// stack gives.
    fn is_copy(&self, address: &Address, seen: &Seen<Value>, claimed: Option<&Seen<Value>>) -> bool {
        let Some(kind) = (self.kinds)(&address.kind).filter(|kind| kind.about().tags_travel) else { return false };
        let is_odd = match claimed {
            Some(claimed) => claimed.generation() == seen.generation(),
            // Of those that never change a copy is as good as what was copied: all go with what was declared.
            None => kind.about().longest_name > 0 && !kind.about().constant,
        };
        is_odd && !self.is_ours(kind, seen)
    }

    /// What something that stays uses is not deleted: a field that is ignored still names it.
    fn keep_used(&mut self, verdicts: &mut Vec<Verdict<'a>>) {
        let leaves =
            |verdict: &Verdict<'_>| !verdict.keeps_old && matches!(verdict.ruling, Ruling::Delete | Ruling::Replace(_));
        if !verdicts.iter().any(leaves) {
            return;
        }
        let stays = |verdict: &&Verdict<'_>| matches!(verdict.ruling, Ruling::Keep | Ruling::Wait | Ruling::Update);
        let mut users: Vec<(Address, Value)> = verdicts.iter().filter(stays).filter_map(retained).collect();
        let mut users_of: Map<(String, String), Address> = Map::default();
        while let Some((user, spec)) = users.pop() {
            for (kind, id) in used(&spec) {
                users_of.entry((kind.to_owned(), id.to_owned())).or_insert_with(|| user.clone());
            }
            if !users.is_empty() {
                continue;
            }
            for verdict in verdicts.iter_mut().filter(|verdict| leaves(verdict)) {
                let Some(seen) = verdict.seen else { continue };
                let kind = &verdict.address.kind;
                let user = names(seen).find_map(|name| users_of.get(&(kind.clone(), name.to_owned())));
                let Some(user) = user.filter(|user| **user != *verdict.address) else { continue };
                verdict.keeps_old = true;
                // What it uses in turn stays as well.
                users.push((verdict.address.clone().into_owned(), seen.spec.clone()));
                let address = verdict.address.clone().into_owned();
                if verdict.ruling == Ruling::Replace(Order::DeleteFirst) {
                    let message = format!(
                        "{} must go before the new one is made, and {user} still uses it, in a field that is ignored",
                        seen.id
                    );
                    self.refusals.push(Refusal { address, message });
                } else {
                    self.notices.push(Notice { address, message: format!("{} is kept: {user} uses it", seen.id) });
                }
            }
        }
        verdicts.retain(|verdict| !(verdict.keeps_old && verdict.ruling == Ruling::Delete));
    }

    /// What the kind has to say of a declaration, as far as its marks can be filled in.
    fn remarks(&self, verdict: &Verdict<'a>) -> Vec<Notice> {
        let kind = (self.kinds)(&verdict.address.kind);
        let Some((kind, declared)) = kind.zip(verdict.declared) else { return vec![] };
        if kind.remarks(&declared.spec).is_empty() {
            return vec![];
        }
        let mut spec = (*declared.spec).clone();
        quote::fill(&mut spec, &|quote| self.answer(quote, &BTreeSet::new()));
        // Of what exists and was not asked nothing is said: no step needs it.
        let is_unasked =
            |quote: &Quote| quote.address.parse::<Address>().is_ok_and(|address| self.claims.contains_key(&address));
        if quote::quotes(&spec).iter().any(is_unasked) {
            return vec![];
        }
        let notice = |message| Notice { address: declared.address.clone(), message };
        kind.remarks(&spec).into_iter().map(notice).collect()
    }

    /// Says what is wrong with what stays, what AWS has to add, and what the declarations leave open.
    fn explain(&mut self, verdicts: &[Verdict<'a>]) {
        for verdict in verdicts {
            let remarks = self.remarks(verdict);
            self.notices.extend(remarks);
            let Some(seen) = verdict.seen.filter(|_| verdict.declared.is_some()) else { continue };
            let address = || verdict.address.clone().into_owned();
            // What a step mends, the step explains.
            let is_mended = |trouble: &Impairment| trouble.repair && verdict.ruling == Ruling::Update;
            if let Status::Impaired(trouble) = &seen.status
                && !is_mended(trouble)
            {
                self.notices.push(Notice { address: address(), message: trouble.sentence() });
            }
            let notes = seen.notes.iter().map(|note| Notice { address: address(), message: note.clone() });
            self.notices.extend(notes);
        }
    }
}

/// The fields of a live resource that are left alone: none before its create was finished.
pub(crate) fn ignored<'a>(
    world: &World,
    stack: &str,
    declared: &'a Declared,
    seen: &Seen<Value>,
) -> &'a BTreeSet<String> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    let is_unfinished = || seen.address(stack).is_some_and(|address| world.unfinished.contains(&address));
    if world.unfinished.is_empty() || !is_unfinished() { &declared.ignore_changes } else { &NONE }
}

/// What a resource that stays still uses by id: in fields that are ignored.
fn retained(verdict: &Verdict<'_>) -> Option<(Address, Value)> {
    let (declared, seen) = verdict.declared.zip(verdict.seen)?;
    let is_ignoring = !declared.ignore_changes.is_empty();
    let spec = is_ignoring.then(|| with_ignored(&declared.spec, &seen.spec, &declared.ignore_changes).into_owned());
    Some((verdict.address.clone().into_owned(), spec?))
}

/// All tags of a declared resource: the user's, a name for the console, and those that say who owns it.
fn tags<'a>(stack: &'a str, declared: &'a Declared, generation: u32) -> BTreeMap<&'a str, Cow<'a, str>> {
    let address = &declared.address;
    let own = declared.tags.iter().map(|(key, value)| (key.as_str(), Cow::from(value)));
    let mut tags: BTreeMap<_, _> = own.collect();
    // Whoever writes `name` has named it: of IAM's roles that is the same key.
    if !tags.keys().any(|key| key.eq_ignore_ascii_case("Name")) {
        tags.insert("Name", address.physical(stack, generation, 255).into());
    }
    tags.insert(Address::STACK_TAG, stack.into());
    tags.insert(Address::ADDRESS_TAG, address.text().into());
    if generation > 0 {
        tags.insert(Address::GENERATION_TAG, generation.to_string().into());
    }
    tags
}

/// What a declared resource is given when it is made.
pub(crate) fn birth(stack: &str, declared: &Declared, generation: u32) -> Birth {
    let tags = tags(stack, declared, generation).into_iter();
    let tags = tags.map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
    Birth { stack: stack.into(), address: declared.address.clone(), generation, tags }
}

/// What differs in tags. Kinds that AWS gives no tags carry only who owns them.
pub(crate) fn tag_change(
    stack: &str,
    kind: &dyn AnyKind,
    declared: &Declared,
    seen: &Seen<Value>,
    tagged: &BTreeMap<Address, BTreeSet<String>>,
) -> TagChange {
    let mut want = tags(stack, declared, seen.generation());
    want.retain(|key, _| !declared.ignores_tag(key));
    if kind.about().actions.tag.is_empty() {
        want.retain(|key, _| key.starts_with("bullstra:"));
        let seen = seen.tags.iter().filter(|(key, _)| want.contains_key(key.as_str()));
        let seen: Tags = seen.map(|(key, value)| (key.clone(), value.clone())).collect();
        return TagChange::between(&seen, &want, |_| true);
    }
    let before = seen.address(stack).and_then(|address| tagged.get(&address));
    let is_ours = |key: &str| {
        key.starts_with("bullstra:") || before.is_some_and(|before| before.contains(key)) && !declared.ignores_tag(key)
    };
    TagChange::between(&seen.tags, &want, is_ours)
}

/// What a reference to a live resource may hold.
pub(crate) fn names(seen: &Seen<Value>) -> impl Iterator<Item = &str> {
    [Some(&seen.id), seen.attrs.get("arn")].into_iter().flatten().map(String::as_str)
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
