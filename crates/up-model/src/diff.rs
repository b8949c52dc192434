//! Compares two values of a spec by its field table, without knowing the kind.

use std::{borrow::Borrow, collections::BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, map::Iter};

use crate::{
    Address, Change, Field, by_id,
    placeholder::{self, Placeholder, filled, has_placeholder},
};

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// What changing it costs.
    pub change: Change,
    /// The live value.
    pub observed: Value,
    /// The declared value.
    pub desired: Value,
}

/// Returns the differences. References are compared by address: `address_of` turns a kind and a live id (or ARN) into
/// the address of the stack's resource that has it; ids of other resources stay ids.
///
/// A field that is absent in `desired` means "AWS chooses" and is not compared; the same holds inside tables. Inside a
/// list everything is compared, because there an absent part tells two items apart.
pub fn diff<A: Borrow<Address>>(
    fields: &[Field],
    observed: &Value,
    desired: &Value,
    address_of: &impl Fn(&str, &str) -> Option<A>,
) -> Vec<FieldChange> {
    let comparison = Comparison { address_of, answer: &|_| None };
    let changed = comparison.disagreeing(fields, observed, desired).map(|(field, observed, desired)| {
        let mut observed = observed.clone();
        name_references(&mut observed, address_of);
        FieldChange { field: field.name.into(), change: field.change, observed, desired: desired.clone() }
    });
    changed.collect()
}

/// True if there are no differences, see [`diff`]. Placeholders ([`crate::placeholder`]) are compared by their values
/// from `answer`, and nothing is copied.
pub fn agrees<A: Borrow<Address>>(
    fields: &[Field],
    observed: &Value,
    desired: &Value,
    address_of: &impl Fn(&str, &str) -> Option<A>,
    answer: &dyn Fn(&Placeholder) -> Option<String>,
) -> bool {
    Comparison { address_of, answer }.disagreeing(fields, observed, desired).next().is_none()
}

/// True if the two are equal. An absent field equals `null`, and sets with references may be in any order.
pub fn same(one: &Value, other: &Value) -> bool {
    Comparison { address_of: &|_: &str, _: &str| None::<Address>, answer: &|_| None }.same(one, other)
}

/// The addresses that `value` refers to.
pub fn references(value: &Value) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    visit(value, &mut |leaf| match leaf {
        Leaf::Reference(address) => found.extend(address.parse::<Address>()),
        Leaf::Text(_) => {}
    });
    found
}

/// Calls `with` for each address in a reference or a placeholder of `value`; an address may come several times.
pub fn visit_named<'v>(value: &'v Value, with: &mut impl FnMut(&'v str)) {
    visit(value, &mut |leaf| match leaf {
        Leaf::Reference(address) => with(address),
        Leaf::Text(text) if has_placeholder(text) => placeholder::addresses(text).for_each(&mut *with),
        Leaf::Text(_) => {}
    });
}

enum Leaf<'v> {
    /// The address in a reference by address.
    Reference(&'v str),
    Text(&'v str),
}

fn visit<'v>(value: &'v Value, with: &mut impl FnMut(Leaf<'v>)) {
    match value {
        Value::String(text) => with(Leaf::Text(text)),
        Value::Object(map) => match reference(map) {
            Some(address) => with(Leaf::Reference(address)),
            None => map.values().for_each(|value| visit(value, with)),
        },
        Value::Array(items) => items.iter().for_each(|item| visit(item, with)),
        _ => {}
    }
}

/// Compares observed with desired values; see [`agrees`] for the two functions.
struct Comparison<'a, F> {
    address_of: &'a F,
    answer: &'a dyn Fn(&Placeholder) -> Option<String>,
}

impl<A: Borrow<Address>, F: Fn(&str, &str) -> Option<A>> Comparison<'_, F> {
    /// The fields that differ, with their observed and desired values.
    fn disagreeing<'v>(
        &self,
        fields: &'v [Field],
        observed: &'v Value,
        desired: &'v Value,
    ) -> impl Iterator<Item = (&'v Field, &'v Value, &'v Value)> {
        let mut observed = observed.as_object().map(InOrder::of);
        let desired = desired.as_object().into_iter().flatten().filter(|(_, desired)| !desired.is_null());
        desired.filter_map(move |(name, desired)| {
            let field = fields.iter().find(|field| field.name == name && field.change != Change::Initial)?;
            let observed = observed.as_mut().and_then(|observed| observed.get(name)).unwrap_or(&Value::Null);
            (!self.agrees(observed, desired)).then_some((field, observed, desired))
        })
    }

    fn agrees(&self, observed: &Value, desired: &Value) -> bool {
        if let Some(address) = self.owned(observed) {
            return desired.is_null() || is_written(address.borrow(), desired);
        }
        match (observed, desired) {
            (_, Value::Null) => true,
            (Value::Object(observed), Value::Object(desired)) if !is_reference(desired) => {
                let (mut of_observed, mut of_desired) = (InOrder::of(observed), InOrder::of(desired));
                let extra = observed.iter().any(|(key, value)| of_desired.get(key).is_none() && !value.is_null());
                !extra
                    && desired
                        .iter()
                        .all(|(key, desired)| self.agrees(of_observed.get(key).unwrap_or(&Value::Null), desired))
            }
            (Value::Array(observed), Value::Array(desired)) => self.same_items(observed, desired),
            (observed, desired) => self.same_leaf(observed, desired),
        }
    }

    /// Lists are compared item by item. Sets with references may be in another order here, because a reference sorts
    /// differently as an id than as an address.
    fn same_items(&self, observed: &[Value], desired: &[Value]) -> bool {
        let in_order = || observed.iter().zip(desired).all(|(observed, desired)| self.same(observed, desired));
        let in_any_order = || {
            desired.iter().any(holds_reference)
                && observed.iter().all(|observed| desired.iter().any(|desired| self.same(observed, desired)))
                && desired.iter().all(|desired| observed.iter().any(|observed| self.same(observed, desired)))
        };
        observed.len() == desired.len() && (in_order() || in_any_order())
    }

    /// True if the two are equal, apart from the order of sets.
    fn same(&self, observed: &Value, desired: &Value) -> bool {
        if let Some(address) = self.owned(observed) {
            return is_written(address.borrow(), desired);
        }
        match (observed, desired) {
            (Value::Object(observed), Value::Object(desired)) => {
                let (mut of_observed, mut of_desired) = (InOrder::of(observed), InOrder::of(desired));
                observed.iter().all(|(key, value)| value.is_null() || of_desired.get(key).is_some())
                    && desired
                        .iter()
                        .all(|(key, desired)| self.same(of_observed.get(key).unwrap_or(&Value::Null), desired))
            }
            (Value::Array(observed), Value::Array(desired)) => self.same_items(observed, desired),
            (observed, desired) => self.same_leaf(observed, desired),
        }
    }

    /// True if the two are equal, with values in place of placeholders.
    fn same_leaf(&self, observed: &Value, desired: &Value) -> bool {
        match (observed, desired) {
            (Value::String(observed), Value::String(desired)) if has_placeholder(desired) => {
                *observed == filled(desired, self.answer)
            }
            (observed, desired) => observed == desired,
        }
    }

    /// The address of the stack's resource that `observed` refers to by id.
    fn owned(&self, observed: &Value) -> Option<A> {
        let (kind, id) = by_id(observed)?;
        (self.address_of)(kind, id)
    }
}

/// True if `value` is a reference to `address`.
fn is_written(address: &Address, value: &Value) -> bool {
    value.as_object().and_then(reference).is_some_and(|text| address.is_written(text))
}

/// Looks up keys that mostly come in the map's own order: those that do are found without hashing.
struct InOrder<'v> {
    map: &'v Map<String, Value>,
    rest: Iter<'v>,
}

impl<'v> InOrder<'v> {
    /// The number of entries compared before the key is hashed.
    const NEAR: usize = 8;

    fn of(map: &'v Map<String, Value>) -> Self {
        Self { map, rest: map.iter() }
    }

    fn get(&mut self, key: &str) -> Option<&'v Value> {
        let near = self.rest.clone().take(Self::NEAR).position(|(known, _)| known == key);
        match near {
            Some(ahead) => self.rest.nth(ahead).map(|(_, value)| value),
            None => self.map.get(key),
        }
    }
}

/// The entry of a map that is a reference, or too small to need hashing.
fn entry<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.iter().take(2).find(|(known, _)| *known == key).map(|(_, value)| value)
}

/// The address in a reference by address.
fn reference(map: &Map<String, Value>) -> Option<&str> {
    entry(map, "$ref").filter(|_| map.len() == 1)?.as_str()
}

fn is_reference(map: &Map<String, Value>) -> bool {
    map.len() <= 2 && (entry(map, "$ref").is_some() || entry(map, "$id").is_some())
}

fn holds_reference(value: &Value) -> bool {
    match value {
        Value::Object(map) => is_reference(map) || map.values().any(holds_reference),
        Value::Array(items) => items.iter().any(holds_reference),
        _ => false,
    }
}

/// Replaces live ids in `value` by the addresses of the stack's resources that have them.
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

/// The reference by address, if `value` refers to a resource of the stack by its live id.
fn named<A: Borrow<Address>>(value: &Value, address_of: &impl Fn(&str, &str) -> Option<A>) -> Option<Value> {
    let (kind, id) = by_id(value)?;
    Some(json!({ "$ref": address_of(kind, id)?.borrow() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_with_references_agree_in_any_order() {
        let to = |name: &str, weight: u8| json!({ "target_group": { "$ref": name }, "weight": weight });
        let observed = json!([{ "forward": [to("b", 2), to("a", 1)] }]);
        let outside = Comparison { address_of: &|_: &str, _: &str| None::<Address>, answer: &|_| None };
        assert!(outside.agrees(&observed, &json!([{ "forward": [to("a", 1), to("b", 2)] }])));
        assert!(!outside.agrees(&observed, &json!([{ "forward": [to("a", 2), to("b", 1)] }])));
        assert!(!outside.agrees(&json!(["a", "b"]), &json!(["b", "a"])));
    }

    #[test]
    fn an_absent_field_equals_null() {
        let outside = Comparison { address_of: &|_: &str, _: &str| None::<Address>, answer: &|_| None };
        let (with, without) = (json!([{ "a": 1, "b": null }]), json!([{ "a": 1 }]));
        assert!(outside.agrees(&with, &without) && outside.agrees(&without, &with));
        assert!(!outside.agrees(&json!([{ "a": 1, "b": 2 }]), &without), "in a list everything counts");
        assert!(!outside.agrees(&without, &json!([{ "a": 1, "b": 2 }])));
        assert!(outside.agrees(&json!({ "a": 1, "b": 2 }), &json!({ "a": 1, "b": null })), "AWS chooses");
    }

    #[test]
    fn entries_are_found_in_any_order() {
        let outside = Comparison { address_of: &|_: &str, _: &str| None::<Address>, answer: &|_| None };
        let map = |keys: &[usize]| Value::Object(keys.iter().map(|key| (format!("k{key}"), json!(key))).collect());
        let (up, down): (Vec<_>, Vec<_>) = ((0..30).collect(), (0..30).rev().collect());
        assert!(outside.agrees(&map(&up), &map(&down)) && outside.same(&map(&down), &map(&up)));
        assert!(!outside.agrees(&map(&up), &map(&up[1..])) && !outside.agrees(&map(&up[1..]), &map(&up)));
    }

    #[test]
    fn placeholders_are_compared_by_their_values() {
        let arn = Placeholder { address: "ecs.cluster.main".into(), attribute: "arn".into() };
        let fields = [Field::new("text", Change::Update)];
        let (observed, desired) = (json!({ "text": "a ARN" }), json!({ "text": format!("a {}", arn.mark()) }));
        let none = |_: &str, _: &str| None::<Address>;
        assert!(agrees(&fields, &observed, &desired, &none, &|quote| (*quote == arn).then(|| "ARN".into())));
        assert!(!agrees(&fields, &observed, &desired, &none, &|_| None));
    }
}
