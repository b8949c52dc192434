//! What a create is given, and what it tells.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Address, Observed, Tags};

/// What AWS's answer to a create tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Created<K> {
    /// What AWS calls it. The engine reads the rest.
    Id(String),
    /// All that a read would show now, ready or not. The engine reads it again only where it is not ready, or where a field
    /// still differs.
    Observed(Box<Observed<K>>),
}

impl<K> Created<K> {
    /// What AWS calls it.
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Observed(observed) => &observed.id,
        }
    }
}

impl<K> From<String> for Created<K> {
    fn from(id: String) -> Self {
        Self::Id(id)
    }
}

impl<K> From<Observed<K>> for Created<K> {
    fn from(observed: Observed<K>) -> Self {
        Self::Observed(Box::new(observed))
    }
}

/// A resource to create: what it is given beside its spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewResource {
    /// The stack it belongs to.
    pub stack: String,
    /// Its address.
    pub address: Address,
    /// 0, or one more than what it replaces.
    pub generation: u32,
    /// All tags it carries: the user's, and those that say who owns it. They must be in the create call itself.
    pub tags: Tags,
}

impl NewResource {
    /// The name AWS sees, where AWS wants one and the user gave none; see [`Address::physical`].
    pub fn name(&self, longest: usize) -> String {
        self.address.physical(&self.stack, self.generation, longest)
    }

    /// True for tags that say that this create made the resource: stack, address and generation are its own.
    pub fn gave(&self, tags: &Tags) -> bool {
        let keys = [Address::STACK_TAG, Address::ADDRESS_TAG, Address::GENERATION_TAG];
        keys.iter().all(|key| tags.get(*key) == self.tags.get(*key))
    }

    /// A client token (32 hexadecimal characters): the same for the same new resource with the same `parameters`, so that a
    /// create whose answer was lost can be sent again; another one for every other.
    pub fn token(&self, account: &str, region: &str, parameters: &[&str]) -> String {
        let Self { stack, address, generation, .. } = self;
        let hash = Sha256::digest(format!("{account}/{region}/{stack}/{address}/{generation}/{parameters:?}"));
        format!("{hash:x}")[..32].to_owned()
    }
}
