//! Notices for the user, and refusals of changes that AWS is known to reject.

use std::{borrow::Cow, collections::BTreeSet};

use up_model::{
    Address, Impairment, Status,
    placeholder::{self, Placeholder},
};

use super::{Decision, Matcher, PlannedAction, ignored};
use crate::{Notice, Refusal};

impl<'a> Matcher<'a, '_> {
    /// Refuses changes that the kinds know AWS to reject, and tells which take effect late.
    pub(super) fn refuse_changes(&mut self, decisions: &[Decision<'a>]) {
        let nothing = BTreeSet::new();
        let is_replaced = |it: &&Decision<'a>| matches!(it.planned, PlannedAction::Replace(_));
        let replaced: BTreeSet<&Address> = decisions.iter().filter(is_replaced).map(|it| &*it.address).collect();
        let (mut refusals, mut notices) = (vec![], vec![]);
        for Decision { declared, observed, planned, changes, .. } in decisions {
            let Some((declared, kind)) = declared.and_then(|it| Some((it, (self.kinds)(&it.address.kind)?))) else {
                continue;
            };
            let observed = match planned {
                PlannedAction::Update if !changes.is_empty() => *observed,
                PlannedAction::Create | PlannedAction::Replace(_) => None,
                _ => continue,
            };
            let mut desired = self.filled(kind, declared, &|quote| self.answer(quote, &nothing));
            if let Some(observed) = observed {
                let ignored = ignored(self.live_stack, self.stack, declared, observed);
                desired = Cow::Owned(self.acceptable(kind, observed, &desired, ignored));
            }
            let problems = kind.refuses(observed, &desired, &|address, name| self.known(address, name, &replaced));
            let delays = observed.map(|observed| kind.delays(observed, &desired)).unwrap_or_default();
            let notice = |message| Notice { address: declared.address.clone(), message };
            notices.extend(delays.into_iter().map(notice));
            refusals.extend(problems.into_iter().map(|problem| Refusal {
                address: declared.address.clone(),
                message: format!("`{}`: {}", problem.field, problem.message),
            }));
        }
        self.refusals.extend(refusals);
        self.notices.extend(notices);
    }

    /// Refuses to create a second resource beside one that an earlier run created, and that has lost the stack's tag.
    pub(super) fn refuse_second_ones(&mut self, decisions: &[Decision<'a>]) {
        for decision in decisions.iter().filter(|it| it.planned == PlannedAction::Create) {
            let Some(ids) = self.live_stack.untagged.get(&decision.address.kind) else { continue };
            let ids = ids.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "an earlier run created {ids}, which exists without the stack's tag: put the tag `{tag} = {stack}` and \
                 its address in `{address_tag}` back; if it no longer belongs to the stack, give `{tag}` another value",
                tag = Address::STACK_TAG,
                stack = self.stack,
                address_tag = Address::ADDRESS_TAG,
            );
            self.refusals.push(Refusal { address: decision.address.clone().into_owned(), message });
        }
    }

    /// An attribute of the live resource at an address, unless it is replaced, or a field of its declaration.
    fn known(&self, address: &Address, name: &str, replaced: &BTreeSet<&Address>) -> Option<String> {
        let live = self.claims.get(address).filter(|_| !replaced.contains(address));
        let attribute = live.and_then(|observed| observed.attrs.get(name).cloned());
        attribute.or_else(|| self.declared.get(address)?.text(name))
    }

    /// The kind's remarks on a declaration, as far as its placeholders can be filled in.
    pub(super) fn remarks(&self, decision: &Decision<'a>) -> Vec<Notice> {
        let kind = (self.kinds)(&decision.address.kind);
        let Some((kind, declared)) = kind.zip(decision.declared) else { return vec![] };
        if kind.remarks(&declared.spec).is_empty() {
            return vec![];
        }
        let mut spec = (*declared.spec).clone();
        placeholder::fill(&mut spec, &|quote| self.answer(quote, &BTreeSet::new()));
        // No remarks if an existing resource's attribute was not read, which happens when no step needs it.
        let is_unread = |quote: &Placeholder| {
            quote.address.parse::<Address>().is_ok_and(|address| self.claims.contains_key(&address))
        };
        if placeholder::placeholders(&spec).iter().any(is_unread) {
            return vec![];
        }
        let notice = |message| Notice { address: declared.address.clone(), message };
        kind.remarks(&spec).into_iter().map(notice).collect()
    }

    /// Asks about a rename where a resource is deleted and another of its kind created: if the first holds data, and if the second
    /// has a `renamed_from` that names nothing, probably a misspelling.
    fn ask_for_renames(&mut self, decisions: &[Decision<'a>]) {
        let all = |planned| decisions.iter().filter(move |decision| decision.planned == planned);
        let is_alike = |one: &Decision<'a>, other: &Decision<'a>| one.address.kind == other.address.kind;
        let was = |new: &Decision<'a>| new.declared.and_then(|declared| declared.renamed_from.first());
        let holds_data = |it: &&Decision<'a>| (self.kinds)(&it.address.kind).is_some_and(|kind| kind.info().holds_data);
        let notice = |about: &Decision<'a>, message| Notice { address: about.address.clone().into_owned(), message };
        let lost = all(PlannedAction::Delete).filter(holds_data).filter_map(|old| {
            let new = all(PlannedAction::Create).find(|new| is_alike(new, old) && was(new).is_none())?;
            let message = format!(
                "it is deleted, with the data in it, and {} is created; if that is the same one under another name, write \
                 `renamed_from = \"{}\"` there",
                new.address, old.address
            );
            Some(notice(old, message))
        });
        let misspelt = all(PlannedAction::Create).filter_map(|new| {
            let (was, old) = (was(new)?, all(PlannedAction::Delete).find(|old| is_alike(new, old))?);
            let message = format!(
                "`renamed_from`: the stack has no {was}; it is created, and {} is deleted. If these are the same one, write \
                 `renamed_from = \"{}\"`",
                old.address, old.address
            );
            Some(notice(new, message))
        });
        let notices: Vec<_> = lost.chain(misspelt).collect();
        self.notices.extend(notices);
    }

    /// Reports problems of resources that stay, notes from AWS, and remarks on the declarations.
    pub(super) fn explain(&mut self, decisions: &[Decision<'a>]) {
        self.ask_for_renames(decisions);
        for decision in decisions {
            let remarks = self.remarks(decision);
            self.notices.extend(remarks);
            let Some(observed) = decision.observed.filter(|_| decision.declared.is_some()) else { continue };
            let address = || decision.address.clone().into_owned();
            // An update that repairs the resource explains the problem itself.
            let is_repaired = |trouble: &Impairment| trouble.repair && decision.planned == PlannedAction::Update;
            if let Status::Impaired(trouble) = &observed.status
                && !is_repaired(trouble)
            {
                self.notices.push(Notice { address: address(), message: trouble.sentence() });
            }
            let notes = observed.notes.iter().map(|note| Notice { address: address(), message: note.clone() });
            self.notices.extend(notes);
        }
    }
}
