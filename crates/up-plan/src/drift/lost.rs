//! References to resources that are gone, or that could not be read: their users still hold the ids, and have not changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use up_model::Address;

use super::comparison::Comparison;

/// Addresses whose live resources are not known, by kind, with the ids that earlier runs knew and that nobody has now.
///
/// Which id belonged to which address is not known, so that the first address of a kind stands for all of them, on both
/// sides of a comparison.
#[derive(Debug, Default)]
pub(super) struct Lost {
    addresses: BTreeMap<String, BTreeSet<Address>>,
    ids: BTreeMap<String, BTreeSet<String>>,
}

impl Lost {
    pub(super) fn of(comparison: &Comparison<'_, '_>) -> Self {
        let Comparison { was, input, .. } = comparison;
        let mut lost = Self::default();
        for address in was.declared.keys().filter(|address| !was.claims.contains_key(**address)) {
            lost.addresses.entry(address.kind.clone()).or_default().insert((*address).clone());
        }
        for kind in lost.addresses.keys() {
            let live = input.live_stack.observed.get(kind).into_iter().flatten();
            let live: BTreeSet<_> = live.map(|observed| observed.id.as_str()).collect();
            let known = input.live_stack.known.get(kind).into_iter().flat_map(|ids| ids.iter());
            let gone = known.filter(|id| !live.contains(id.as_str())).cloned().collect();
            lost.ids.insert(kind.clone(), gone);
        }
        lost
    }

    /// The address that stands for a resource with this id or ARN.
    pub(super) fn address_of(&self, kind: &str, id: &str) -> Option<Address> {
        let is_named = |known: &String| {
            id == known
                || (id.starts_with("arn:")
                    && id.strip_suffix(known.as_str()).is_some_and(|arn| arn.ends_with([':', '/'])))
        };
        let is_lost = self.ids.get(kind)?.iter().any(is_named);
        self.addresses.get(kind)?.first().filter(|_| is_lost).cloned()
    }

    /// Replaces references to resources of this kind in a declared spec by the one that stands for them.
    pub(super) fn stand_in(&self, spec: &mut Value) {
        if self.addresses.is_empty() {
            return;
        }
        match spec {
            Value::Object(map) => {
                let to = map.get("$ref").and_then(Value::as_str).and_then(|text| text.parse::<Address>().ok());
                let first =
                    to.and_then(|to| self.addresses.get(&to.kind).filter(|lost| lost.contains(&to))?.first().cloned());
                match first {
                    Some(first) => *spec = json!({ "$ref": first }),
                    None => map.values_mut().for_each(|value| self.stand_in(value)),
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.stand_in(item)),
            _ => {}
        }
    }
}
