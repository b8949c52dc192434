//! Live resources.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Tags};

/// Attributes that other resources may refer to besides the id: `arn`, `endpoint`, … A reference that is read back may
/// hold the `arn` instead of the id; `name` is the physical name, if the kind has one.
pub type Attrs = BTreeMap<String, String>;

/// A live resource, as AWS shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed<K> {
    /// Its id in AWS.
    pub id: String,
    /// All its tags, the ownership tags included, AWS's own (`aws:…`) left out; see [`is_foreign_tag`].
    pub tags: Tags,
    /// See [`Attrs`].
    pub attrs: Attrs,
    /// Whether it is ready.
    pub status: Status,
    /// Information for the user that no field holds, such as a parameter that waits for a reboot. Sentences without a
    /// full stop. `plan`, `apply` and `show` print them; they are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Values that the kind's own update and delete need and that others cannot refer to, such as the id of an
    /// association. They are not compared.
    #[serde(default, skip_serializing_if = "Attrs::is_empty")]
    pub private: Attrs,
    /// When it was created, if AWS says so. It is neither compared nor kept.
    #[serde(skip)]
    pub created: Option<Timestamp>,
    /// The spec that a user would write for it.
    pub spec: K,
}

/// The state of a live resource. Waiting means observing again until it is `Ready`: kinds have no wait loops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It exists and can be used.
    Ready,
    /// AWS is working on it; the text is AWS's name of the state.
    Pending(String),
    /// AWS is deleting it. A deleted resource is not observed at all.
    Deleting(String),
    /// It exists, but AWS reports a problem with it. It may be updated, repaired, or explained; it is never deleted
    /// because of that.
    Impaired(Impairment),
    /// It never became ready, and can only be replaced; the text says why.
    Failed(String),
}

/// A problem of a resource that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impairment {
    /// AWS's name of the problem, with AWS's reason if there is one: `storage-full`.
    pub why: String,
    /// The remedy, as advice to the user: `raise \`allocated_storage\``.
    pub remedy: String,
    /// True if `Kind::update` repairs it although no field differs: it repeats the operation that AWS failed
    /// to do.
    pub repair: bool,
}

impl Impairment {
    /// A problem that only the user, or AWS, can solve.
    pub fn explained(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: false })
    }

    /// The problem and its remedy, as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!("AWS says: {}; {}", self.why, self.remedy)
    }

    /// A problem that an update repairs, see [`Impairment::repair`].
    pub fn repairable(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: true })
    }
}

impl<K> Observed<K> {
    /// A resource that is ready, without attributes and notes.
    pub fn new(id: impl Into<String>, tags: Tags, spec: K) -> Self {
        let (attrs, private) = (Attrs::new(), Attrs::new());
        Self { id: id.into(), tags, attrs, status: Status::Ready, notes: vec![], private, created: None, spec }
    }

    /// The same resource with one more attribute, if AWS sent a value.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<Option<String>>) -> Self {
        self.attrs.extend(value.into().map(|value| (name.to_owned(), value)));
        self
    }

    /// The same resource with another spec.
    pub fn with_spec<T>(self, spec: T) -> Observed<T> {
        let Self { id, tags, attrs, status, notes, private, created, .. } = self;
        Observed { id, tags, attrs, status, notes, private, created, spec }
    }

    /// The address in its tags, if it belongs to `stack`.
    pub fn address(&self, stack: &str) -> Option<Address> {
        let ours = self.tags.get(Address::STACK_TAG).is_some_and(|owner| owner == stack);
        ours.then(|| self.tags.get(Address::ADDRESS_TAG)?.parse().ok()).flatten()
    }

    /// How many replacements came before it.
    pub fn generation(&self) -> u32 {
        self.tags.get(Address::GENERATION_TAG).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}
