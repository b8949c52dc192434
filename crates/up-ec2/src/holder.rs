//! Names what still holds a resource that AWS refuses to delete.

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use up_core::{Cx, Error, ErrorKind, Result};

use crate::client;

/// Makes of AWS's "has dependencies" the network interfaces that are in the way, and whose they are.
///
/// `filter` is how DescribeNetworkInterfaces finds them: `subnet-id`, `group-id`, `vpc-id`.
pub(crate) async fn name_holders(cx: &Cx, filter: &str, id: &str, refusal: Error) -> Error {
    if refusal.kind != ErrorKind::Conflict {
        return refusal;
    }
    match holders(cx, filter, id).await {
        Ok(holders) if !holders.is_empty() => held_by(id, &holders, refusal),
        _ => refusal,
    }
}

/// The network interfaces that a filter finds, in words.
pub(crate) async fn holders(cx: &Cx, filter: &str, id: &str) -> Result<Vec<String>> {
    let filter = Filter::builder().name(filter).values(id).build();
    let answer = client(cx).describe_network_interfaces().filters(filter).send().await?;
    Ok(answer.network_interfaces().iter().map(holder).collect())
}

/// A refusal that says what is in the way.
pub(crate) fn held_by(id: &str, holders: &[String], refusal: Error) -> Error {
    Error { message: format!("{id} is still held by {}", holders.join(", ")), ..refusal }
}

/// Turns a refused delete into one that says why; see [`name_holders`].
pub(crate) async fn or_holders(cx: &Cx, filter: &str, id: &str, deleted: Result<()>) -> Result<()> {
    match deleted {
        Err(refusal) => Err(name_holders(cx, filter, id, refusal).await),
        deleted => deleted,
    }
}

fn holder(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or("a network interface");
    match (interface.description().filter(|text| !text.is_empty()), interface.requester_id()) {
        (Some(description), _) => format!("{id} ({description})"),
        (None, Some(requester)) => format!("{id} (of {requester})"),
        (None, None) => id.to_owned(),
    }
}
