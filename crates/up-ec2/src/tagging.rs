//! Tags, and the ownership that they express.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use up_core::{Address, Context, Later, NewResource, Query, TagChange};

use crate::{client, list};

/// The most values that EC2 takes in one filter.
pub(crate) const VALUES: usize = 200;

/// The filters that find the resources of a query in one call: those of a stack by tag; if only some of them are asked
/// for, these by the filter `id`.
pub(crate) fn selected(query: &Query, id: &str) -> Option<Vec<Filter>> {
    let few = query.is_by_id() && query.known.len() <= VALUES;
    let ids = few.then(|| Filter::builder().name(id).set_values(Some(query.known.iter().cloned().collect())).build());
    Some(owned(query).into_iter().chain(ids).collect())
}

/// The filter for the stack's resources; none if resources outside the stack are asked for too.
pub(crate) fn owned(query: &Query) -> Option<Filter> {
    match query.only_stack() {
        Some(stack) => Some(owned_by(stack)),
        None => (!query.is_all()).then(|| filter("tag-key".to_owned(), Address::STACK_TAG)),
    }
}

/// The filter for all resources of a stack.
fn owned_by(stack: &str) -> Filter {
    filter(format!("tag:{}", Address::STACK_TAG), stack)
}

fn filter(name: String, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// The tags for a create call: EC2 sets them in the call itself.
pub(crate) fn ours(resource: ResourceType, new: &NewResource) -> TagSpecification {
    TagSpecification::builder().resource_type(resource).set_tags(Some(list(&new.tags))).build()
}

/// Changes the tags of an EC2 resource by its id. Safe to repeat: tags are set, not added.
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
