//! A live resource.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Address, Tags};

/// What other resources may quote besides the id: `arn`, `endpoint`, … The key `arn` is also what a reference to the
/// resource may hold when it is read back, and `name` is the physical name, where the kind has one.
pub type Attrs = BTreeMap<String, String>;

/// A live resource, as AWS shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed<K> {
    /// What AWS calls it.
    pub id: String,
    /// All its tags, the ownership tags included, AWS's own (`aws:…`) left out; see [`is_foreign_tag`].
    pub tags: Tags,
    /// See [`Attrs`].
    pub attrs: Attrs,
    /// Whether it is there yet.
    pub status: Status,
    /// What a user should know and no field says: a parameter that waits for a reboot. Sentences without a full stop. They
    /// are shown by `plan`, `apply` and `show`, and make no difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the kind's own update and delete need and no user may quote: the id of an association. It makes no difference.
    #[serde(default, skip_serializing_if = "Attrs::is_empty")]
    pub private: Attrs,
    /// What a user would have written to get it.
    pub spec: K,
}

/// Waiting is observing again until this says `Ready`: no kind writes a wait loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stands and may be used.
    Ready,
    /// AWS is at work on it; the text is AWS's word for the state.
    Pending(String),
    /// AWS is deleting it. A deleted resource is not observed at all.
    Deleting(String),
    /// It exists, and AWS says that something is wrong with it. It may be updated, repaired, or explained; it is never
    /// deleted for that.
    Impaired(Impairment),
    /// It never came up, and only a new one helps; the text says why.
    Failed(String),
}

/// What is wrong with a resource that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impairment {
    /// AWS's word for it, with its reason where AWS gives one: `storage-full`.
    pub why: String,
    /// What mends it, as advice to the user: `raise \`allocated_storage\``.
    pub remedy: String,
    /// True where [`crate::Kind::update`] mends it though no field differs: it sends again what AWS failed to do.
    pub repair: bool,
}

impl Impairment {
    /// A trouble that only the user, or AWS, can mend.
    pub fn explained(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: false })
    }

    /// What is wrong and what mends it, as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!("AWS says: {}; {}", self.why, self.remedy)
    }

    /// A trouble that an update mends, see [`Impairment::repair`].
    pub fn repairable(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: true })
    }
}

impl<K> Observed<K> {
    /// A resource that is ready, and of which nothing else is said.
    pub fn new(id: impl Into<String>, tags: Tags, spec: K) -> Self {
        let (attrs, private) = (Attrs::new(), Attrs::new());
        Self { id: id.into(), tags, attrs, status: Status::Ready, notes: vec![], private, spec }
    }

    /// The same with one more of [`Attrs`]; without it where AWS sent none.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<Option<String>>) -> Self {
        self.attrs.extend(value.into().map(|value| (name.to_owned(), value)));
        self
    }

    /// The same with another spec.
    pub(crate) fn with_spec<T>(self, spec: T) -> Observed<T> {
        let Self { id, tags, attrs, status, notes, private, .. } = self;
        Observed { id, tags, attrs, status, notes, private, spec }
    }

    /// The address written on it, if it belongs to `stack`.
    pub fn address(&self, stack: &str) -> Option<Address> {
        let ours = self.tags.get(Address::STACK_TAG).is_some_and(|owner| owner == stack);
        ours.then(|| self.tags.get(Address::ADDRESS_TAG)?.parse().ok()).flatten()
    }

    /// How many times it has been replaced create-first before.
    pub fn generation(&self) -> u32 {
        self.tags.get(Address::GENERATION_TAG).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}
