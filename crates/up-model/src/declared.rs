//! Declared resources.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Tags, text_at, visit_named};

/// A resource as a stack declares it: expanded, checked, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// The address.
    pub address: Address,
    /// The kind's spec. References are `{"$ref": "<address>"}`, see [`crate::Ref`]; text may hold placeholders, see
    /// [`crate::placeholder`]. The steps of a plan share this value.
    #[serde(with = "shared")]
    pub spec: Arc<Value>,
    /// The user's tags: the stack's, overlaid by the resource's own. Ownership tags are not among them.
    pub tags: Tags,
    /// Resources that it waits for, beside those that its spec refers to.
    pub depends_on: BTreeSet<Address>,
    /// Refuses plans that would delete or replace it.
    pub prevent_destroy: bool,
    /// Fields, and paths into fields, that keep their live values once the resource exists; see [`crate::with_ignored`].
    pub ignore_changes: BTreeSet<String>,
    /// Items whose text is left to deployments once the resource exists, see [`crate::KindInfo::deployed`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deployed: BTreeSet<String>,
    /// Keys of tags that others set: left alone and not compared. A key that ends in `*` matches all keys with that
    /// prefix.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignore_tags: BTreeSet<String>,
    /// Addresses that it may have had before, the most likely first: a live resource with one of them is this one,
    /// whatever else has changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<Address>,
    /// Where it is declared, for messages.
    pub origin: Origin,
}

impl Declared {
    /// A resource with an address and a spec, and nothing else.
    pub fn new(address: Address, spec: Value) -> Self {
        let (tags, depends_on, ignore_changes, deployed, ignore_tags, renamed_from, origin) = Default::default();
        Self {
            address,
            spec: Arc::new(spec),
            tags,
            depends_on,
            prevent_destroy: false,
            ignore_changes,
            deployed,
            ignore_tags,
            renamed_from,
            origin,
        }
    }

    /// True for tag keys that are left alone.
    pub fn ignores_tag(&self, key: &str) -> bool {
        let names = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => pattern == key,
        };
        let is_own = key.starts_with("bullstra:");
        !is_own
            && (self.ignore_tags.iter().any(names)
                || self.ignore_changes.iter().any(|path| path == "tags" || path.strip_prefix("tags.") == Some(key)))
    }

    /// The text of a field, see [`text_at`]; `None` also where the live value of the field stays.
    pub fn text(&self, field: &str) -> Option<String> {
        let is_ignored = self.ignore_changes.iter().any(|path| path.split(['.', '[']).next() == Some(field));
        if is_ignored { None } else { text_at(&self.spec, field) }
    }

    /// All addresses that it refers to: in references, in text, and in `depends_on`.
    pub fn named(&self) -> BTreeSet<Address> {
        let mut named = self.depends_on.clone();
        visit_named(&self.spec, &mut |address| named.extend(address.parse::<Address>()));
        named
    }

    /// The spec, for changes.
    pub fn spec_mut(&mut self) -> &mut Value {
        Arc::make_mut(&mut self.spec)
    }
}

/// A position in a stack's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Path as the user gave it, or relative to the stack's file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// Serializes a shared value as if each owner had its own. (serde's own way is a feature that would require the whole
/// SDK to be built again.)
pub mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the value.
    ///
    /// # Errors
    /// An error of the format.
    pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// An error of the format.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
