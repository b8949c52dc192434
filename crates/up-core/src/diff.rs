//! Compares two values of one spec, knowing nothing about the kind but its field table.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Change, Field};

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
pub fn diff(
    fields: &[Field],
    seen: &Value,
    want: &Value,
    address_of: &impl Fn(&str, &str) -> Option<Address>,
) -> Vec<FieldChange> {
    let changed = fields.iter().filter(|field| field.change != Change::Initial).filter_map(|field| {
        let (mut seen, want) = (seen[field.name].clone(), &want[field.name]);
        name_references(&mut seen, address_of);
        let differs = !agrees(&seen, want);
        let Field { name, change, .. } = *field;
        differs.then(|| FieldChange { field: name.into(), change, seen, want: want.clone() })
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

fn agrees(seen: &Value, want: &Value) -> bool {
    match (seen, want) {
        (_, Value::Null) => true,
        (Value::Object(seen), Value::Object(want)) if !is_reference(want) => {
            let null = &Value::Null;
            let extra = seen.iter().any(|(key, value)| !want.contains_key(key) && !value.is_null());
            !extra && want.iter().all(|(key, want)| agrees(seen.get(key).unwrap_or(null), want))
        }
        (Value::Array(seen), Value::Array(want)) => same_items(seen, want),
        _ => seen == want,
    }
}

/// Lists agree item by item. Those of sets may stand in another order here, because a reference sorts elsewhere as an
/// id than as an address.
fn same_items(seen: &[Value], want: &[Value]) -> bool {
    let all_in =
        |these: &[Value], those: &[Value]| these.iter().all(|item| those.iter().any(|other| same(item, other)));
    let in_order = || seen.iter().zip(want).all(|(seen, want)| same(seen, want));
    let in_any_order = || want.iter().any(holds_reference) && all_in(seen, want) && all_in(want, seen);
    seen.len() == want.len() && (in_order() || in_any_order())
}

/// Equal, but for the order of sets.
fn same(seen: &Value, want: &Value) -> bool {
    match (seen, want) {
        (Value::Object(seen), Value::Object(want)) => {
            seen.len() == want.len()
                && seen.iter().all(|(key, seen)| want.get(key).is_some_and(|want| same(seen, want)))
        }
        (Value::Array(seen), Value::Array(want)) => same_items(seen, want),
        _ => seen == want,
    }
}

fn is_reference(map: &serde_json::Map<String, Value>) -> bool {
    map.contains_key("$ref") || map.contains_key("$id")
}

fn holds_reference(value: &Value) -> bool {
    match value {
        Value::Object(map) => is_reference(map) || map.values().any(holds_reference),
        Value::Array(items) => items.iter().any(holds_reference),
        _ => false,
    }
}

/// Turns the live ids in `value` into the addresses of the stack's resources that have them.
pub fn name_references(value: &mut Value, address_of: &impl Fn(&str, &str) -> Option<Address>) {
    match value {
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            match text("$kind").zip(text("$id")).and_then(|(kind, id)| address_of(kind, id)) {
                Some(address) => {
                    map.clear();
                    map.insert("$ref".into(), address.to_string().into());
                }
                None => map.values_mut().for_each(|value| name_references(value, address_of)),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_references(item, address_of)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_agree_in_any_order_where_references_stand_in_them() {
        let to = |name: &str, weight: u8| json!({ "target_group": { "$ref": name }, "weight": weight });
        let seen = json!([{ "forward": [to("b", 2), to("a", 1)] }]);
        assert!(agrees(&seen, &json!([{ "forward": [to("a", 1), to("b", 2)] }])));
        assert!(!agrees(&seen, &json!([{ "forward": [to("a", 2), to("b", 1)] }])));
        assert!(!agrees(&json!(["a", "b"]), &json!(["b", "a"])));
    }
}
