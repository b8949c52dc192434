//! Compares two values of one spec, knowing nothing about the kind but its field table.

use std::{
    borrow::{Borrow, Cow},
    collections::BTreeSet,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Address, Change, Field, by_id};

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// What changing it costs.
    pub change: Change,
    /// What AWS shows.
    pub seen: Value,
    /// What the stack declares.
    pub want: Value,
}

/// What differs. References compare by address, so `address_of` turns a kind and a live id (or ARN) into the address
/// of the stack's resource that has it; ids of others stay ids.
///
/// A field that is absent (`null`) in `want` means "AWS chooses" and is not compared; so does one inside a table.
/// Inside a list everything counts, because there an absent part tells two items apart.
pub fn diff<A: Borrow<Address>>(
    fields: &[Field],
    seen: &Value,
    want: &Value,
    address_of: &impl Fn(&str, &str) -> Option<A>,
) -> Vec<FieldChange> {
    let comparison = Comparison { address_of };
    let changed = fields.iter().filter(|field| field.change != Change::Initial).filter_map(|field| {
        let (seen, want) = (&seen[field.name], &want[field.name]);
        let Field { name, change, .. } = *field;
        (!comparison.agrees(seen, want)).then(|| {
            let mut seen = seen.clone();
            name_references(&mut seen, address_of);
            FieldChange { field: name.into(), change, seen, want: want.clone() }
        })
    });
    changed.collect()
}

/// The addresses that `value` refers to.
pub fn references(value: &Value) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<Address>) {
    match value {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str).map(str::parse) {
            Some(Ok(address)) => {
                found.insert(address);
            }
            _ => map.values().for_each(|value| collect(value, found)),
        },
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// What is seen against what is wanted; see [`diff`] for `address_of`.
struct Comparison<'a, F> {
    address_of: &'a F,
}

impl<A: Borrow<Address>, F: Fn(&str, &str) -> Option<A>> Comparison<'_, F> {
    fn agrees(&self, seen: &Value, want: &Value) -> bool {
        match (&*self.named(seen), want) {
            (_, Value::Null) => true,
            (Value::Object(seen), Value::Object(want)) if !is_reference(want) => {
                let null = &Value::Null;
                let extra = seen.iter().any(|(key, value)| !want.contains_key(key) && !value.is_null());
                !extra && want.iter().all(|(key, want)| self.agrees(seen.get(key).unwrap_or(null), want))
            }
            (Value::Array(seen), Value::Array(want)) => self.same_items(seen, want),
            (seen, want) => seen == want,
        }
    }

    /// Lists agree item by item. Those of sets may stand in another order here, because a reference sorts elsewhere as
    /// an id than as an address.
    fn same_items(&self, seen: &[Value], want: &[Value]) -> bool {
        let in_order = || seen.iter().zip(want).all(|(seen, want)| self.same(seen, want));
        let in_any_order = || {
            want.iter().any(holds_reference)
                && seen.iter().all(|seen| want.iter().any(|want| self.same(seen, want)))
                && want.iter().all(|want| seen.iter().any(|seen| self.same(seen, want)))
        };
        seen.len() == want.len() && (in_order() || in_any_order())
    }

    /// Equal, but for the order of sets.
    fn same(&self, seen: &Value, want: &Value) -> bool {
        match (&*self.named(seen), want) {
            (Value::Object(seen), Value::Object(want)) => {
                seen.len() == want.len()
                    && seen.iter().all(|(key, seen)| want.get(key).is_some_and(|want| self.same(seen, want)))
            }
            (Value::Array(seen), Value::Array(want)) => self.same_items(seen, want),
            (seen, want) => seen == want,
        }
    }

    /// The value, or the reference by address that it stands for.
    fn named<'v>(&self, seen: &'v Value) -> Cow<'v, Value> {
        named(seen, self.address_of).map_or(Cow::Borrowed(seen), Cow::Owned)
    }
}

fn is_reference(map: &serde_json::Map<String, Value>) -> bool {
    map.len() <= 2 && (map.contains_key("$ref") || map.contains_key("$id"))
}

fn holds_reference(value: &Value) -> bool {
    match value {
        Value::Object(map) => is_reference(map) || map.values().any(holds_reference),
        Value::Array(items) => items.iter().any(holds_reference),
        _ => false,
    }
}

/// Turns the live ids in `value` into the addresses of the stack's resources that have them.
pub fn name_references<A: Borrow<Address>>(value: &mut Value, address_of: &impl Fn(&str, &str) -> Option<A>) {
    if let Some(reference) = named(value, address_of) {
        *value = reference;
        return;
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| name_references(value, address_of)),
        Value::Array(items) => items.iter_mut().for_each(|item| name_references(item, address_of)),
        _ => {}
    }
}

/// The reference by address, where `value` is one to the live id of one of the stack's resources.
fn named<A: Borrow<Address>>(value: &Value, address_of: &impl Fn(&str, &str) -> Option<A>) -> Option<Value> {
    let (kind, id) = by_id(value)?;
    Some(json!({ "$ref": address_of(kind, id)?.borrow() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_agree_in_any_order_where_references_stand_in_them() {
        let to = |name: &str, weight: u8| json!({ "target_group": { "$ref": name }, "weight": weight });
        let seen = json!([{ "forward": [to("b", 2), to("a", 1)] }]);
        let outside = Comparison { address_of: &|_: &str, _: &str| None::<Address> };
        assert!(outside.agrees(&seen, &json!([{ "forward": [to("a", 1), to("b", 2)] }])));
        assert!(!outside.agrees(&seen, &json!([{ "forward": [to("a", 2), to("b", 1)] }])));
        assert!(!outside.agrees(&json!(["a", "b"]), &json!(["b", "a"])));
    }
}
