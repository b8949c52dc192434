//! One resource as a stack declares it.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Tags};

/// One resource as a stack declares it: expanded, checked, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// What the stack calls it.
    pub address: Address,
    /// The kind's spec. References are `{"$ref": "<address>"}`, see [`crate::Ref`]; text may hold marks, see
    /// [`crate::quote`]. The steps of a plan have the same one.
    #[serde(with = "shared")]
    pub spec: Arc<Value>,
    /// The user's tags: the stack's, overlaid by the resource's own. Ownership tags are not among them.
    pub tags: Tags,
    /// Resources it waits for beside those its spec refers to.
    pub depends_on: BTreeSet<Address>,
    /// Refuse a plan that would delete or replace it.
    pub prevent_destroy: bool,
    /// Fields whose differences are left alone once the resource exists.
    pub ignore_changes: BTreeSet<String>,
    /// Where it stands, for messages.
    pub origin: Origin,
}

impl Declared {
    /// A resource of which nothing more is said than what it is.
    pub fn new(address: Address, spec: Value) -> Self {
        let (tags, depends_on, ignore_changes, origin) = Default::default();
        Self { address, spec: Arc::new(spec), tags, depends_on, prevent_destroy: false, ignore_changes, origin }
    }

    /// The spec, to be changed.
    pub fn spec_mut(&mut self) -> &mut Value {
        Arc::make_mut(&mut self.spec)
    }
}

/// A place in a stack's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Path as the user gave it, or relative to the stack's file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// What several have, in JSON as if each had its own. (serde's own way is a feature, for which the whole SDK would have to
/// be built again.)
pub mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the value.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    /// Reads a value of its own.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
