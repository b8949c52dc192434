//! Names what still holds a resource that AWS refuses to delete.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use up_core::{Context, Error, ErrorKind, Result, concurrently};

use crate::client;

/// The filter that finds the interfaces of a security group.
const GROUP: &str = "group-id";

/// Makes of AWS's "has dependencies" the network interfaces that are in the way, and whose they are.
///
/// `filter` is how DescribeNetworkInterfaces finds them: `subnet-id`, `group-id`, `vpc-id`.
pub(crate) async fn name_holders(cx: &Context, filter: &str, id: &str, refusal: Error) -> Error {
    if refusal.kind != ErrorKind::Conflict {
        return refusal;
    }
    let mut found = holders(cx, filter, id).await.unwrap_or_default();
    if found.is_empty() && filter == GROUP {
        found = groups_naming(cx, id).await.unwrap_or_default();
    }
    if found.is_empty() { refusal } else { held_by(id, &found, refusal) }
}

/// The network interfaces that a filter finds, in words.
pub(crate) async fn holders(cx: &Context, filter: &str, id: &str) -> Result<Vec<String>> {
    let filter = Filter::builder().name(filter).values(id).build();
    let answer = client(cx).describe_network_interfaces().filters(filter).send().await?;
    Ok(answer.network_interfaces().iter().map(holder).collect())
}

/// A refusal that says what is in the way.
pub(crate) fn held_by(id: &str, holders: &[String], refusal: Error) -> Error {
    Error { message: format!("{id} is still used by {}", holders.join(", ")), ..refusal }
}

/// Turns a refused delete into one that says why; see [`name_holders`].
pub(crate) async fn or_holders(cx: &Context, filter: &str, id: &str, deleted: Result<()>) -> Result<()> {
    match deleted {
        Err(refusal) => Err(name_holders(cx, filter, id, refusal).await),
        deleted => deleted,
    }
}

/// The security groups whose rules name one: these hold it as interfaces do.
async fn groups_naming(cx: &Context, id: &str) -> Result<Vec<String>> {
    let asked = ["ip-permission.group-id", "egress.ip-permission.group-id"].map(|filter| async move {
        let by = Filter::builder().name(filter).values(id).build();
        client(cx).describe_security_groups().filters(by).send().await.map_err(Error::from)
    });
    let groups = concurrently(asked).await?.into_iter().flat_map(|answer| answer.security_groups.unwrap_or_default());
    let others: BTreeSet<_> = groups.filter_map(|group| group.group_id).filter(|group| group != id).collect();
    Ok(others.into_iter().map(|group| format!("a rule of {group}")).collect())
}

fn holder(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or("a network interface");
    match (interface.description().filter(|text| !text.is_empty()), interface.requester_id()) {
        (Some(description), _) => format!("{id} ({description})"),
        (None, Some(requester)) => format!("{id} (of {requester})"),
        (None, None) => id.to_owned(),
    }
}
