//! Resources that take no tags: whose they are, by their parents and their natural keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, AnyKind, Context, Declared, Observed, by_id};
use up_plan::Kinds;

/// The children that a stack declares, and those that it has applied before, by kind.
#[derive(Debug, Default)]
pub struct Children(BTreeMap<String, Vec<Child>>);

#[derive(Debug)]
struct Child {
    address: Address,
    /// The reference to its parent, as the stack writes it.
    parent: Value,
    key: String,
}

impl Children {
    /// Those among `declared`, and among `applied` where the stack declares none with the same parent and key.
    pub fn new<'a>(
        declared: impl IntoIterator<Item = &'a Declared>,
        applied: impl IntoIterator<Item = &'a Declared>,
        kinds: Kinds<'_>,
    ) -> Self {
        let mut children: BTreeMap<String, Vec<Child>> = BTreeMap::new();
        for Declared { address, spec, .. } in declared.into_iter().chain(applied) {
            let Some(kind) = kinds(&address.kind) else { continue };
            let Some((parent, key)) = kind.info().parent.zip(kind.natural_key(spec)) else { continue };
            let child = Child { address: address.clone(), parent: spec[parent].clone(), key };
            children.entry(address.kind.clone()).or_default().push(child);
        }
        Self(children)
    }

    /// True for the parent of one of them.
    pub(crate) fn has_parent(&self, address: &Address) -> bool {
        self.0.values().flatten().any(|child| child.parent_address().as_ref() == Some(address))
    }

    /// The natural keys of a kind's children, by the ids of their parents, as far as these are known.
    pub(crate) fn parents(&self, kind: &str, cx: &Context) -> BTreeMap<String, BTreeSet<String>> {
        let mut parents: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for child in self.0.get(kind).into_iter().flatten() {
            if let Some(parent) = child.parent_id(cx) {
                parents.entry(parent).or_default().insert(child.key.clone());
            }
        }
        parents
    }

    /// Gives what is known as the stack's the tags that would say so.
    pub(crate) fn identify(&self, kind: &dyn AnyKind, cx: &Context, stack: &str, observed: &mut [Observed<Value>]) {
        let Some(field) = kind.info().parent else { return };
        for observed in observed {
            let (Some((_, parent)), Some(key)) = (by_id(&observed.spec[field]), kind.natural_key(&observed.spec))
            else {
                continue;
            };
            let all = self.0.get(kind.name()).into_iter().flatten();
            let mut same = all.filter(|child| child.key == key && child.parent_id(cx).as_deref() == Some(parent));
            if let Some(child) = same.next() {
                observed.tags.insert(Address::STACK_TAG.into(), stack.to_owned());
                observed.tags.insert(Address::ADDRESS_TAG.into(), child.address.to_string());
            }
        }
    }
}

impl Child {
    fn parent_id(&self, cx: &Context) -> Option<String> {
        match by_id(&self.parent) {
            Some((_, id)) => Some(id.to_owned()),
            None => cx.known(&self.parent_address()?).map(|known| known.id),
        }
    }

    fn parent_address(&self) -> Option<Address> {
        self.parent.get("$ref")?.as_str()?.parse().ok()
    }
}
