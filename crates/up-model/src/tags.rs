//! Tags, and the ownership they express.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::Address;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The owner of a resource according to its tags, as the rest of a sentence: `belongs to the stack `shop``.
pub fn whose(tags: &Tags) -> String {
    match tags.get(Address::STACK_TAG) {
        Some(stack) => format!("belongs to the stack `{stack}`"),
        None => "does not carry this stack's tags".to_owned(),
    }
}

/// True for keys that AWS's services and controllers set on resources of others. They are never set, removed or
/// compared.
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

/// A difference in tags, in the form that tagging calls need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// Tags to add or overwrite.
    pub set: Tags,
    /// Keys to remove.
    pub remove: BTreeSet<String>,
}

impl TagChange {
    /// The change from `observed` to `desired`. Of the keys that are not desired, only those are removed for which
    /// `is_ours` returns true: tags that the stack has set.
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

    /// True if there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}
