//! Resources that a destroy deletes, and what the user should know before.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::Observed;

/// The resources of a kind that a destroy deletes.
#[derive(Debug)]
pub struct Leaving<'a, K> {
    /// The resources.
    pub resources: &'a [Observed<K>],
    /// The ids and ARNs of all resources, of every kind, that the destroy deletes.
    pub names: &'a BTreeSet<String>,
}

/// What the user should know before a resource is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeleteRemark {
    /// The resource's id.
    pub id: String,
    /// A sentence without a full stop: `its 12 images are deleted with it`.
    pub message: String,
    /// True if AWS refuses the delete until somebody else has removed something.
    pub blocks: bool,
}

impl DeleteRemark {
    /// What somebody else must remove first.
    pub fn blocking(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), message: message.into(), blocks: true }
    }

    /// What happens with the delete.
    pub fn note(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), message: message.into(), blocks: false }
    }
}
