//! Resources without tags, which are identified by their parents and natural keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, AnyKind, Context, Declared, Observed, by_id, placeholder, visit_named};
use up_plan::Kinds;

/// The children that a stack declares, and those that it applied before, by kind.
#[derive(Debug, Default)]
pub struct Children(BTreeMap<String, Vec<Child>>);

#[derive(Debug)]
struct Child {
    address: Address,
    spec: Value,
}

impl Children {
    /// Takes the children in `declared`, and those in `applied` unless the stack declares one with the same parent and
    /// key.
    pub fn new<'a>(
        declared: impl IntoIterator<Item = &'a Declared>,
        applied: impl IntoIterator<Item = &'a Declared>,
        kinds: Kinds<'_>,
    ) -> Self {
        let mut children: BTreeMap<String, Vec<Child>> = BTreeMap::new();
        for Declared { address, spec, .. } in declared.into_iter().chain(applied) {
            if kinds(&address.kind).is_some_and(|kind| kind.info().parent.is_some()) {
                let child = Child { address: address.clone(), spec: (**spec).clone() };
                children.entry(address.kind.clone()).or_default().push(child);
            }
        }
        Self(children)
    }

    /// True if a child refers to the address: as its parent, or as part of its natural key.
    pub(crate) fn name(&self, address: &Address) -> bool {
        let mut is_named = false;
        for child in self.0.values().flatten() {
            visit_named(&child.spec, &mut |named| is_named = is_named || address.is_written(named));
        }
        is_named
    }

    /// The natural keys of a kind's children by the ids of their parents, where both are known.
    pub(crate) fn parents(&self, kind: &dyn AnyKind, cx: &Context) -> BTreeMap<String, BTreeSet<String>> {
        let mut parents: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (_, parent, key) in self.known(kind, cx) {
            parents.entry(parent).or_default().insert(key);
        }
        parents
    }

    /// Adds the ownership tags to observed resources that are known to be the stack's.
    pub(crate) fn identify(&self, kind: &dyn AnyKind, cx: &Context, stack: &str, observed: &mut [Observed<Value>]) {
        let Some(field) = kind.info().parent else { return };
        let known: Vec<_> = self.known(kind, cx).collect();
        for observed in observed {
            let (Some((_, of)), Some(found)) = (by_id(&observed.spec[field]), kind.natural_key(&observed.spec)) else {
                continue;
            };
            if let Some((child, ..)) = known.iter().find(|(_, parent, key)| parent == of && *key == found) {
                observed.tags.insert(Address::STACK_TAG.into(), stack.to_owned());
                observed.tags.insert(Address::ADDRESS_TAG.into(), child.to_string());
            }
        }
    }

    /// A kind's children whose parents and natural keys are known, with these.
    fn known<'a>(
        &'a self,
        kind: &'a dyn AnyKind,
        cx: &'a Context,
    ) -> impl Iterator<Item = (&'a Address, String, String)> {
        let children = self.0.get(kind.name()).into_iter().flatten();
        children.filter_map(move |child| {
            let parent = parent_id(&child.spec[kind.info().parent?], cx)?;
            let mut spec = child.spec.clone();
            placeholder::fill(&mut spec, &|quote| cx.answer(quote));
            Some((&child.address, parent, kind.natural_key(&spec)?))
        })
    }
}

/// The id of the parent that a reference leads to.
fn parent_id(reference: &Value, cx: &Context) -> Option<String> {
    match by_id(reference) {
        Some((_, id)) => Some(id.to_owned()),
        None => cx.known(&reference.get("$ref")?.as_str()?.parse().ok()?).map(|known| known.id),
    }
}
