//! Tags, and what they say about ownership.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use up_core::{Address, Context, Later, NewResource, Query, TagChange};

use crate::{client, list};

/// The most values that EC2 takes for one filter.
pub(crate) const VALUES: usize = 200;

/// Finds what a query asks for in one call: a stack's resources by tag, and where only some of them are asked for, these
/// alone, by the filter `id`.
pub(crate) fn selected(query: &Query, id: &str) -> Option<Vec<Filter>> {
    let few = query.is_by_id() && query.known.len() <= VALUES;
    let ids = few.then(|| Filter::builder().name(id).set_values(Some(query.known.iter().cloned().collect())).build());
    Some(owned(query).into_iter().chain(ids).collect())
}

/// The stack's resources, unless those of others are asked for too.
pub(crate) fn owned(query: &Query) -> Option<Filter> {
    let filter = |name: String, value: &str| Filter::builder().name(name).values(value).build();
    match query.only_stack() {
        Some(stack) => Some(filter(format!("tag:{}", Address::STACK_TAG), stack)),
        None => (!query.is_all()).then(|| filter("tag-key".to_owned(), Address::STACK_TAG)),
    }
}

/// EC2 tags a resource in the call that makes it.
pub(crate) fn ours(resource: ResourceType, new: &NewResource) -> TagSpecification {
    TagSpecification::builder().resource_type(resource).set_tags(Some(list(&new.tags))).build()
}

/// Changes the tags of anything EC2 knows by an id. Safe to repeat: tags are set, not added.
pub(crate) fn retag<'a>(cx: &'a Context, id: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            client(cx).create_tags().resources(id).set_tags(Some(list(&change.set))).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            client(cx).delete_tags().resources(id).set_tags(Some(keys)).send().await?;
        }
        Ok(())
    })
}
