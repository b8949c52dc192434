//! The tags of a resource, and their differences.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_model::{Address, Declared, Model, NewResource, Observed, TagChange, Tags};

/// All tags of a declared resource: the user's, a `Name` for the console, and the ownership tags.
fn tags<'a>(stack: &'a str, declared: &'a Declared, generation: u32) -> BTreeMap<&'a str, Cow<'a, str>> {
    let address = &declared.address;
    let own = declared.tags.iter().map(|(key, value)| (key.as_str(), Cow::from(value)));
    let mut tags: BTreeMap<_, _> = own.collect();
    // A user's own `name` counts as well: for IAM roles it is the same key.
    if !tags.keys().any(|key| key.eq_ignore_ascii_case("Name")) {
        tags.insert("Name", address.physical(stack, generation, 255).into());
    }
    tags.insert(Address::STACK_TAG, stack.into());
    tags.insert(Address::ADDRESS_TAG, address.text().into());
    if generation > 0 {
        tags.insert(Address::GENERATION_TAG, generation.to_string().into());
    }
    tags
}

/// The tags and the name that a declared resource is created with.
pub(crate) fn new(stack: &str, declared: &Declared, generation: u32) -> NewResource {
    let tags = tags(stack, declared, generation).into_iter();
    let tags = tags.map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
    NewResource { stack: stack.into(), address: declared.address.clone(), generation, tags }
}

/// The differences in tags. For kinds that have no tags in AWS, only the ownership tags are compared.
pub(crate) fn tag_change(
    stack: &str,
    kind: &dyn Model,
    declared: &Declared,
    observed: &Observed<Value>,
    tagged: &BTreeMap<Address, BTreeSet<String>>,
) -> TagChange {
    let mut desired = tags(stack, declared, observed.generation());
    desired.retain(|key, _| !declared.ignores_tag(key));
    if kind.info().actions.tag.is_empty() {
        desired.retain(|key, _| key.starts_with("bullstra:"));
        let observed = observed.tags.iter().filter(|(key, _)| desired.contains_key(key.as_str()));
        let observed: Tags = observed.map(|(key, value)| (key.clone(), value.clone())).collect();
        return TagChange::between(&observed, &desired, |_| true);
    }
    let before = observed.address(stack).and_then(|address| tagged.get(&address));
    let is_ours = |key: &str| {
        key.starts_with("bullstra:") || before.is_some_and(|before| before.contains(key)) && !declared.ignores_tag(key)
    };
    TagChange::between(&observed.tags, &desired, is_ours)
}
