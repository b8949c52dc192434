//! A live resource, and what is said about it on the way there.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Address, ImmutableCache, Index, Kind, Result};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// What other resources may quote besides the id: `arn`, `endpoint`, … The key `arn` is also what a reference to the
/// resource may hold when it is read back, and `name` is the physical name, where the kind has one.
pub type Attrs = BTreeMap<String, String>;

/// A live resource, as AWS shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed<K> {
    /// What AWS calls it.
    pub id: String,
    /// All its tags, the ownership tags included, AWS's own (`aws:…`) left out; see [`is_foreign_tag`].
    pub tags: Tags,
    /// See [`Attrs`].
    pub attrs: Attrs,
    /// Whether it is there yet.
    pub status: Status,
    /// What a user should know and no field says: a parameter that waits for a reboot. Sentences without a full stop. They
    /// are shown by `plan`, `apply` and `show`, and make no difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a user would have written to get it.
    pub spec: K,
}

/// Waiting is observing again until this says `Ready`: no kind writes a wait loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stands and may be used.
    Ready,
    /// AWS is at work on it; the text is AWS's word for the state.
    Pending(String),
    /// AWS is taking it away. What is gone already is not seen at all.
    Deleting(String),
    /// It exists, and AWS says that something is wrong with it. It may be updated, repaired, or explained; it is never
    /// deleted for that.
    Impaired(Impairment),
    /// It never came up, and only a new one helps; the text says why.
    Failed(String),
}

/// What is wrong with a resource that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impairment {
    /// AWS's word for it, with its reason where AWS gives one: `storage-full`.
    pub why: String,
    /// What mends it, as advice to the user: `raise \`allocated_storage\``.
    pub remedy: String,
    /// True where [`crate::Kind::update`] mends it though no field differs: it sends again what AWS failed to do.
    pub repair: bool,
}

impl Impairment {
    /// A trouble that only the user, or AWS, can mend.
    pub fn explained(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: false })
    }

    /// What is wrong and what mends it, as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!("AWS says: {}; {}", self.why, self.remedy)
    }

    /// A trouble that an update mends, see [`Impairment::repair`].
    pub fn repairable(why: impl Into<String>, remedy: impl Into<String>) -> Status {
        Status::Impaired(Self { why: why.into(), remedy: remedy.into(), repair: true })
    }
}

impl<K> Observed<K> {
    /// The address written on it, if it belongs to `stack`.
    pub fn address(&self, stack: &str) -> Option<Address> {
        let ours = self.tags.get(Address::STACK_TAG).is_some_and(|owner| owner == stack);
        ours.then(|| self.tags.get(Address::ADDRESS_TAG)?.parse().ok()).flatten()
    }

    /// How many times it has been replaced create-first before.
    pub fn generation(&self) -> u32 {
        self.tags.get(Address::GENERATION_TAG).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Which resources to look for, and what is known of them already.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The stack whose resources are looked for.
    pub stack: String,
    /// What the tagging index lists for the stack, see [`Index`]. Where `only_known`: what AWS told of these since.
    pub index: Arc<Index>,
    /// Ids of this kind that this run made, or that the last-applied snapshot knows. They may be gone.
    pub known: Arc<BTreeSet<String>>,
    /// True where a step waits for what is `known`: all else may be left out, and calls that only serve it spared.
    pub only_known: bool,
    /// Fields of this kind that at least one declared resource sets, and attributes (see [`Query::attribute`]) that at least
    /// one reads: a call that only serves another optional field, or another attribute, can be spared.
    pub asked: BTreeSet<String>,
    /// See [`Query::desired`].
    pub desired: Arc<BTreeMap<Address, Arc<Value>>>,
    /// See [`Query::kept`].
    pub kept: Arc<ImmutableCache>,
    /// Names of this kind that the stack's resources have, or are to have, and those that a create was refused for. See
    /// [`Query::owns_named`].
    pub names: Arc<BTreeSet<String>>,
    /// See [`crate::KindInfo::names_ignore_case`].
    pub names_ignore_case: bool,
    /// See [`Others`].
    pub others: Arc<Others>,
}

/// The tags of what has one of the stack's names and is not the stack's, by name: noted while a kind is looked at.
#[derive(Debug, Default)]
pub struct Others(Mutex<BTreeMap<String, Tags>>);

impl Others {
    /// Notes who has a name.
    pub fn note(&self, name: &str, tags: &Tags) {
        self.0.lock().expect("no panic while held").insert(name.to_owned(), tags.clone());
    }

    /// All that were noted.
    pub fn all(&self) -> BTreeMap<String, Tags> {
        self.0.lock().expect("no panic while held").clone()
    }
}

/// Whose a resource is, by its tags, as the rest of a sentence: `belongs to the stack `shop``.
pub fn whose(tags: &Tags) -> String {
    match tags.get(Address::STACK_TAG) {
        Some(stack) => format!("belongs to the stack `{stack}`"),
        None => "does not carry this stack's tags".to_owned(),
    }
}

impl Query {
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

    /// How an attribute stands in `asked`, beside fields.
    pub fn attribute(name: &str) -> String {
        format!(".{name}")
    }

    /// False for what may be left out, see [`Query::only_known`].
    pub fn wants(&self, id: &str) -> bool {
        !self.only_known || self.known.contains(id)
    }

    /// True for what is worth asking whose it is, where AWS lists it without its tags: what the index or a run knows, or
    /// is called as the stack's resources are.
    pub fn may_own(&self, id: &str, arn: &str, name: &str) -> bool {
        let named = || self.index.tags(arn).is_some() || name.starts_with(&self.prefix());
        self.known.contains(id) || !self.only_known && (named() || self.names.contains(name))
    }

    /// The tags of what AWS lists without them, where they are the stack's: from the index, or by `ask`, whose `None` is
    /// that it has gone. Such things are known by their names.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn owned(
        &self,
        name: &str,
        arn: &str,
        ask: impl Future<Output = Result<Option<Tags>>>,
    ) -> Result<Option<Tags>> {
        if !self.may_own(name, arn, name) {
            return Ok(None);
        }
        let tags = match self.index.tags(arn) {
            Some(tags) => Some(tags.clone()),
            None => ask.await?,
        };
        Ok(tags.filter(|tags| self.owns_named(name, tags)))
    }

    /// What an earlier run saw of the kind and never changes, with the tags that the index has of it now. Whether it is
    /// still there the kind has to ask.
    pub fn kept<K: Kind>(&self) -> Vec<Observed<K>> {
        if self.only_known {
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

    /// How every name begins that is derived for the stack's resources, see [`NewResource::name`].
    pub fn prefix(&self) -> String {
        format!("{}-", Address::root("", "").physical(&self.stack, 0, usize::MAX))
    }

    /// The same as [`Query::owns`], for kinds that AWS knows by name: where the name is one that the stack wants, and another
    /// has it, that is noted. Kinds call it for all that AWS lists, so that a plan can tell without a call of its own that a
    /// name is taken.
    pub fn owns_named(&self, name: &str, tags: &Tags) -> bool {
        let owns = self.owns(tags);
        if let Some(wanted) = self.wanted_name(name).filter(|_| !owns) {
            self.others.note(wanted, tags);
        }
        owns
    }

    /// The one of [`Query::names`] that AWS takes for the same as `name`.
    pub fn wanted_name(&self, name: &str) -> Option<&str> {
        let same = |wanted: &&String| self.names_ignore_case && wanted.eq_ignore_ascii_case(name);
        self.names.get(name).or_else(|| self.names.iter().find(same)).map(String::as_str)
    }

    /// True for tags that say the resource is the stack's.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.get(Address::STACK_TAG) == Some(&self.stack)
    }
}

/// What a resource is given at birth beside its spec.
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

    /// True for the tags that this birth gives: what carries them, it has made.
    pub fn gave(&self, tags: &Tags) -> bool {
        let keys = [Address::STACK_TAG, Address::ADDRESS_TAG, Address::GENERATION_TAG];
        keys.iter().all(|key| tags.get(*key) == self.tags.get(*key))
    }

    /// A client token (32 hexadecimal characters): the same for the same birth with the same `parameters`, so that a
    /// create whose answer was lost can be sent again; another one for every other.
    pub fn token(&self, account: &str, region: &str, parameters: &[&str]) -> String {
        let Self { stack, address, generation, .. } = self;
        let hash = Sha256::digest(format!("{account}/{region}/{stack}/{address}/{generation}/{parameters:?}"));
        format!("{hash:x}")[..32].to_owned()
    }
}

/// True for keys that AWS's services and controllers set on what others own. They are never set, removed or compared.
pub fn is_foreign_tag(key: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "aws:",
        "kubernetes.io/",
        "k8s.io/",
        "elbv2.k8s.aws/",
        "service.k8s.aws/",
        "ingress.k8s.aws/",
        "eks:",
        "elasticbeanstalk:",
        "karpenter.sh/",
    ];
    const KEYS: [&str; 4] = ["AmazonECSManaged", "AWSMSKManaged", "AWSServiceName", "GuardDutyManaged"];
    KEYS.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// A difference in tags, in the form every tagging call wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// Tags to add or overwrite.
    pub set: Tags,
    /// Keys to remove.
    pub remove: BTreeSet<String>,
}

impl TagChange {
    /// What turns `observed` into `desired`. Of the keys that are not wanted only those go that `is_ours`: tags are ours where we
    /// set them.
    pub fn between<K: Borrow<str> + Ord, V: AsRef<str>>(
        observed: &Tags,
        desired: &BTreeMap<K, V>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Self {
        let desired_all = desired.iter().map(|(key, value)| (key.borrow(), value.as_ref()));
        let set = desired_all.filter(|(key, value)| observed.get(*key).map(String::as_str) != Some(*value));
        let is_surplus = |key: &str| !desired.contains_key(key) && !is_foreign_tag(key) && is_ours(key);
        let remove = observed.keys().filter(|key| is_surplus(key));
        let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { set, remove: remove.cloned().collect() }
    }

    /// True where there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}
