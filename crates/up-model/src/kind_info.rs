//! Properties of a kind that are data.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Properties of a kind.
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// Its CloudFormation type: a test compares the field policies with AWS's schema.
    pub cloudformation: &'static str,
    /// The calls it makes, as IAM actions, and the "dependent actions" that AWS checks for them (see AWS's Service
    /// Authorization Reference): a role with all of these can manage the kind.
    pub actions: Actions,
    /// Attributes that `${kind.name.attribute}` may read, besides `id`. All are known once the resource is ready.
    pub attrs: &'static [&'static str],
    /// Attributes that take a call for each resource: they are read only if a step may need them, see
    /// `Query::asks_attribute`.
    pub costly: &'static [&'static str],
    /// The length of the longest name, 0 if AWS names the resource itself; see [`Address::physical`].
    pub longest_name: usize,
    /// True if AWS ignores case when it compares names.
    pub names_ignore_case: bool,
    /// True if data is lost with the resource: `protect` then refuses to delete or replace it.
    pub holds_data: bool,
    /// True if a repeated create makes another resource: it has neither a client token nor a unique name. After a
    /// create without an answer, the engine looks for the resource before it repeats the call.
    pub non_idempotent_create: bool,
    /// True if `observe` needs the declared spec, because AWS lists nothing to find the resource by: see
    /// `Query::desired`.
    pub reads_desired: bool,
    /// True if a create sends a client token. AWS answers a known token with the resource created first, even if that
    /// has been deleted since. An id that AWS returns and does not show within the settle time is recorded
    /// (`Context::is_lost`), and the create is repeated with another token.
    pub client_token: bool,
    /// True if AWS or a user's tool copies a resource's tags to another of the same kind (a database restored from a
    /// snapshot, a task definition registered again by CI): tags alone do not say that the stack created it.
    pub tags_travel: bool,
    /// AWS's rules for its tags.
    pub tags: TagRules,
    /// For a kind whose resources have no tags: the field that refers to the parent, a resource of the stack. Such a
    /// child is identified by its parent and its `Kind::natural_key`; other children of the same parent, which the
    /// stack neither declares nor has applied, are left alone. A replacement deletes the old child first.
    pub parent: Option<&'static str>,
    /// True if the account's tagging index lists its resources: without history, a kind that the stack does not declare
    /// is read only if the index lists one of its resources, or cannot list them.
    pub indexed: bool,
    /// True if a resource no longer exists once AWS has answered its delete: nobody needs to wait for it.
    pub deletes_at_once: bool,
    /// True if only the tags of a resource can change: once read, it is cached in the stack's history and not read
    /// again. See `Query::kept`.
    pub immutable: bool,
    /// The resources that a live one is located in, and that AWS does not move it out of: an attribute with ids
    /// separated by commas, and their kind. While it stays, none of them can be deleted.
    pub occupies: Option<(&'static str, &'static str)>,
    /// The text that deployments change, if there is one: an image.
    pub deployed: Option<DeployedField>,
    /// Which half of a replacement comes first. If the two cannot exist at the same time (`Kind::unique`), the old
    /// one is deleted first in any case.
    pub replace: Order,
    /// How to wait for it.
    pub wait: Wait,
    /// How long AWS usually takes; for estimates and for the order of steps.
    pub takes: Takes,
}

impl KindInfo {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        cloudformation: "",
        actions: Actions { observe: &[], create: &[], update: &[], tag: &[], delete: &[] },
        attrs: &[],
        costly: &[],
        longest_name: 0,
        names_ignore_case: false,
        holds_data: false,
        non_idempotent_create: false,
        reads_desired: false,
        client_token: false,
        tags_travel: false,
        tags: TagRules { any_character: false, ignores_case: false },
        parent: None,
        indexed: true,
        deletes_at_once: false,
        immutable: false,
        occupies: None,
        deployed: None,
        replace: Order::CreateBeforeDestroy,
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(300) },
        takes: Takes::DEFAULT,
    };
}

/// A text in the items of a list that deployments change: the image of each container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeployedField {
    /// The list: `containers`.
    pub list: &'static str,
    /// The field that names an item: `name`.
    pub key: &'static str,
    /// The field with the text: `image`.
    pub field: &'static str,
}

impl DeployedField {
    /// The text of an item.
    pub fn get<'v>(&self, spec: &'v Value, item: &str) -> Option<&'v str> {
        let items = spec.get(self.list)?.as_array()?;
        items.iter().find(|it| it[self.key] == item)?.get(self.field)?.as_str()
    }

    /// Sets the text of an item, if there is such an item.
    pub fn set(&self, spec: &mut Value, item: &str, text: &str) {
        let items = spec.get_mut(self.list).and_then(Value::as_array_mut);
        let item = items.into_iter().flatten().find(|it| it[self.key] == item);
        item.into_iter().for_each(|item| item[self.field] = text.into());
    }
}

/// AWS's rules for the tags of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagRules {
    /// True if keys and values may contain any character. Most services allow letters, digits, spaces and `_ . : / = +
    /// - @`.
    pub any_character: bool,
    /// True if keys that differ only in case are the same key: IAM's roles and users.
    pub ignores_case: bool,
}

impl TagRules {
    /// EC2's rules: any character.
    pub const FREE: Self = Self { any_character: true, ignores_case: false };
    /// The rules of IAM's roles and users.
    pub const WITHOUT_CASE: Self = Self { any_character: false, ignores_case: true };
}

/// IAM actions, such as `ec2:DescribeVpcs`, by the verb that needs them.
#[derive(Debug, Clone, Copy)]
pub struct Actions {
    /// Needed by every command.
    pub observe: &'static [&'static str],
    /// Needed to create a resource, its tags included.
    pub create: &'static [&'static str],
    /// Needed to update a resource in place.
    pub update: &'static [&'static str],
    /// Needed to change its tags.
    pub tag: &'static [&'static str],
    /// Needed to delete a resource.
    pub delete: &'static [&'static str],
}

/// IAM actions, by service: `actions!(rds: CreateDBInstance AddTagsToResource, iam: PassRole)`.
#[macro_export]
macro_rules! actions {
    ($($service:ident: $($action:ident)+),* $(,)?) => {
        &[$($(concat!(stringify!($service), ":", stringify!($action))),+),*]
    };
}

/// Which half of a replacement comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new resource is created, its users move to it, and the old one is deleted. The users are never without it.
    CreateBeforeDestroy,
    /// The old resource is deleted first, because two cannot exist at the same time.
    DestroyBeforeCreate,
}

/// How to wait for a kind.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The longest pause between two observations; the first ones come sooner.
    pub every: Duration,
    /// The time after which waiting fails.
    pub at_most: Duration,
}

/// How long AWS usually takes.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// From the create call until the resource is ready.
    pub create: Duration,
    /// From an update call until AWS has done it, for most fields.
    pub update: Duration,
    /// The same for fields that take another time: `("engine_version", …)`.
    pub fields: &'static [(&'static str, Duration)],
    /// From the delete call until the resource no longer exists.
    pub delete: Duration,
}

impl Takes {
    /// For calls that take effect within seconds.
    pub const DEFAULT: Self = Self {
        create: Duration::from_secs(2),
        update: Duration::from_secs(2),
        fields: &[],
        delete: Duration::from_secs(1),
    };

    /// How long it takes to change these fields: as long as the slowest takes. Tags take no time.
    pub fn changing<'a>(&self, changed: impl Iterator<Item = &'a str>) -> Duration {
        let of = |changed: &str| self.fields.iter().find(|(field, _)| *field == changed).map_or(self.update, |it| it.1);
        changed.map(of).max().unwrap_or(Self::DEFAULT.update)
    }
}
