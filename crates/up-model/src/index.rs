//! The account's tagging index.

use std::collections::BTreeMap;

use crate::Tags;

/// Resources that carry the stack's tag, by ARN, as the Resource Groups Tagging API lists them.
///
/// It saves the call for tags that some services need for each resource. It lags behind by seconds, still lists deleted
/// resources, and does not cover IAM: resources that it does not list must be read from their service.
#[derive(Debug, Clone, Default)]
pub struct Index(BTreeMap<String, Tags>);

/// One entry of the [`Index`].
#[derive(Debug, Clone, Copy)]
pub struct Tagged<'a> {
    /// The resource's ARN.
    pub arn: &'a str,
    /// Its tags.
    pub tags: &'a Tags,
}

impl Index {
    /// The tags of a resource, if the index lists it.
    pub fn tags(&self, arn: &str) -> Option<&Tags> {
        self.0.get(arn)
    }

    /// All resources of one type, by the part of the ARN after the account: `of("ecs", "service/")`.
    pub fn of<'a>(&'a self, service: &'a str, resource: &'a str) -> impl Iterator<Item = Tagged<'a>> {
        let matches = move |arn: &str| {
            let mut parts = arn.splitn(6, ':').skip(2);
            parts.next() == Some(service) && parts.nth(2).is_some_and(|rest| rest.starts_with(resource))
        };
        self.0.iter().filter(move |(arn, _)| matches(arn)).map(|(arn, tags)| Tagged { arn, tags })
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = Tagged<'_>> {
        self.0.iter().map(|(arn, tags)| Tagged { arn, tags })
    }
}

impl FromIterator<(String, Tags)> for Index {
    fn from_iter<T: IntoIterator<Item = (String, Tags)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}
