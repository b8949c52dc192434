//! Live ids to addresses, while both change.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use serde_json::Value;
use up_core::{Address, Observed};

/// Which live id (or ARN) belongs to which address now. What is on its way out belongs to none, so that whoever still
/// refers to it is seen to differ.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    addresses: HashMap<(String, String), Address>,
    ids: BTreeMap<Address, Vec<String>>,
}

impl Names {
    pub(crate) fn set(&self, address: &Address, observed: &Observed<Value>) {
        let ids: Vec<_> = [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten().cloned().collect();
        let mut state = self.0.lock().expect("no panic while held");
        for old in state.ids.insert(address.clone(), ids.clone()).unwrap_or_default() {
            state.addresses.remove(&(address.kind.clone(), old));
        }
        for id in ids {
            state.addresses.insert((address.kind.clone(), id), address.clone());
        }
    }

    /// The address of what AWS calls so, of whatever kind.
    pub(crate) fn by_id(&self, id: &str) -> Option<Address> {
        let state = self.0.lock().expect("no panic while held");
        let mut known = state.ids.iter();
        known.find(|(_, ids)| ids.iter().any(|known| known == id)).map(|(address, _)| address.clone())
    }

    pub(crate) fn address(&self, kind: &str, id: &str) -> Option<Address> {
        let state = self.0.lock().expect("no panic while held");
        state.addresses.get(&(kind.to_owned(), id.to_owned())).cloned()
    }
}
