//! A cache of immutable resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::Observed;

/// Observed immutable resources by kind and id, see [`crate::KindInfo::immutable`]. Each is kept as the text of its
/// JSON and parsed on demand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImmutableCache(BTreeMap<String, BTreeMap<String, Box<RawValue>>>);

impl ImmutableCache {
    /// Adds a resource without its tags, which may change.
    pub fn add(&mut self, kind: &str, observed: &Observed<Value>) {
        let observed = Observed { tags: BTreeMap::new(), notes: vec![], ..observed.clone() };
        let text = serde_json::value::to_raw_value(&observed).expect("plain data");
        self.0.entry(kind.to_owned()).or_default().insert(observed.id, text);
    }

    /// All resources of a kind, by its name. Those written in another form by another version are left out.
    pub fn of<K: DeserializeOwned>(&self, kind: &str) -> impl Iterator<Item = Observed<K>> {
        let all = self.0.get(kind).into_iter().flatten();
        all.filter_map(|(_, text)| serde_json::from_str(text.get()).ok())
    }

    /// The kinds and ids.
    pub fn ids(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(kind, all)| all.keys().map(move |id| (kind.as_str(), id.as_str())))
    }

    /// True if the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for ImmutableCache {
    fn eq(&self, other: &Self) -> bool {
        let texts = |Self(kept): &Self| {
            let all = kept.iter().flat_map(|(kind, all)| all.iter().map(move |(id, text)| (kind, id, text)));
            all.map(|(kind, id, text)| (kind.clone(), id.clone(), text.get().to_owned())).collect::<Vec<_>>()
        };
        texts(self) == texts(other)
    }
}
