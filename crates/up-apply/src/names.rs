//! The current ids of resources, and their addresses.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use serde_json::Value;
use up_core::{Address, Observed};

/// The address of each live id and ARN. Resources that are replaced or deleted have none, so that references to them
/// show as differences.
#[derive(Debug, Default)]
pub(crate) struct LiveIds(Mutex<IdMaps>);

#[derive(Debug, Default)]
struct IdMaps {
    addresses: HashMap<(String, String), Address>,
    ids: BTreeMap<Address, Vec<String>>,
}

impl LiveIds {
    pub(crate) fn set(&self, address: &Address, observed: &Observed<Value>) {
        let ids: Vec<_> = [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten().cloned().collect();
        let mut maps = self.0.lock().expect("no panic while held");
        for old in maps.ids.insert(address.clone(), ids.clone()).unwrap_or_default() {
            maps.addresses.remove(&(address.kind.clone(), old));
        }
        for id in ids {
            maps.addresses.insert((address.kind.clone(), id), address.clone());
        }
    }

    /// The address of an id, of whatever kind.
    pub(crate) fn by_id(&self, id: &str) -> Option<Address> {
        let maps = self.0.lock().expect("no panic while held");
        let mut known = maps.ids.iter();
        known.find(|(_, ids)| ids.iter().any(|known| known == id)).map(|(address, _)| address.clone())
    }

    pub(crate) fn address(&self, kind: &str, id: &str) -> Option<Address> {
        let maps = self.0.lock().expect("no panic while held");
        maps.addresses.get(&(kind.to_owned(), id.to_owned())).cloned()
    }
}
