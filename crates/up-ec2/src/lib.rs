//! Kinds of the EC2 API. One file per kind.

mod vpc;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use up_core::{Address, AnyKind, Birth, Cx, Error, Of, Result, Scope, TagChange, Tags};

pub use vpc::Vpc;

up_core::client!(aws_sdk_ec2);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<Vpc>::KIND];

/// EC2 finds all of a stack's resources by tag, in one call.
fn owned(scope: &Scope) -> Filter {
    Filter::builder().name(format!("tag:{}", Address::STACK_TAG)).values(&scope.stack).build()
}

/// EC2 tags a resource in the call that makes it.
fn ours(resource: ResourceType, birth: &Birth) -> TagSpecification {
    TagSpecification::builder().resource_type(resource).set_tags(Some(list(&birth.tags))).build()
}

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn tags(tags: Option<Vec<Tag>>) -> Tags {
    tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value?))).collect()
}

/// Changes the tags of anything EC2 knows by an id. Safe to repeat: tags are set, not added.
async fn retag(cx: &Cx, id: &str, change: &TagChange) -> Result<()> {
    if !change.set.is_empty() {
        client(cx).create_tags().resources(id).set_tags(Some(list(&change.set))).send().await?;
    }
    if !change.remove.is_empty() {
        let keys = change.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        client(cx).delete_tags().resources(id).set_tags(Some(keys)).send().await?;
    }
    Ok(())
}

/// Every answer names what it made; one that does not is no answer.
fn made(id: Option<String>) -> Result<String> {
    id.ok_or_else(|| Error::absent("id of what it made"))
}
