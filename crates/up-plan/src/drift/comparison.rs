//! Compares what was applied, what is declared, and what is live.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_model::{Address, Declared, Observed, Status, visit_texts};

use super::{
    Acceptance, DriftClass, DriftInput, FieldDrift, Finding, fields::Difference as Found, lost::Lost, severity,
};
use crate::{
    FastMap, Kinds,
    decide::{Matcher, used},
};

/// True if a text in `value` contains `text`.
fn holds(value: &Value, text: &str) -> bool {
    let mut is_found = false;
    visit_texts(value, &mut |whole| is_found |= whole.contains(text));
    is_found
}

/// The stack as it was applied and as it is declared, each with its live resources.
pub(super) struct Comparison<'a, 'k> {
    pub(super) input: &'a DriftInput<'a>,
    pub(super) kinds: Kinds<'k>,
    pub(super) was: Matcher<'a, 'k>,
    pub(super) is: Matcher<'a, 'k>,
    pub(super) lost: Lost,
}

impl<'a> Comparison<'a, '_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![];
        let claimed: FastMap<(&str, &str), &Address> =
            self.is.claims.iter().map(|(at, it)| ((at.kind.as_str(), it.id.as_str()), *at)).collect();
        let read = |address: &Address| !self.input.unread.contains(&address.kind);
        for (address, applied) in self.was.declared.iter().filter(|(address, _)| read(address)) {
            match self.was.claims.get(*address) {
                None => findings.extend(self.gone(address)),
                Some(observed) if matches!(observed.status, Status::Deleting(_)) => {
                    let note = "it is being deleted";
                    findings.push(self.about(DriftClass::Missing, address, Some(&observed.id), note));
                }
                Some(observed) => {
                    let now = claimed
                        .get(&(address.kind.as_str(), observed.id.as_str()))
                        .and_then(|address| self.is.declared.get(address));
                    findings.extend(self.compared(applied, observed, now.copied()));
                }
            }
        }
        let was: BTreeSet<(&str, &str)> =
            self.was.claims.iter().map(|(at, observed)| (at.kind.as_str(), observed.id.as_str())).collect();
        for (address, declared) in self.is.declared.iter().filter(|(address, _)| read(address)) {
            match self.is.claims.get(*address) {
                Some(observed) if !was.contains(&(address.kind.as_str(), observed.id.as_str())) => {
                    findings.extend(self.unfinished(declared, observed));
                }
                None if !self.was.declared.contains_key(*address) => {
                    findings.push(self.about(DriftClass::Pending, address, None, "it is not created yet"));
                }
                _ => {}
            }
        }
        let both: BTreeSet<(&str, &str)> = was.into_iter().chain(claimed.keys().copied()).collect();
        findings.extend(self.surplus(&both));
        findings.extend(self.attached());
        findings
    }

    fn about(&self, class: DriftClass, address: &Address, id: Option<&str>, note: &str) -> Finding {
        Finding {
            class,
            severity: severity::of_resource(class, (self.kinds)(&address.kind)),
            address: address.clone(),
            id: id.map(str::to_owned),
            fields: vec![],
            note: Some(note.to_owned()),
            accepted: None,
        }
    }

    /// A resource that was applied, and that no live one carries the tags of.
    fn gone(&self, address: &Address) -> Option<Finding> {
        if self.input.applied.is_none() && self.was.live_stack.iter().next().is_none() {
            return Some(self.about(DriftClass::Pending, address, None, "it is not created yet"));
        }
        // The file does not want it either.
        self.is.declared.get(address)?;
        Some(self.about(DriftClass::Missing, address, None, "it does not exist any more"))
    }

    /// A resource that the last run created without finishing it.
    fn unfinished(&self, declared: &'a Declared, observed: &Observed<Value>) -> Option<Finding> {
        let fields = self.is.differences(declared, observed, &self.lost);
        let changed: Vec<_> = fields.into_iter().filter(|found| !found.accepted).map(|it| it.drift).collect();
        let note = "the run that created it did not finish it";
        let about = self.about(DriftClass::Pending, &declared.address, Some(&observed.id), note);
        (!changed.is_empty()).then_some(Finding { fields: changed, ..about })
    }

    /// A resource that was applied and exists; `now` is its declaration.
    fn compared(
        &self,
        applied: &'a Declared,
        observed: &'a Observed<Value>,
        now: Option<&'a Declared>,
    ) -> Vec<Finding> {
        let address = &applied.address;
        let seen = self.input.baseline.get(address).filter(|_| self.input.applied.is_some());
        let outside = self.was.differences(applied, observed, &self.lost);
        let real = now.and_then(|now| self.is.claims.get(&now.address));
        let edits = now.zip(real).map(|(now, real)| self.is.differences(now, real, &self.lost)).unwrap_or_default();
        let edited = |field: &str| edits.iter().find(|edit| !edit.accepted && edit.drift.field == field);
        let is_drift = |found: &&Found| !found.accepted && (now.is_none() || edited(&found.drift.field).is_some());
        let (mut changed, mut by_acceptance): (Vec<FieldDrift>, BTreeMap<usize, Vec<FieldDrift>>) = Default::default();
        for found in outside.iter().filter(is_drift) {
            let mut drift = found.drift.clone();
            drift.declared =
                edited(&drift.field).map(|edit| edit.drift.applied.clone()).filter(|it| *it != drift.applied);
            match self.acceptance(applied, observed, &drift.field) {
                Some(index) => by_acceptance.entry(index).or_default().push(drift),
                None => changed.push(drift),
            }
        }
        let edits = edits.iter().filter(|edit| {
            !edit.accepted && !outside.iter().any(|it| !it.accepted && it.drift.field == edit.drift.field)
        });
        // A secret is compared with the file alone, and may have been changed outside.
        let is_secret = |edit: &&Found| {
            let is_masked =
                self.was.comparable(applied).get(&edit.drift.field).is_some_and(|it| holds(it, self.input.mask));
            is_masked && self.input.applied.is_some()
        };
        let (secret, pending): (Vec<_>, Vec<_>) = edits.partition(is_secret);
        changed.extend(secret.into_iter().map(|edit| edit.drift.clone()));
        let pending: Vec<_> = pending.into_iter().map(|edit| self.edit(edit, &outside)).collect();
        let is_moved =
            |found: &&Found| found.accepted && seen.is_none_or(|seen| seen.is_moved(&found.drift, &self.lost));
        let governed: Vec<_> = outside.iter().filter(is_moved).map(|found| found.drift.clone()).collect();
        let undeclared =
            seen.map(|seen| self.was.undeclared(applied, observed, seen, &outside, &self.lost)).unwrap_or_default();
        let finding = |class, fields: Vec<FieldDrift>| Finding {
            class,
            severity: severity::of_fields(class, (self.kinds)(&address.kind), &fields),
            address: address.clone(),
            id: Some(observed.id.clone()),
            fields,
            note: None,
            accepted: None,
        };
        let accepted = by_acceptance.into_iter().map(|(index, fields)| Finding {
            accepted: Some(self.input.accepted[index].clone()),
            ..finding(DriftClass::Changed, fields)
        });
        let mut findings: Vec<_> = accepted.collect();
        findings.push(finding(DriftClass::Changed, changed));
        findings.push(Finding { note: self.leaves(address, now), ..finding(DriftClass::Pending, pending) });
        findings.push(finding(DriftClass::Governed, governed));
        findings.push(finding(DriftClass::Undeclared, undeclared));
        findings
    }

    /// An edit of the file, with what was applied in the place of the live value.
    fn edit(&self, edit: &Found, outside: &[Found]) -> FieldDrift {
        let moved = outside.iter().find(|found| found.drift.field == edit.drift.field);
        let applied = moved.map_or_else(|| edit.drift.live.clone(), |moved| moved.drift.applied.clone());
        FieldDrift { applied, declared: Some(edit.drift.applied.clone()), ..edit.drift.clone() }
    }

    /// What the next apply does to a resource whose address is no longer declared.
    fn leaves(&self, address: &Address, now: Option<&Declared>) -> Option<String> {
        match now {
            None => Some("it is no longer declared".to_owned()),
            Some(now) if now.address != *address => Some(format!("it is declared as {} now", now.address)),
            Some(_) => None,
        }
    }

    /// The acceptance that explains a changed field: without the path that it names, the field does not differ.
    fn acceptance(&self, applied: &'a Declared, observed: &Observed<Value>, field: &str) -> Option<usize> {
        let all = self.input.accepted.iter().enumerate().filter(|(_, it)| it.address == applied.address);
        let explains = |accepted: &Acceptance| {
            let mut applied = applied.clone();
            applied.ignore_changes.insert(accepted.field.clone());
            self.was.differs_in(&applied, observed, &self.lost, field).is_none_or(|found| found.accepted)
        };
        all.filter(|(_, accepted)| explains(accepted)).map(|(index, _)| index).next()
    }

    /// Live resources with the stack's tags that are neither declared nor applied.
    fn surplus(&self, known: &BTreeSet<(&str, &str)>) -> Vec<Finding> {
        let live =
            self.input.live_stack.iter().filter(|(kind, observed)| !known.contains(&(*kind, observed.id.as_str())));
        let found = live.filter_map(|(kind, observed)| {
            let address = observed.address(self.input.stack).filter(|address| address.kind == kind)?;
            let twin = self.is.claims.get(&address).or_else(|| self.was.claims.get(&address)).copied();
            if twin.is_some() && self.is.is_deployed(&address) {
                let note = "a revision that was deployed before";
                return Some(self.about(DriftClass::Governed, &address, Some(&observed.id), note));
            }
            let is_copy = self.is.is_copy(&address, observed, twin);
            let is_immutable = (self.kinds)(kind).is_some_and(|kind| kind.info().immutable);
            let (class, note) = match (is_copy, twin) {
                (true, _) if is_immutable => (DriftClass::Governed, "a copy that carries its tags".to_owned()),
                (true, _) => {
                    (DriftClass::Added, "it carries the tags, and nothing says that the stack made it".to_owned())
                }
                (false, Some(twin)) => (DriftClass::Added, format!("a second one, beside {}", twin.id)),
                (false, None) => (DriftClass::Added, "it carries the stack's tags, and is not declared".to_owned()),
            };
            Some(self.about(class, &address, Some(&observed.id), &note))
        });
        found.collect()
    }

    /// Resources of nobody's stack that refer to resources of this one.
    fn attached(&self) -> Vec<Finding> {
        let mut findings = vec![];
        for (kind, observed) in
            self.input.live_stack.attached.iter().flat_map(|(kind, all)| all.iter().map(move |it| (kind, it)))
        {
            let on = used(&observed.spec).into_iter().find_map(|(kind, id)| {
                self.is.addresses.get(kind)?.get(id).map(|address| address.clone().into_owned())
            });
            let Some(on) = on else { continue };
            let note = format!("a resource of the kind {kind} belongs to it, and is not the stack's");
            let severity = severity::of_resource(DriftClass::Added, (self.kinds)(kind));
            findings.push(Finding { severity, ..self.about(DriftClass::Added, &on, Some(&observed.id), &note) });
        }
        findings
    }
}
