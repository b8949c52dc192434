//! Compares a declaration with the observed resource.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;
use up_model::{
    Address, Change, Declared, FieldChange, Model, Observed, Status, agrees, diff, name_references,
    placeholder::{self, Placeholder},
    references, with_ignored, without_ignored,
};

use super::{Matcher, names, used};
use crate::{LiveStack, replace::confine};

impl<'a> Matcher<'a, '_> {
    /// The differences, with placeholders filled in and ids turned into addresses. A reference to a resource in
    /// `replaced` always counts as a difference.
    pub(super) fn compare(
        &self,
        kind: &dyn Model,
        declared: &Declared,
        observed: &Observed<Value>,
        replaced: &BTreeSet<&Address>,
    ) -> Vec<FieldChange> {
        let observed = &*self.with_written(kind, declared, observed);
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        let answer = |quote: &Placeholder| self.answer(quote, replaced);
        // Most resources have no differences; this check allocates nothing.
        if replaced.is_empty() && agrees(kind.fields(), &observed.spec, &declared.spec, &address_of, &answer) {
            return vec![];
        }
        let desired = self.filled(kind, declared, &answer);
        let mut desired = Cow::Owned(kind.comparable(desired.into_owned()));
        let ignored = ignored(self.live_stack, self.stack, declared, observed);
        let said = without_ignored(&desired, ignored).into_owned();
        let mut changes = diff(kind.fields(), &observed.spec, &desired, &address_of);
        if !changes.is_empty() {
            desired = Cow::Owned(self.acceptable(kind, observed, &desired, ignored));
            changes = diff(kind.fields(), &observed.spec, &desired, &address_of);
        }
        changes.retain(|change| !self.is_unreadable(&change.desired, replaced));
        if !replaced.is_empty() {
            let known: BTreeSet<_> = changes.iter().map(|change| change.field.clone()).collect();
            let moved =
                kind.fields().iter().filter(|field| field.change != Change::Initial && !known.contains(field.name));
            let moved = moved.filter(|field| references(&said[field.name]).iter().any(|to| replaced.contains(to)));
            changes.extend(moved.map(|field| FieldChange {
                field: field.name.into(),
                change: field.change,
                observed: desired[field.name].clone(),
                desired: desired[field.name].clone(),
            }));
        }
        confine(kind, &mut changes, &|field| self.is_moved(&observed.spec[field], &desired[field], replaced));
        changes
    }

    /// True for a value with an attribute that AWS does not show because its resource is impaired: nothing is changed until it
    /// does.
    fn is_unreadable(&self, desired: &Value, replaced: &BTreeSet<&Address>) -> bool {
        let is_impaired = |quote: &Placeholder| {
            let address = quote.address.parse::<Address>().ok().filter(|address| !replaced.contains(address));
            let live = address.and_then(|address| self.claims.get(&address));
            live.is_some_and(|observed| matches!(observed.status, Status::Impaired(_)))
        };
        let quotes = placeholder::placeholders(desired);
        quotes.iter().any(|quote| is_impaired(quote) && self.answer(quote, replaced).is_none())
    }

    /// The live resource with the fingerprints of the write-only values that were sent last. Values without a known
    /// fingerprint count as unchanged.
    pub(crate) fn with_written<'o>(
        &self,
        kind: &dyn Model,
        declared: &Declared,
        observed: &'o Observed<Value>,
    ) -> Cow<'o, Observed<Value>> {
        let mut observed = Cow::Borrowed(observed);
        for field in kind.fields().iter().filter(|field| field.is_write_only) {
            let address = observed.address(self.stack).unwrap_or_else(|| declared.address.clone());
            let is_sent_again = self.live_stack.rewrite.contains(&(declared.address.clone(), field.name.to_owned()));
            let written =
                self.live_stack.written.get(&address).map(|spec| &spec[field.name]).filter(|it| !it.is_null());
            let value = if is_sent_again { &Value::Null } else { written.unwrap_or(&declared.spec[field.name]) };
            observed.to_mut().spec[field.name] = value.clone();
        }
        observed
    }

    /// True if the observed and the desired targets are inside different parents, such as subnets in different VPCs.
    pub(super) fn is_moved(&self, observed: &Value, desired: &Value, replaced: &BTreeSet<&Address>) -> bool {
        let live = |kind: &str, id: &str| {
            let all = self.live_stack.observed.get(kind).into_iter().flatten();
            all.clone().find(|observed| names(observed).any(|name| name == id))
        };
        let parents = |kind: &str, spec: &Value| {
            let fields = (self.kinds)(kind).map_or(&[][..], |kind| kind.fields()).iter();
            let fields = fields.filter(|field| field.change == Change::Replace).map(|field| spec[field.name].clone());
            fields.collect::<Value>()
        };
        let (mut was, mut will_be) = (BTreeSet::new(), BTreeSet::new());
        for (kind, id) in used(observed) {
            let parents = live(kind, id).map(|observed| parents(kind, &observed.spec)).unwrap_or_default();
            was.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
        }
        for (kind, id) in used(desired) {
            let parents = live(kind, id).map(|observed| parents(kind, &observed.spec)).unwrap_or_default();
            will_be.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
        }
        for target in references(desired) {
            let Some(declared) = self.declared.get(&target) else { continue };
            let parents = parents(&target.kind, &declared.spec);
            will_be.extend(used(&parents).into_iter().map(|(_, id)| id.to_owned()));
            will_be.extend(references(&parents).into_iter().map(|parent| {
                let stays = self.claims.get(&parent).filter(|_| !replaced.contains(&parent));
                stays.map_or_else(|| parent.to_string(), |observed| observed.id.clone())
            }));
        }
        !was.is_empty() && !will_be.is_empty() && was.is_disjoint(&will_be)
    }

    /// The declared spec with all known placeholders filled in.
    pub(crate) fn filled<'d>(
        &self,
        kind: &dyn Model,
        declared: &'d Declared,
        answer: &dyn Fn(&Placeholder) -> Option<String>,
    ) -> Cow<'d, Value> {
        let mut desired = Cow::Borrowed(&*declared.spec);
        if placeholder::holds_placeholder(&desired) {
            placeholder::fill(desired.to_mut(), answer);
            // Filled-in values may change the order of a set. A spec that only now turns out to be wrong is left for
            // AWS to refuse.
            desired = kind.complete((*desired).clone()).map_or(desired, Cow::Owned);
        }
        desired
    }

    /// The desired spec, with live values for ignored fields and for differences that the kind accepts.
    pub(super) fn acceptable(
        &self,
        kind: &dyn Model,
        observed: &Observed<Value>,
        desired: &Value,
        ignored: &BTreeSet<String>,
    ) -> Value {
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        let mut live = observed.clone();
        name_references(&mut live.spec, &address_of);
        kind.accept(&live, with_ignored(desired, &live.spec, ignored).into_owned())
    }

    pub(crate) fn answer(&self, quote: &Placeholder, replaced: &BTreeSet<&Address>) -> Option<String> {
        if quote.address == "stack" {
            return match quote.attribute.as_str() {
                "account" => Some(self.live_stack.account.clone()),
                "region" => Some(self.live_stack.region.clone()),
                _ => None,
            };
        }
        let address: Address = quote.address.parse().ok()?;
        let observed = self.claims.get(&address).filter(|_| !replaced.contains(&address))?;
        if quote.attribute == "id" { Some(observed.id.clone()) } else { observed.attrs.get(&quote.attribute).cloned() }
    }
}

/// The empty set.
pub(super) static NONE: BTreeSet<String> = BTreeSet::new();

/// The ignored fields of a live resource: none before its create was finished.
pub(crate) fn ignored<'a>(
    live_stack: &LiveStack,
    stack: &str,
    declared: &'a Declared,
    observed: &Observed<Value>,
) -> &'a BTreeSet<String> {
    let is_unfinished = || observed.address(stack).is_some_and(|address| live_stack.unfinished.contains(&address));
    if live_stack.unfinished.is_empty() || !is_unfinished() { &declared.ignore_changes } else { &NONE }
}
