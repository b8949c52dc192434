//! The tags of a resource, and their differences.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_model::{Address, Declared, Model, NewResource, Observed, Stamps, TagChange, Tags};

use crate::{Disposal, Kinds, LiveStack, Wanted};

/// What the tags of a stack's resources depend on, besides the declarations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StackTags<'a> {
    stack: &'a str,
    /// True if new resources are marked as disposable.
    marks: bool,
    /// True if marks are removed from the live ones.
    unmarks: bool,
    /// See [`LiveStack::tagged`].
    tagged: &'a BTreeMap<Address, BTreeSet<String>>,
}

impl<'a> StackTags<'a> {
    pub(crate) fn of(wanted: &Wanted<'a>, live_stack: &'a LiveStack, kinds: Kinds<'_>) -> Self {
        let Wanted { stack, disposal, .. } = *wanted;
        let marks = disposal == Disposal::Disposable && live_stack.may_be_disposable(kinds);
        Self { stack, marks, unmarks: disposal == Disposal::Permanent, tagged: &live_stack.tagged }
    }

    /// All tags of a declared resource: the user's, a `Name` for the console, and the ownership tags.
    fn all<'t>(&self, declared: &'t Declared, generation: u32) -> BTreeMap<&'t str, Cow<'t, str>>
    where
        'a: 't,
    {
        let address = &declared.address;
        let own = declared.tags.iter().map(|(key, value)| (key.as_str(), Cow::from(value)));
        let mut tags: BTreeMap<_, _> = own.collect();
        // A user's own `name` counts as well: for IAM roles it is the same key.
        if !tags.keys().any(|key| key.eq_ignore_ascii_case("Name")) {
            tags.insert("Name", address.physical(self.stack, generation, 255).into());
        }
        tags.insert(Address::STACK_TAG, self.stack.into());
        tags.insert(Address::ADDRESS_TAG, address.text().into());
        if generation > 0 {
            tags.insert(Address::GENERATION_TAG, generation.to_string().into());
        }
        tags
    }

    /// The tags and the name that a declared resource is created with. The run adds the times of a disposable one.
    pub(crate) fn new_resource(&self, declared: &Declared, generation: u32) -> NewResource {
        let mut tags = self.all(declared, generation);
        if self.marks {
            tags.insert(Stamps::DISPOSABLE_TAG, Stamps::DISPOSABLE.into());
        }
        let tags = tags.into_iter().map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
        NewResource { stack: self.stack.into(), address: declared.address.clone(), generation, tags }
    }

    /// The differences in tags. For kinds that have no tags in AWS, only the ownership tags are compared. Stamps are left as
    /// they are, unless the stack is no longer disposable.
    pub(crate) fn change(&self, kind: &dyn Model, declared: &Declared, observed: &Observed<Value>) -> TagChange {
        let mut desired = self.all(declared, observed.generation());
        desired.retain(|key, _| !declared.ignores_tag(key));
        if kind.info().actions.tag.is_empty() {
            desired.retain(|key, _| key.starts_with("bullstra:"));
            let observed = observed.tags.iter().filter(|(key, _)| desired.contains_key(key.as_str()));
            let observed: Tags = observed.map(|(key, value)| (key.clone(), value.clone())).collect();
            return TagChange::between(&observed, &desired, |_| true);
        }
        let before = observed.address(self.stack).and_then(|address| self.tagged.get(&address));
        let is_ours = |key: &str| match Stamps::TAGS.contains(&key) {
            true => self.unmarks,
            false => {
                key.starts_with("bullstra:")
                    || before.is_some_and(|before| before.contains(key)) && !declared.ignores_tag(key)
            }
        };
        TagChange::between(&observed.tags, &desired, is_ours)
    }
}
