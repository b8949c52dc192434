//! What AWS lets one resource of a kind have at a time: a name, a load balancer's port, addresses of a network.

use ipnet::IpNet;
use serde_json::Value;

use crate::{Cidr, Name, Ref, placeholder::has_placeholder};

/// Something that AWS lets one resource of a kind have at a time. See [`crate::Kind::unique`].
#[derive(Debug, Clone, PartialEq)]
pub struct Unique {
    /// The field that says it.
    pub field: &'static str,
    /// The resource inside which it is unique, as a reference in JSON. `Null`: it is unique in account and region.
    pub within: Value,
    /// True where an update exchanges it with the resource that has it, see [`Unique::exchanged`].
    pub is_exchanged: bool,
    key: Key,
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    Text(String),
    Block(IpNet),
}

impl Unique {
    /// A value that two resources cannot share. `None` where it is not known yet.
    pub fn value(field: &'static str, value: impl ToString) -> Option<Self> {
        let text = value.to_string();
        (!has_placeholder(&text)).then(|| Self::new(field, Value::Null, Key::Text(text)))
    }

    /// Addresses that do not overlap those of another resource. `None` where they are not known yet.
    pub fn block(field: &'static str, block: &Cidr) -> Option<Self> {
        Some(Self::new(field, Value::Null, Key::Block(block.net()?)))
    }

    /// The only one of its kind that `parent` has.
    pub fn only<K: Name>(field: &'static str, parent: &Ref<K>) -> Self {
        Self::only_in(field, reference(parent))
    }

    /// The only one of its kind that the resource has which a reference in JSON leads to.
    pub(crate) fn only_in(field: &'static str, parent: Value) -> Self {
        Self::new(field, parent, Key::Text(String::new()))
    }

    /// The same, unique only inside `parent`.
    #[must_use]
    pub fn within<K: Name>(self, parent: &Ref<K>) -> Self {
        Self { within: reference(parent), ..self }
    }

    /// The same, where the kind's update exchanges it with the resource that has it.
    #[must_use]
    pub fn exchanged(self) -> Self {
        Self { is_exchanged: true, ..self }
    }

    /// True where one resource cannot have this while another has `other`. Compares what both are within as it is written.
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
