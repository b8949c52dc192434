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

/// Defines, for one SDK's type of tags, `list(&Tags)`, which gives them as its calls take them, and `tags(Option<Vec<_>>)`, which
/// reads them from its answers, AWS's own left out.
///
/// ```ignore
/// up_core::tags!(aws_sdk_ec2::types::Tag);
/// // Where the SDK demands a key and a value, and always has both.
/// up_core::tags!(aws_sdk_sns::types::Tag, required);
/// ```
#[macro_export]
macro_rules! tags {
    ($tag:ty) => {
        $crate::tags!(@ $tag, |tag| tag, |tag| Some((tag.key?, tag.value.unwrap_or_default())));
    };
    ($tag:ty, required) => {
        $crate::tags!(@ $tag, |tag| tag.expect("it has a key and a value"), |tag| Some((tag.key, tag.value)));
    };
    (@ $tag:ty, $built:expr, $pair:expr) => {
        fn list(tags: &$crate::Tags) -> Vec<$tag> {
            tags.iter().map(|(key, value)| <$tag>::builder().key(key).value(value).build()).map($built).collect()
        }

        fn tags(tags: Option<Vec<$tag>>) -> $crate::Tags {
            let pair: fn($tag) -> Option<(String, String)> = $pair;
            tags.into_iter().flatten().filter_map(pair).filter(|(key, _)| !key.starts_with("aws:")).collect()
        }
    };
}

/// Defines `retag`, see [`crate::Tagging`], for a service with AWS's usual two calls: `TagResource` and `UntagResource`, with an ARN.
/// The argument turns [`crate::Tags`] into what `TagResource` takes.
///
/// ```ignore
/// up_core::tag_resource!(list);
/// ```
#[macro_export]
macro_rules! tag_resource {
    ($taken:expr) => {
        /// Changes the tags of what an ARN names. Safe to repeat: tags are set, not added.
        fn retag<'a>(cx: &'a $crate::Context, arn: &'a str, change: &'a $crate::TagChange) -> $crate::Later<'a, ()> {
            Box::pin(async move {
                if !change.set.is_empty() {
                    client(cx).tag_resource().resource_arn(arn).set_tags(Some($taken(&change.set))).send().await?;
                }
                if !change.remove.is_empty() {
                    let keys = change.remove.iter().cloned().collect();
                    client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
                }
                Ok(())
            })
        }
    };
}
