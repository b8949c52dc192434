//! The account's tagging index.

use std::collections::BTreeMap;

use crate::Tags;

/// Resources that carry the stack's tag, by ARN, as the Resource Groups Tagging API lists them.
///
/// It saves the call for tags that some services need for each resource. It lags behind by seconds, still lists deleted
/// resources, and does not cover IAM: resources that it does not list must be read from their service.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: BTreeMap<String, Tags>,
    /// True if only the ARNs count.
    is_late: bool,
}

/// One entry of the [`Index`].
#[derive(Debug, Clone, Copy)]
pub struct Tagged<'a> {
    /// The resource's ARN.
    pub arn: &'a str,
    /// Its tags.
    pub tags: &'a Tags,
}

impl Index {
    /// The tags of a resource, if the index lists it. None at all [`Self::without_tags`].
    pub fn tags(&self, arn: &str) -> Option<&Tags> {
        self.entries.get(arn).filter(|_| !self.is_late)
    }

    /// True if the index lists the resource.
    pub fn lists(&self, arn: &str) -> bool {
        self.entries.contains_key(arn)
    }

    /// The same, only to find resources by: their tags are asked of their services, because the index may tell old ones.
    #[must_use]
    pub fn without_tags(self) -> Self {
        Self { is_late: true, ..self }
    }

    /// All resources of one type, by the part of the ARN after the account: `of("ecs", "service/")`.
    pub fn of<'a>(&'a self, service: &'a str, resource: &'a str) -> impl Iterator<Item = Tagged<'a>> {
        let matches = move |arn: &str| {
            let mut parts = arn.splitn(6, ':').skip(2);
            parts.next() == Some(service) && parts.nth(2).is_some_and(|rest| rest.starts_with(resource))
        };
        self.entries.iter().filter(move |(arn, _)| matches(arn)).map(|(arn, tags)| Tagged { arn, tags })
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = Tagged<'_>> {
        self.entries.iter().map(|(arn, tags)| Tagged { arn, tags })
    }
}

impl FromIterator<(String, Tags)> for Index {
    fn from_iter<T: IntoIterator<Item = (String, Tags)>>(entries: T) -> Self {
        Self { entries: entries.into_iter().collect(), is_late: false }
    }
}
