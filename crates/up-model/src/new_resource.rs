//! The input of a create, and its result.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Address, Observed, Tags};

/// The result of a create.
#[derive(Debug, Clone, PartialEq)]
pub enum Created<K> {
    /// The resource's id. The engine reads the rest.
    Id(String),
    /// Everything that a read would show now. The engine reads it again only if it is not ready, or if a field still
    /// differs.
    Observed(Box<Observed<K>>),
}

impl<K> Created<K> {
    /// The resource's id.
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

/// A resource to create: what the create call needs besides the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewResource {
    /// The stack it belongs to.
    pub stack: String,
    /// Its address.
    pub address: Address,
    /// 0, or one more than that of the resource it replaces.
    pub generation: u32,
    /// All its tags: the user's and the ownership tags. The create call itself must set them.
    pub tags: Tags,
}

impl NewResource {
    /// The derived physical name, for kinds that need one when the user gave none; see [`Address::physical`].
    pub fn name(&self, longest: usize) -> String {
        self.address.physical(&self.stack, self.generation, longest)
    }

    /// True for tags which say that this create made the resource: they have the same stack, address and generation.
    pub fn gave(&self, tags: &Tags) -> bool {
        let keys = [Address::STACK_TAG, Address::ADDRESS_TAG, Address::GENERATION_TAG];
        keys.iter().all(|key| tags.get(*key) == self.tags.get(*key))
    }

    /// A client token of 32 hexadecimal characters. It is the same for the same new resource with the same
    /// `parameters`, so that a create whose answer was lost can be repeated, and different for all others.
    pub fn token(&self, account: &str, region: &str, parameters: &[&str]) -> String {
        let Self { stack, address, generation, .. } = self;
        let hash = Sha256::digest(format!("{account}/{region}/{stack}/{address}/{generation}/{parameters:?}"));
        format!("{hash:x}")[..32].to_owned()
    }
}
