//! The live resources of a stack.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use up_model::{Address, Observed, Stamps, Tags};

use crate::Kinds;

/// The live resources of a stack in one account and region, and what earlier runs recorded about them.
#[derive(Debug, Clone, Default)]
pub struct LiveStack {
    /// The account id, 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Live resources that carry the stack's tag, by the name of their kind.
    pub observed: BTreeMap<String, Vec<Observed<Value>>>,
    /// Ids that earlier runs created or saw, by kind: a resource with such an id belongs to the stack, even if its tags
    /// were copied to others.
    pub known: Arc<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Keys of the tags that the last apply set, by the address that the resource carries. Of the keys that are no
    /// longer declared, only these are removed.
    pub tagged: BTreeMap<Address, BTreeSet<String>>,
    /// Addresses whose create an earlier run did not finish: until it is finished, none of their fields is ignored.
    pub unfinished: BTreeSet<Address>,
    /// The addresses that each resource referred to when the stack was last applied. Users are deleted before what they
    /// use, even where AWS does not show the use.
    pub named: BTreeMap<Address, BTreeSet<Address>>,
    /// The specs that were applied last, of kinds with write-only fields, with placeholders for the values.
    pub written: BTreeMap<Address, Arc<Value>>,
    /// Write-only fields to send again.
    pub rewrite: BTreeSet<(Address, String)>,
    /// Ids of resources that earlier runs created, and that exist without the stack's tag, by kind. Looked for only where
    /// a resource of the kind is missing, and only of kinds whose names do not keep AWS from creating a second one.
    pub untagged: BTreeMap<String, BTreeSet<String>>,
    /// Resources that do not belong to the stack, and refer to resources that do, by kind: read only to find drift.
    pub attached: BTreeMap<String, Vec<Observed<Value>>>,
    /// Tags of resources that do not belong to the stack but have a name that the stack gives, by kind and name.
    pub others: BTreeMap<String, BTreeMap<String, Tags>>,
}

/// A hash of each observed resource, by kind and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprints(BTreeMap<String, String>);

impl LiveStack {
    /// All resources with the names of their kinds, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Observed<Value>)> {
        self.observed.iter().flat_map(|(kind, observed)| observed.iter().map(move |observed| (kind.as_str(), observed)))
    }

    /// The stamps of all resources that can have some: those without tags go with their parents.
    pub fn stamps<'a>(&'a self, kinds: Kinds<'_>) -> Vec<(&'a Observed<Value>, Stamps)> {
        let is_tagged = |kind: &str| kinds(kind).is_some_and(|kind| kind.info().parent.is_none());
        let tagged = self.iter().filter(|(kind, _)| is_tagged(kind));
        tagged.map(|(_, observed)| (observed, Stamps::of(&observed.tags))).collect()
    }

    /// False if the stack exists, and none of its resources was created to be destroyed again: then nothing makes it disposable.
    pub fn may_be_disposable(&self, kinds: Kinds<'_>) -> bool {
        let stamps = self.stamps(kinds);
        stamps.is_empty() || stamps.iter().any(|(_, stamps)| stamps.is_disposable)
    }

    /// See [`Fingerprints`].
    pub fn fingerprints(&self) -> Fingerprints {
        let hash = |observed: &Observed<Value>| {
            let Observed { tags, spec, status, .. } = observed;
            let text = serde_json::to_string(&(tags, spec, status)).expect("plain data");
            format!("{:x}", Sha256::digest(text))[..16].to_owned()
        };
        Fingerprints(self.iter().map(|(kind, observed)| (format!("{kind} {}", observed.id), hash(observed))).collect())
    }
}

impl Fingerprints {
    /// The differences to a later look: one line for each resource that was created, deleted or changed.
    pub fn moved(&self, now: &Self) -> Vec<String> {
        let gone = self.0.keys().filter(|key| !now.0.contains_key(*key)).map(|key| format!("{key} is gone"));
        let other = now.0.iter().filter_map(|(key, hash)| match self.0.get(key) {
            None => Some(format!("{key} is new")),
            Some(was) if was != hash => Some(format!("{key} has changed")),
            Some(_) => None,
        });
        gone.chain(other).collect()
    }
}
