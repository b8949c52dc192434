//! What was observed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use up_core::{Address, Observed, Tags};

/// What a stack owns in one account and region, by kind.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The account's 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Live resources that carry the stack's tag, by the name of their kind.
    pub observed: BTreeMap<String, Vec<Observed<Value>>>,
    /// Ids by kind that earlier runs made or saw: what has such an id is the stack's own, whoever copied its tags.
    pub known: Arc<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Keys of tags that the last apply set on each resource, by the address it carries: of the keys that are no longer
    /// declared only these are removed.
    pub tagged: BTreeMap<Address, BTreeSet<String>>,
    /// Addresses of what an earlier run made and did not finish: nothing of it is ignored before that.
    pub unfinished: BTreeSet<Address>,
    /// What each resource named when the stack was last applied: of what is deleted, users go first even where AWS does not
    /// show that they are.
    pub named: BTreeMap<Address, BTreeSet<Address>>,
    /// The sealed specs that were applied last, of kinds with write-only fields.
    pub written: BTreeMap<Address, Arc<Value>>,
    /// Write-only fields that are to be sent again.
    pub rewrite: BTreeSet<(Address, String)>,
    /// The tags of what has a name that the stack gives and is not the stack's, by kind and name.
    pub others: BTreeMap<String, BTreeMap<String, Tags>>,
}

/// A hash of every observed resource, by kind and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprints(BTreeMap<String, String>);

impl World {
    /// All resources with the name of their kind, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Observed<Value>)> {
        self.observed.iter().flat_map(|(kind, observed)| observed.iter().map(move |observed| (kind.as_str(), observed)))
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
    /// What is not as it was: one line for each resource that came, went or changed.
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
