//! Queries: which resources an observation reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
};

use serde_json::Value;

use crate::{Address, ImmutableCache, Index, Kind, Observed, Result, Tags};

/// Which resources of a kind to read. A kind may return more: the engine decides which belong to the stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Select {
    /// The stack's resources, and those that have one of the names in [`Query::names`].
    #[default]
    Owned,
    /// Those whose ids are in [`Query::known`]. No calls should be made for others.
    Ids,
    /// Those of all stacks: whatever carries the stack's tag. What the index does not list is looked for only where a list
    /// tells its tags, or its stack.
    Stacks,
    /// All in the account and the region.
    All,
}

/// Which resources to read, and what is known about them.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which resources to read.
    pub select: Select,
    /// The stack.
    pub stack: String,
    /// The entries of the tagging index for the stack, see [`Index`]. For [`Select::Ids`]: the ARNs and tags read
    /// since.
    pub index: Arc<Index>,
    /// Ids of this kind that this run created, or that are in the last-applied snapshot. Their resources may be
    /// deleted.
    pub known: Arc<BTreeSet<String>>,
    /// For a kind whose resources are children of others ([`crate::KindInfo::parent`]): the ids of the parents, and for
    /// each the natural keys of the stack's children.
    pub parents: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// Fields of this kind that at least one declared resource sets, and attributes (see [`Query::attribute`]) that
    /// something reads: calls that serve only other optional fields or attributes can be left out.
    pub asked: BTreeSet<String>,
    /// See [`Query::desired`].
    pub desired: Arc<BTreeMap<Address, Arc<Value>>>,
    /// See [`Query::kept`].
    pub kept: Arc<ImmutableCache>,
    /// Names of this kind that the stack's resources have or will have, and names that AWS refused in a create. A
    /// resource with such a name is read even if it does not belong to the stack, so that a plan can report the name as
    /// taken.
    pub names: Arc<BTreeSet<String>>,
    /// See [`crate::KindInfo::names_ignore_case`].
    pub names_ignore_case: bool,
}

impl Query {
    /// True if only the ids in [`Query::known`] are read.
    pub fn is_by_id(&self) -> bool {
        self.select == Select::Ids
    }

    /// True if resources of others are read too.
    pub fn is_all(&self) -> bool {
        self.select == Select::All
    }

    /// The stack whose resources alone are read, unless those of others are read too.
    pub fn only_stack(&self) -> Option<&str> {
        (!matches!(self.select, Select::Stacks | Select::All)).then_some(&*self.stack)
    }

    /// True if a declared resource of the kind sets `field`; otherwise nothing compares it.
    pub fn asks(&self, field: &str) -> bool {
        self.asked.contains(field)
    }

    /// The declared spec of the resource with these tags, for kinds whose [`crate::KindInfo::reads_desired`] is true.
    pub fn desired(&self, tags: &Tags) -> Option<&Value> {
        let address = tags.get(Address::ADDRESS_TAG)?.parse().ok()?;
        self.desired.get(&address).map(|spec| &**spec)
    }

    /// True if something in the stack reads the attribute `name` of a resource of the kind.
    pub fn asks_attribute(&self, name: &str) -> bool {
        self.asked.contains(&Self::attribute(name))
    }

    /// The form of an attribute in `asked`, which also holds fields.
    pub fn attribute(name: &str) -> String {
        format!(".{name}")
    }

    /// True if the resource with this id is to be read.
    pub fn wants(&self, id: &str) -> bool {
        !self.is_by_id() || self.known.contains(id)
    }

    /// True if the resource with this name and these tags is to be read. Kinds check this before they make calls for a
    /// single resource.
    pub fn accepts(&self, name: &str, tags: &Tags) -> bool {
        self.is_all() || self.owns(tags) || self.wanted_name(name).is_some()
    }

    /// True if the child of `parent` with the natural key `key` is to be read. Kinds check this before they make calls
    /// for a single child.
    pub fn accepts_child(&self, parent: &str, key: &str) -> bool {
        self.is_all() || self.parents.get(parent).is_some_and(|keys| keys.contains(key))
    }

    /// False if the resource is certainly not to be read, judged without its tags: true for resources that the index or
    /// a run knows, and for names like those of the stack's resources.
    pub fn may_match(&self, id: &str, arn: &str, name: &str) -> bool {
        let named = || self.index.lists(arn) || self.derives(name) || self.wanted_name(name).is_some();
        self.known.contains(id) || !self.is_by_id() && (self.is_all() || named())
    }

    /// The tags of a resource that AWS lists without tags, if it is to be read: from the index, or from `ask`, which
    /// returns `None` for a deleted resource. The ids of such resources are their names.
    ///
    /// # Errors
    /// An error of `ask`.
    pub async fn tags(
        &self,
        name: &str,
        arn: &str,
        ask: impl Future<Output = Result<Option<Tags>>>,
    ) -> Result<Option<Tags>> {
        if !self.may_match(name, arn, name) {
            return Ok(None);
        }
        let tags = match self.index.tags(arn) {
            Some(tags) => Some(tags.clone()),
            None => ask.await?,
        };
        Ok(tags.filter(|tags| self.accepts(name, tags)))
    }

    /// Immutable resources from the cache, with their current tags from the index. The kind has to check whether they
    /// still exist.
    pub fn kept<K: Kind>(&self) -> Vec<Observed<K>> {
        if self.is_by_id() {
            return vec![];
        }
        let now = |observed: Observed<K>| {
            let tags = self.index.tags(observed.attrs.get("arn").unwrap_or(&observed.id))?.clone();
            Some(Observed { tags, ..observed })
        };
        self.kept.of::<K>(K::NAME).filter_map(now).collect()
    }

    /// ARNs in the index, see [`Index::of`].
    pub fn listed<'a>(&'a self, service: &'a str, resource: &'a str) -> impl Iterator<Item = &'a str> {
        self.index.of(service, resource).map(|entry| entry.arn)
    }

    /// The prefix of all names derived for the stack's resources, see [`crate::NewResource::name`]. Empty if resources
    /// of others are read too; `None` if those of all stacks are, whose names have nothing in common.
    pub fn prefix(&self) -> Option<String> {
        match self.select {
            Select::All => Some(String::new()),
            Select::Stacks => None,
            Select::Owned | Select::Ids => {
                Some(format!("{}-", Address::root("", "").physical(&self.stack, 0, usize::MAX)))
            }
        }
    }

    /// True for a name that may be derived for a resource that is read.
    pub fn derives(&self, name: &str) -> bool {
        self.prefix().is_some_and(|prefix| name.starts_with(&prefix))
    }

    /// The name in [`Query::names`] that AWS treats as equal to `name`.
    pub fn wanted_name(&self, name: &str) -> Option<&str> {
        let in_other_case = || self.names.iter().find(|wanted| wanted.eq_ignore_ascii_case(name));
        let known = self.names.get(name);
        let known = if self.names_ignore_case { known.or_else(in_other_case) } else { known };
        known.map(String::as_str)
    }

    /// True if the tags say that the resource belongs to the stack.
    pub fn owns(&self, tags: &Tags) -> bool {
        let owner = tags.get(Address::STACK_TAG);
        owner.is_some_and(|owner| self.select == Select::Stacks || *owner == self.stack)
    }
}
