//! What differs between a declaration and what is seen.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;
use up_core::{
    Address, AnyKind, Change, Declared, FieldChange, Seen, agrees, diff, name_references,
    quote::{self, Quote},
    references, with_ignored, without_ignored,
};

use super::{Matcher, names, used};
use crate::{World, replace::confine};

impl<'a> Matcher<'a, '_> {
    /// What differs, with marks filled in and references named. `replaced` counts as different wherever it is named.
    pub(super) fn compare(
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
    pub(super) fn is_moved(&self, seen: &Value, want: &Value, replaced: &BTreeSet<&Address>) -> bool {
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
    pub(super) fn filled(
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
    pub(super) fn acceptable(
        &self,
        kind: &dyn AnyKind,
        seen: &Seen<Value>,
        want: &Value,
        ignored: &BTreeSet<String>,
    ) -> Value {
        let address_of = |kind: &str, id: &str| self.addresses.get(kind)?.get(id).map(|address| &**address);
        let mut live = seen.clone();
        name_references(&mut live.spec, &address_of);
        kind.accept(&live, with_ignored(want, &live.spec, ignored).into_owned())
    }

    pub(super) fn answer(&self, quote: &Quote, replaced: &BTreeSet<&Address>) -> Option<String> {
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
}

/// No fields.
pub(super) static NONE: BTreeSet<String> = BTreeSet::new();

/// The fields of a live resource that are left alone: none before its create was finished.
pub(crate) fn ignored<'a>(
    world: &World,
    stack: &str,
    declared: &'a Declared,
    seen: &Seen<Value>,
) -> &'a BTreeSet<String> {
    let is_unfinished = || seen.address(stack).is_some_and(|address| world.unfinished.contains(&address));
    if world.unfinished.is_empty() || !is_unfinished() { &declared.ignore_changes } else { &NONE }
}
