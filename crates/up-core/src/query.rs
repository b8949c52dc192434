//! Which resources a look reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
};

use serde_json::Value;

use crate::{Address, ImmutableCache, Index, Kind, Observed, Result, Tags};

/// Which resources of a kind to read. A kind may give more than it is asked for: the engine decides what is the stack's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Select {
    /// The stack's, and those that have one of the names in [`Query::names`].
    #[default]
    Owned,
    /// Those whose ids are in [`Query::known`]. Calls for others are to be spared.
    Ids,
    /// All in the account and the region.
    All,
}

/// Which resources to read, and what is known of them already.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which resources to read.
    pub select: Select,
    /// The stack whose resources are looked for.
    pub stack: String,
    /// What the tagging index lists for the stack, see [`Index`]. For [`Select::Ids`]: what AWS told of these since.
    pub index: Arc<Index>,
    /// Ids of this kind that this run made, or that the last-applied snapshot knows. They may be gone.
    pub known: Arc<BTreeSet<String>>,
    /// For a kind whose resources are children of others ([`crate::KindInfo::parent`]): the ids of the parents, and the natural
    /// keys of the children that the stack has in each.
    pub parents: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// Fields of this kind that at least one declared resource sets, and attributes (see [`Query::attribute`]) that at least
    /// one reads: a call that only serves another optional field, or another attribute, can be spared.
    pub asked: BTreeSet<String>,
    /// See [`Query::desired`].
    pub desired: Arc<BTreeMap<Address, Arc<Value>>>,
    /// See [`Query::kept`].
    pub kept: Arc<ImmutableCache>,
    /// Names of this kind that the stack's resources have, or are to have, and those that a create was refused for. A resource
    /// with one of these names is read even if it is not the stack's, so that a plan can tell that a name is taken.
    pub names: Arc<BTreeSet<String>>,
    /// See [`crate::KindInfo::names_ignore_case`].
    pub names_ignore_case: bool,
}

impl Query {
    /// True where only the ids in [`Query::known`] are asked for.
    pub fn is_by_id(&self) -> bool {
        self.select == Select::Ids
    }

    /// True where the resources of others are asked for too.
    pub fn is_all(&self) -> bool {
        self.select == Select::All
    }

    /// True where some declared resource of the kind sets `field`: else nothing compares it.
    pub fn asks(&self, field: &str) -> bool {
        self.asked.contains(field)
    }

    /// What the stack declares of the resource that has these tags, for a kind whose [`crate::KindInfo::reads_desired`] is true.
    pub fn desired(&self, tags: &Tags) -> Option<&Value> {
        let address = tags.get(Address::ADDRESS_TAG)?.parse().ok()?;
        self.desired.get(&address).map(|spec| &**spec)
    }

    /// True where something in the stack reads the attribute `name` of a resource of the kind.
    pub fn asks_attribute(&self, name: &str) -> bool {
        self.asked.contains(&Self::attribute(name))
    }

    /// How an attribute is written in `asked`, beside fields.
    pub fn attribute(name: &str) -> String {
        format!(".{name}")
    }

    /// False for an id that is not asked for.
    pub fn wants(&self, id: &str) -> bool {
        !self.is_by_id() || self.known.contains(id)
    }

    /// False for a resource with these tags that is not asked for. Kinds ask before they spend calls on one resource.
    pub fn accepts(&self, name: &str, tags: &Tags) -> bool {
        self.is_all() || self.owns(tags) || self.wanted_name(name).is_some()
    }

    /// False for the child of `parent` that has the natural key `key`, where it is not asked for. Kinds ask before they spend
    /// calls on one child.
    pub fn accepts_child(&self, parent: &str, key: &str) -> bool {
        self.is_all() || self.parents.get(parent).is_some_and(|keys| keys.contains(key))
    }

    /// False for a resource that is not asked for, as far as that can be told without its tags: true for what the index or a
    /// run knows, and for what is named as the stack's resources are.
    pub fn may_match(&self, id: &str, arn: &str, name: &str) -> bool {
        let named =
            || self.index.tags(arn).is_some() || name.starts_with(&self.prefix()) || self.wanted_name(name).is_some();
        self.known.contains(id) || !self.is_by_id() && (self.is_all() || named())
    }

    /// The tags of a resource that AWS lists without them, where it is asked for: from the index, or by `ask`, whose `None`
    /// says that it has been deleted. Such resources are known by their names.
    ///
    /// # Errors
    /// Those of `ask`.
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

    /// What an earlier run read of resources that never change, with the tags that the index has of them now. Whether they
    /// still exist the kind has to ask.
    pub fn kept<K: Kind>(&self) -> Vec<Observed<K>> {
        if self.is_by_id() {
            return vec![];
        }
        let now = |observed: Observed<K>| {
            let tags = self.index.tags(observed.attrs.get("arn").unwrap_or(&observed.id))?.clone();
            Some(Observed { tags, ..observed })
        };
        self.kept.of::<K>().filter_map(now).collect()
    }

    /// ARNs that the index lists, see [`Index::of`].
    pub fn listed<'a>(&'a self, service: &'a str, resource: &'a str) -> impl Iterator<Item = &'a str> {
        self.index.of(service, resource).map(|entry| entry.arn)
    }

    /// How every name begins that is derived for the stack's resources, see [`crate::NewResource::name`]. Empty where the
    /// resources of others are asked for too.
    pub fn prefix(&self) -> String {
        if self.is_all() {
            return String::new();
        }
        format!("{}-", Address::root("", "").physical(&self.stack, 0, usize::MAX))
    }

    /// The one of [`Query::names`] that AWS takes for the same as `name`.
    pub fn wanted_name(&self, name: &str) -> Option<&str> {
        let in_other_case = || self.names.iter().find(|wanted| wanted.eq_ignore_ascii_case(name));
        let known = self.names.get(name);
        let known = if self.names_ignore_case { known.or_else(in_other_case) } else { known };
        known.map(String::as_str)
    }

    /// True for tags that say the resource is the stack's.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.get(Address::STACK_TAG) == Some(&self.stack)
    }
}
