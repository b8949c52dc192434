//! What is left over: to be deleted, kept because something uses it, or not the stack's at all.

use std::collections::BTreeSet;

use serde_json::Value;
use up_core::{Address, AnyKind, Declared, Observed, Order, with_ignored};

use super::{Matcher, Ruling, Verdict, compare::NONE, names, used};
use crate::{Map, Notice, Refusal, given_name};

impl<'a> Matcher<'a, '_> {
    /// True for what may be a copy with the tags of another, and holds more than what never changes.
    pub(super) fn may_be_copy(
        &self,
        kind: &dyn AnyKind,
        declared: Option<&Declared>,
        observed: &Observed<Value>,
    ) -> bool {
        kind.info().tags_travel && !kind.info().immutable && !self.is_ours(kind, declared, observed)
    }

    /// True where more than tags, which may have been copied, says that the stack made it: an earlier run knew its id, or
    /// it has the name that `declared` gives, or that was made for its address.
    fn is_ours(&self, kind: &dyn AnyKind, declared: Option<&Declared>, observed: &Observed<Value>) -> bool {
        if self.world.known.get(kind.name()).is_some_and(|ids| ids.contains(&observed.id)) {
            return true;
        }
        let longest = kind.info().longest_name;
        let (Some(address), Some(name)) = (observed.address(self.stack), observed.attrs.get("name")) else {
            return false;
        };
        let declared = declared.or_else(|| self.declared.get(&address).copied());
        let given = declared.and_then(|declared| given_name(kind, &declared.spec));
        let given = given.or_else(|| self.given.get(&address).map(String::as_str));
        given == Some(name) || (longest > 0 && *name == address.physical(self.stack, observed.generation(), longest))
    }

    /// Of two that carry the same tags one may be a copy: where nothing tells which, nothing may be done to either. Nor may
    /// anything be done to the only one that is left, where it may be a copy of what was lost.
    pub(super) fn refuse_ambiguous(
        &mut self,
        kind: &dyn AnyKind,
        declared: &Declared,
        best: usize,
        candidates: &[&'a Observed<Value>],
    ) {
        if !kind.info().tags_travel || kind.info().immutable {
            return;
        }
        let (chosen, tag) = (candidates[best], Address::STACK_TAG);
        let may_be_copy = |observed: &Observed<Value>| self.may_be_copy(kind, Some(declared), observed);
        let is_alike = |other: &Observed<Value>| {
            other.id != chosen.id
                && other.generation() == chosen.generation()
                && may_be_copy(other) == may_be_copy(chosen)
        };
        let message = match candidates.iter().find(|other| is_alike(other)) {
            Some(other) => format!(
                "{} and {} both carry its tags, and nothing tells which of them the stack made; \
                 remove the tag `{tag}` from the other one",
                chosen.id, other.id
            ),
            None if may_be_copy(chosen) => format!(
                "{} carries its tags, and nothing says that the stack made it: declare it under its own name to take it \
                 over, or remove its tag `{tag}`",
                chosen.id
            ),
            None => return,
        };
        self.refusals.push(Refusal { address: declared.address.clone(), message });
    }

    /// What is left: no longer declared, or one too many of its address. What only carries copied tags is named, and left
    /// alone.
    pub(super) fn surplus(&mut self) -> Vec<Verdict<'a>> {
        let mut left: Vec<_> =
            self.free.iter().flat_map(|(at, all)| all.iter().map(move |observed| (at, *observed))).collect();
        left.sort_by_key(|(address, observed)| (*address, &observed.id));
        let (mut verdicts, mut notices, mut copies) = (vec![], vec![], BTreeSet::new());
        for (address, observed) in left {
            let claimed = self.claims.get(&**address);
            if self.is_copy(address, observed, claimed.copied()) {
                let message = format!(
                    "{} carries its tags and nothing says that the stack made it: it is left alone; \
                     delete it, or remove its tag `{}`",
                    observed.id,
                    Address::STACK_TAG
                );
                notices.push(Notice { address: address.clone().into_owned(), message });
                copies.insert(observed.id.clone());
                continue;
            }
            verdicts.push(Verdict {
                address: address.clone(),
                declared: None,
                place: None,
                observed: Some(observed),
                ruling: Ruling::Delete,
                changes: vec![],
                why: claimed.map(|_| "a second one of the same address".to_owned()),
                keeps_old: false,
                ignored: &NONE,
            });
        }
        self.notices.extend(notices);
        self.copies.extend(copies);
        verdicts
    }

    /// True for one too many whose tags may be a copy. What never changes and is no longer declared goes with its copies where
    /// no history tells them apart.
    pub(super) fn is_copy(
        &self,
        address: &Address,
        observed: &Observed<Value>,
        claimed: Option<&Observed<Value>>,
    ) -> bool {
        let Some(kind) = (self.kinds)(&address.kind).filter(|kind| kind.info().tags_travel) else { return false };
        let is_told_apart = !kind.info().immutable || claimed.is_some() || !self.world.known.is_empty();
        is_told_apart && !self.is_ours(kind, None, observed)
    }

    /// What something that stays uses is not deleted: a field that is ignored still names it.
    pub(super) fn keep_used(&mut self, verdicts: &mut Vec<Verdict<'a>>) {
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
                let Some(observed) = verdict.observed else { continue };
                let kind = &verdict.address.kind;
                let user = names(observed).find_map(|name| users_of.get(&(kind.clone(), name.to_owned())));
                let Some(user) = user.filter(|user| **user != *verdict.address) else { continue };
                verdict.keeps_old = true;
                // What it uses in turn stays as well.
                users.push((verdict.address.clone().into_owned(), observed.spec.clone()));
                let address = verdict.address.clone().into_owned();
                if verdict.ruling == Ruling::Replace(Order::DestroyBeforeCreate) {
                    let message = format!(
                        "{} must go before the new one is made, and {user} still uses it, in a field that is ignored",
                        observed.id
                    );
                    self.refusals.push(Refusal { address, message });
                } else {
                    self.notices.push(Notice { address, message: format!("{} is kept: {user} uses it", observed.id) });
                }
            }
        }
        verdicts.retain(|verdict| !(verdict.keeps_old && verdict.ruling == Ruling::Delete));
    }
}

/// What a resource that stays still uses by id: in fields that are ignored.
fn retained(verdict: &Verdict<'_>) -> Option<(Address, Value)> {
    let (declared, observed) = verdict.declared.zip(verdict.observed)?;
    let is_ignoring = !verdict.ignored.is_empty();
    let spec = is_ignoring.then(|| with_ignored(&declared.spec, &observed.spec, verdict.ignored).into_owned());
    Some((verdict.address.clone().into_owned(), spec?))
}
