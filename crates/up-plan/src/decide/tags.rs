//! The tags of a resource, and what differs in them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_core::{Address, AnyKind, Birth, Declared, Seen, TagChange, Tags};

/// All tags of a declared resource: the user's, a name for the console, and those that say who owns it.
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

/// What a declared resource is given when it is made.
pub(crate) fn birth(stack: &str, declared: &Declared, generation: u32) -> Birth {
    let tags = tags(stack, declared, generation).into_iter();
    let tags = tags.map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
    Birth { stack: stack.into(), address: declared.address.clone(), generation, tags }
}

/// What differs in tags. Kinds that AWS gives no tags carry only who owns them.
pub(crate) fn tag_change(
    stack: &str,
    kind: &dyn AnyKind,
    declared: &Declared,
    seen: &Seen<Value>,
    tagged: &BTreeMap<Address, BTreeSet<String>>,
) -> TagChange {
    let mut want = tags(stack, declared, seen.generation());
    want.retain(|key, _| !declared.ignores_tag(key));
    if kind.about().actions.tag.is_empty() {
        want.retain(|key, _| key.starts_with("bullstra:"));
        let seen = seen.tags.iter().filter(|(key, _)| want.contains_key(key.as_str()));
        let seen: Tags = seen.map(|(key, value)| (key.clone(), value.clone())).collect();
        return TagChange::between(&seen, &want, |_| true);
    }
    let before = seen.address(stack).and_then(|address| tagged.get(&address));
    let is_ours = |key: &str| {
        key.starts_with("bullstra:") || before.is_some_and(|before| before.contains(key)) && !declared.ignores_tag(key)
    };
    TagChange::between(&seen.tags, &want, is_ours)
}
