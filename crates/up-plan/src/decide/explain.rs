//! What a user has to know beside the steps, and what AWS is known to refuse.

use std::{borrow::Cow, collections::BTreeSet};

use up_core::{
    Address, Impairment, Status,
    placeholder::{self, Placeholder},
    text_at,
};

use super::{Matcher, Ruling, Verdict, ignored};
use crate::{Notice, Refusal};

impl<'a> Matcher<'a, '_> {
    /// What kinds know that AWS refuses of what is to be made or changed.
    pub(super) fn refuse_changes(&mut self, verdicts: &[Verdict<'a>]) {
        let nothing = BTreeSet::new();
        let mut refusals = vec![];
        for Verdict { declared, observed, ruling, changes, .. } in verdicts {
            let Some((declared, kind)) = declared.and_then(|it| Some((it, (self.kinds)(&it.address.kind)?))) else {
                continue;
            };
            let observed = match ruling {
                Ruling::Update if !changes.is_empty() => *observed,
                Ruling::Create | Ruling::Replace(_) => None,
                _ => continue,
            };
            let mut desired = self.filled(kind, declared, &|quote| self.answer(quote, &nothing));
            if let Some(observed) = observed {
                let ignored = ignored(self.world, self.stack, declared, observed);
                desired = Cow::Owned(self.acceptable(kind, observed, &desired, ignored));
            }
            let problems = kind.refuses(observed, &desired, &|address, name| self.known(address, name));
            refusals.extend(problems.into_iter().map(|problem| Refusal {
                address: declared.address.clone(),
                message: format!("`{}`: {}", problem.field, problem.message),
            }));
        }
        self.refusals.extend(refusals);
    }

    /// An attribute of the live resource of an address, or a field that the stack declares of it.
    pub(super) fn known(&self, address: &Address, name: &str) -> Option<String> {
        let live = self.claims.get(address).and_then(|observed| observed.attrs.get(name).cloned());
        live.or_else(|| text_at(&self.declared.get(address)?.spec, name))
    }

    /// What the kind has to say of a declaration, as far as its marks can be filled in.
    pub(super) fn remarks(&self, verdict: &Verdict<'a>) -> Vec<Notice> {
        let kind = (self.kinds)(&verdict.address.kind);
        let Some((kind, declared)) = kind.zip(verdict.declared) else { return vec![] };
        if kind.remarks(&declared.spec).is_empty() {
            return vec![];
        }
        let mut spec = (*declared.spec).clone();
        placeholder::fill(&mut spec, &|quote| self.answer(quote, &BTreeSet::new()));
        // Of what exists and was not asked nothing is said: no step needs it.
        let is_unasked = |quote: &Placeholder| {
            quote.address.parse::<Address>().is_ok_and(|address| self.claims.contains_key(&address))
        };
        if placeholder::placeholders(&spec).iter().any(is_unasked) {
            return vec![];
        }
        let notice = |message| Notice { address: declared.address.clone(), message };
        kind.remarks(&spec).into_iter().map(notice).collect()
    }

    /// Asks after a rename where a resource with data would be deleted and another of its kind created.
    fn ask_for_renames(&mut self, verdicts: &[Verdict<'a>]) {
        let holds_data = |address: &Address| (self.kinds)(&address.kind).is_some_and(|kind| kind.info().holds_data);
        let leaving = verdicts.iter().filter(|it| it.ruling == Ruling::Delete && holds_data(&it.address));
        let notices = leaving.filter_map(|old| {
            let is_new = |it: &&Verdict<'_>| it.ruling == Ruling::Create && it.address.kind == old.address.kind;
            let new = verdicts.iter().find(is_new)?;
            let message = format!(
                "it is deleted, with the data in it, and {} is created; if that is the same one under another name, write \
                 `renamed_from = \"{}\"` there",
                new.address, old.address
            );
            Some(Notice { address: old.address.clone().into_owned(), message })
        });
        let notices: Vec<_> = notices.collect();
        self.notices.extend(notices);
    }

    /// Says what is wrong with what stays, what AWS has to add, and what the declarations leave open.
    pub(super) fn explain(&mut self, verdicts: &[Verdict<'a>]) {
        self.ask_for_renames(verdicts);
        for verdict in verdicts {
            let remarks = self.remarks(verdict);
            self.notices.extend(remarks);
            let Some(observed) = verdict.observed.filter(|_| verdict.declared.is_some()) else { continue };
            let address = || verdict.address.clone().into_owned();
            // What a step mends, the step explains.
            let is_mended = |trouble: &Impairment| trouble.repair && verdict.ruling == Ruling::Update;
            if let Status::Impaired(trouble) = &observed.status
                && !is_mended(trouble)
            {
                self.notices.push(Notice { address: address(), message: trouble.sentence() });
            }
            let notes = observed.notes.iter().map(|note| Notice { address: address(), message: note.clone() });
            self.notices.extend(notes);
        }
    }
}
