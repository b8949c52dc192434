//! Names the resources that prevent a deletion.

use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceType};
use up_core::{Context, Error, ErrorKind, Result};

use crate::client;

/// The resources that still use a resource.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    names: Vec<String>,
    /// True if AWS deletes some of them itself, together with the resource that they belong to.
    are_leaving: bool,
}

impl Holders {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Adds a rule of a security group outside the stack.
    pub(crate) fn add_rule_of(&mut self, group: &str) {
        let rule = format!("a rule of {group}");
        if !self.names.contains(&rule) {
            self.names.push(rule);
        }
    }

    /// AWS's error, with the resources that prevent the deletion. Those that AWS does not delete itself stay until
    /// somebody deletes them.
    pub(crate) fn refusal(&self, id: &str, refusal: Error) -> Error {
        let kind = if self.are_leaving { ErrorKind::Conflict } else { ErrorKind::Held };
        Error { kind, message: format!("{id} is still used by {}", self.names.join(", ")), ..refusal }
    }
}

/// The network interfaces that match a filter: `subnet-id`, `group-id`, `vpc-id`.
pub(crate) async fn holders(cx: &Context, filter: &str, id: &str) -> Result<Holders> {
    let answer = client(cx).describe_network_interfaces().filters(crate::filter(filter, [id])).send().await?;
    let interfaces = answer.network_interfaces();
    Ok(Holders { names: interfaces.iter().map(name).collect(), are_leaving: interfaces.iter().any(is_of_aws) })
}

/// If AWS refused a delete because of dependencies, replaces its error by one that names the network interfaces.
pub(crate) async fn or_holders(cx: &Context, filter: &str, id: &str, deleted: Result<()>) -> Result<()> {
    match deleted {
        Err(refusal) if refusal.kind == ErrorKind::Conflict => {
            let found = holders(cx, filter, id).await.unwrap_or_default();
            Err(if found.is_empty() { refusal } else { found.refusal(id, refusal) })
        }
        deleted => deleted,
    }
}

fn name(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or("a network interface");
    match (description(interface), interface.requester_id()) {
        (Some(description), _) => format!("{id} ({description})"),
        (None, Some(requester)) => format!("{id} (of {requester})"),
        (None, None) => id.to_owned(),
    }
}

/// True if an AWS service created the interface, and deletes it together with its own resource. For interfaces of VPC
/// endpoints, EC2 does not set `requester-managed`.
fn is_of_aws(interface: &NetworkInterface) -> bool {
    let is_plain = interface.interface_type().is_none_or(|kind| *kind == NetworkInterfaceType::Interface);
    let is_of_endpoint = description(interface).is_some_and(|text| text.starts_with("VPC Endpoint Interface"));
    interface.requester_managed() == Some(true) || !is_plain || is_of_endpoint
}

fn description(interface: &NetworkInterface) -> Option<&str> {
    interface.description().filter(|text| !text.is_empty())
}
