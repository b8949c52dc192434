//! Compares a declaration with its live resource, field by field.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;
use up_model::{
    Address, Change, Declared, Observed, diff, name_references, placeholder::holds_placeholder, same, with_ignored,
};

use super::{BaselineSpec, FieldDrift, lost::Lost};
use crate::decide::{Matcher, ignored};

/// A field in which a live resource differs from a declaration.
pub(super) struct Difference {
    pub(super) drift: FieldDrift,
    /// True if the kind or `ignore_changes` allows it.
    pub(super) accepted: bool,
}

impl<'a> Matcher<'a, '_> {
    /// The fields and tags in which the live resource differs from the declaration, in the order of the kind.
    ///
    /// Values that depend on a resource that is gone or was not read are left out: that one is the finding.
    pub(super) fn differences(&self, declared: &Declared, observed: &Observed<Value>, lost: &Lost) -> Vec<Difference> {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return vec![] };
        let observed = &*self.with_written(kind, declared, observed);
        let answer = |quote: &_| self.answer(quote, &BTreeSet::new());
        let address_of = |kind: &str, id: &str| self.address_of(lost, kind, id);
        let mut desired = kind.comparable(self.filled(kind, declared, &answer).into_owned());
        lost.stand_in(&mut desired);
        let raw = diff(kind.fields(), &observed.spec, &desired, &address_of);
        let mut found = vec![];
        if !raw.is_empty() {
            let mut live = observed.clone();
            name_references(&mut live.spec, &address_of);
            let ignored = ignored(self.live_stack, self.stack, declared, observed);
            let accepted = kind.accept(&live, with_ignored(&desired, &live.spec, ignored).into_owned());
            let left = diff(kind.fields(), &observed.spec, &accepted, &address_of);
            let is_write_only =
                |name: &str| kind.fields().iter().any(|field| field.name == name && field.is_write_only);
            let is_known = |field: &str| {
                is_write_only(field) || !holds_placeholder(&desired[field]) || declared.spec[field].is_null()
            };
            found.extend(raw.into_iter().filter(|change| is_known(&change.field)).map(|change| Difference {
                accepted: !left.iter().any(|left| left.field == change.field),
                drift: FieldDrift {
                    field: change.field,
                    applied: change.desired,
                    live: change.observed,
                    declared: None,
                },
            }));
        }
        found.extend(self.tag_differences(declared, observed));
        found
    }

    /// The difference in one field.
    pub(super) fn differs_in(
        &self,
        declared: &Declared,
        observed: &Observed<Value>,
        lost: &Lost,
        field: &str,
    ) -> Option<Difference> {
        self.differences(declared, observed, lost).into_iter().find(|found| found.drift.field == field)
    }

    fn tag_differences(&self, declared: &Declared, observed: &Observed<Value>) -> Vec<Difference> {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return vec![] };
        let change = self.tags.change(kind, declared, observed);
        let live = |key: &str| observed.tags.get(key).map_or(Value::Null, |value| value.as_str().into());
        let set = change.set.iter().map(|(key, value)| (key, Value::from(value.as_str())));
        let all = set.chain(change.remove.iter().map(|key| (key, Value::Null)));
        let own = all.filter(|(key, _)| !key.starts_with("bullstra:"));
        let found = own.map(|(key, applied)| Difference {
            drift: FieldDrift { field: format!("tags.{key}"), applied, live: live(key), declared: None },
            accepted: false,
        });
        found.collect()
    }

    fn address_of(&self, lost: &Lost, kind: &str, id: &str) -> Option<Address> {
        let known = self.addresses.get(kind).and_then(|known| known.get(id));
        known.map(|address| address.clone().into_owned()).or_else(|| lost.address_of(kind, id))
    }

    /// Fields that the declaration leaves out, in whole or in part, and that have changed since the resource was last
    /// seen after an apply.
    pub(super) fn undeclared(
        &self,
        applied: &Declared,
        observed: &Observed<Value>,
        seen: &BaselineSpec,
        known: &[Difference],
        lost: &Lost,
    ) -> Vec<FieldDrift> {
        let Some(kind) = (self.kinds)(&applied.address.kind).filter(|_| seen.source.is_read()) else { return vec![] };
        let address_of = |kind: &str, id: &str| self.address_of(lost, kind, id);
        let (mut live, mut desired) = (observed.spec.clone(), self.comparable(applied));
        name_references(&mut live, &address_of);
        lost.stand_in(&mut desired);
        let fields = kind.fields().iter().filter(|field| field.change != Change::Initial && !field.is_write_only);
        let found = fields.filter_map(|field| {
            if known.iter().any(|known| known.drift.field == field.name) || holds_placeholder(&desired[field.name]) {
                return None;
            }
            let before = seen.field(field.name, lost).unwrap_or_else(|| desired[field.name].clone());
            let is_same = same(&before, &live[field.name]);
            (!is_same).then(|| FieldDrift {
                field: field.name.to_owned(),
                applied: before,
                live: live[field.name].clone(),
                declared: None,
            })
        });
        found.collect()
    }

    /// A live spec with addresses in the place of ids.
    pub(super) fn named(&self, observed: &Observed<Value>) -> Value {
        let mut live = observed.spec.clone();
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        name_references(&mut live, &address_of);
        live
    }

    /// A declared spec in the form of an observed one.
    pub(super) fn comparable(&self, declared: &Declared) -> Value {
        let Some(kind) = (self.kinds)(&declared.address.kind) else { return Value::Null };
        let filled: Cow<'_, Value> = self.filled(kind, declared, &|quote| self.answer(quote, &BTreeSet::new()));
        kind.comparable(filled.into_owned())
    }
}
