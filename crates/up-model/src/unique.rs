//! Unique values: a name, a load balancer's port, an address range of a network.

use ipnet::IpNet;
use serde_json::Value;

use crate::{Change, Cidr, Field, Name, Ref, by_id, placeholder::has_placeholder};

/// A value that only one resource of a kind can have at a time in AWS. See `Kind::unique`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unique {
    /// The field with the value.
    pub field: &'static str,
    /// The parent within which the value is unique, as a reference in JSON. `Null` if it is unique in account and
    /// region.
    pub within: Value,
    /// True if an update can exchange the value with its holder, see [`Unique::exchanged`].
    pub is_exchanged: bool,
    key: Key,
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    Text(String),
    Block(IpNet),
}

impl Unique {
    /// A value that two resources cannot share. `None` if it is not known yet.
    pub fn value(field: &'static str, value: impl ToString) -> Option<Self> {
        let text = value.to_string();
        (!has_placeholder(&text)).then(|| Self::new(field, Value::Null, Key::Text(text)))
    }

    /// Address ranges that must not overlap with those of another resource. `None` if they are not known yet.
    pub fn block(field: &'static str, block: &Cidr) -> Option<Self> {
        Some(Self::new(field, Value::Null, Key::Block(block.net()?)))
    }

    /// The only resource of its kind within `parent`.
    pub fn only<K: Name>(field: &'static str, parent: &Ref<K>) -> Self {
        Self::only_in(field, reference(parent))
    }

    /// The only resource of its kind within the parent that a reference in JSON leads to.
    fn only_in(field: &'static str, parent: Value) -> Self {
        Self::new(field, parent, Key::Text(String::new()))
    }

    /// The same value, unique only within `parent`.
    #[must_use]
    pub fn within<K: Name>(self, parent: &Ref<K>) -> Self {
        Self { within: reference(parent), ..self }
    }

    /// The same value, which the kind's update can exchange with its holder.
    #[must_use]
    pub fn exchanged(self) -> Self {
        Self { is_exchanged: true, ..self }
    }

    /// True if two resources cannot have this value and `other` at the same time. The parents are compared as they are
    /// written.
    pub fn clashes(&self, other: &Self) -> bool {
        let overlap = match (&self.key, &other.key) {
            (Key::Text(one), Key::Text(other)) => one == other,
            (Key::Block(one), Key::Block(other)) => one.contains(other) || other.contains(one),
            _ => false,
        };
        overlap && self.field == other.field && self.within == other.within
    }

    fn new(field: &'static str, within: Value, key: Key) -> Self {
        Self { field, within, is_exchanged: false, key }
    }
}

/// The unique values in the fields marked `name`: a text, or a reference to a resource that can be used once.
pub fn unique_names(fields: &'static [Field], spec: &Value) -> impl Iterator<Item = Unique> {
    let named = fields.iter().filter(|field| field.change == Change::Name);
    named.filter_map(|field| match &spec[field.name] {
        Value::String(text) => Unique::value(field.name, text),
        value if by_id(value).is_some() || value.get("$ref").is_some() => {
            Some(Unique::only_in(field.name, value.clone()))
        }
        _ => None,
    })
}

fn reference<K: Name>(parent: &Ref<K>) -> Value {
    serde_json::to_value(parent).expect("a reference is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;

    #[test]
    fn blocks_clash_where_they_overlap_inside_one_parent() {
        let vpc = |id: &str| Ref::<names::Vpc>::id(id);
        let block = |text: &str, id: &str| Unique::block("cidr_block", &Cidr::observed(text)).unwrap().within(&vpc(id));
        assert!(block("10.0.0.0/24", "a").clashes(&block("10.0.0.0/16", "a")));
        assert!(block("10.0.0.0/16", "a").clashes(&block("10.0.0.0/24", "a")));
        assert!(!block("10.0.0.0/24", "a").clashes(&block("10.0.0.0/24", "b")));
        assert!(!block("10.0.0.0/24", "a").clashes(&block("10.0.1.0/24", "a")));
        assert!(Unique::value("port", 80).unwrap().clashes(&Unique::value("port", 80).unwrap()));
        assert!(!Unique::value("port", 80).unwrap().clashes(&Unique::value("priority", 80).unwrap()));
    }
}
