//! Live resources that no declaration claims: deleted, kept because something uses them, or left alone because they may
//! not belong to the stack.

use std::collections::BTreeSet;

use serde_json::Value;
use up_model::{Address, Declared, Model, Observed, Order, with_ignored};

use super::{Decision, Matcher, PlannedAction, compare::NONE, names, used};
use crate::{FastMap, Notice, Refusal, given_name};

impl<'a> Matcher<'a, '_> {
    /// True if the resource may be a copy that carries another's tags. Copies of immutable kinds do no harm and do not
    /// count.
    pub(super) fn may_be_copy(
        &self,
        kind: &dyn Model,
        declared: Option<&Declared>,
        observed: &Observed<Value>,
    ) -> bool {
        kind.info().tags_travel && !kind.info().immutable && !self.is_ours(kind, declared, observed)
    }

    /// True if more than the tags, which may have been copied, says that the stack created it: an earlier run knew its
    /// id, or it has the name that `declared` gives, the name derived from its address, or the name that its create noted.
    fn is_ours(&self, kind: &dyn Model, declared: Option<&Declared>, observed: &Observed<Value>) -> bool {
        if self.live_stack.known.get(kind.name()).is_some_and(|ids| ids.contains(&observed.id)) {
            return true;
        }
        let longest = kind.info().longest_name;
        let (Some(address), Some(name)) = (observed.address(self.stack), observed.attrs.get("name")) else {
            return false;
        };
        let declared = declared.or_else(|| self.declared.get(&address).copied());
        let given = declared.and_then(|declared| given_name(kind, &declared.spec));
        let given = given.or_else(|| self.given.get(&address).map(String::as_str));
        let noted = observed.private.get(Address::NAME_TAG);
        given == Some(name)
            || noted == Some(name)
            || (longest > 0 && *name == address.physical(self.stack, observed.generation(), longest))
    }

    /// Refuses to go on if one of two resources with the same tags may be a copy and nothing tells which, or if the
    /// only one left may be a copy of a lost resource.
    pub(super) fn refuse_ambiguous(
        &mut self,
        kind: &dyn Model,
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

    /// Deletes what is left: resources no longer declared, and duplicates. Possible copies are reported and left alone.
    pub(super) fn surplus(&mut self) -> Vec<Decision<'a>> {
        let mut left: Vec<_> =
            self.free.iter().flat_map(|(at, all)| all.iter().map(move |observed| (at, *observed))).collect();
        left.sort_by_key(|(address, observed)| (*address, &observed.id));
        let (mut decisions, mut notices, mut copies) = (vec![], vec![], BTreeSet::new());
        for (address, observed) in left {
            let claimed = self.claims.get(&**address);
            // What was deployed before, for those who want it back.
            if claimed.is_some() && self.is_deployed(address) {
                continue;
            }
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
            decisions.push(Decision {
                address: address.clone(),
                declared: None,
                place: None,
                observed: Some(observed),
                planned: PlannedAction::Delete,
                changes: vec![],
                why: claimed.map(|_| "a second one of the same address".to_owned()),
                keeps_old: false,
                ignored: &NONE,
            });
        }
        self.notices.extend(notices);
        self.copies.extend(copies);
        decisions
    }

    /// True if deployments make others of this resource, beside the one that was declared first.
    pub(crate) fn is_deployed(&self, address: &Address) -> bool {
        self.declared.get(address).is_some_and(|declared| !declared.deployed.is_empty())
    }

    /// True for a duplicate that may be a copy. Without history, immutable resources that are no longer declared are
    /// deleted with their copies, which cannot be told apart.
    pub(crate) fn is_copy(
        &self,
        address: &Address,
        observed: &Observed<Value>,
        claimed: Option<&Observed<Value>>,
    ) -> bool {
        let Some(kind) = (self.kinds)(&address.kind).filter(|kind| kind.info().tags_travel) else { return false };
        let is_told_apart = !kind.info().immutable || claimed.is_some() || !self.live_stack.known.is_empty();
        is_told_apart && !self.is_ours(kind, None, observed)
    }

    /// Keeps resources that a resource which stays still uses in an ignored field.
    pub(super) fn keep_used(&mut self, decisions: &mut Vec<Decision<'a>>) {
        let leaves = |decision: &Decision<'_>| {
            !decision.keeps_old && matches!(decision.planned, PlannedAction::Delete | PlannedAction::Replace(_))
        };
        if !decisions.iter().any(leaves) {
            return;
        }
        let stays = |decision: &&Decision<'_>| {
            matches!(decision.planned, PlannedAction::Keep | PlannedAction::Wait | PlannedAction::Update)
        };
        let mut users: Vec<(Address, Value)> = decisions.iter().filter(stays).filter_map(retained).collect();
        let mut users_of: FastMap<(String, String), Address> = FastMap::default();
        while let Some((user, spec)) = users.pop() {
            for (kind, id) in used(&spec) {
                users_of.entry((kind.to_owned(), id.to_owned())).or_insert_with(|| user.clone());
            }
            if !users.is_empty() {
                continue;
            }
            for decision in decisions.iter_mut().filter(|decision| leaves(decision)) {
                let Some(observed) = decision.observed else { continue };
                let kind = &decision.address.kind;
                let user = names(observed).find_map(|name| users_of.get(&(kind.clone(), name.to_owned())));
                let Some(user) = user.filter(|user| **user != *decision.address) else { continue };
                decision.keeps_old = true;
                // The resources that it uses stay as well.
                users.push((decision.address.clone().into_owned(), observed.spec.clone()));
                let address = decision.address.clone().into_owned();
                if decision.planned == PlannedAction::Replace(Order::DestroyBeforeCreate) {
                    let message = format!(
                        "{} must be deleted before the new one is created, but {user} still uses it, in a field that is ignored",
                        observed.id
                    );
                    self.refusals.push(Refusal { address, message });
                } else {
                    self.notices.push(Notice { address, message: format!("{} is kept: {user} uses it", observed.id) });
                }
            }
        }
        decisions.retain(|decision| !(decision.keeps_old && decision.planned == PlannedAction::Delete));
    }
}

/// The references that a resource keeps in its ignored fields.
fn retained(decision: &Decision<'_>) -> Option<(Address, Value)> {
    let (declared, observed) = decision.declared.zip(decision.observed)?;
    let is_ignoring = !decision.ignored.is_empty();
    let spec = is_ignoring.then(|| with_ignored(&declared.spec, &observed.spec, decision.ignored).into_owned());
    Some((decision.address.clone().into_owned(), spec?))
}
