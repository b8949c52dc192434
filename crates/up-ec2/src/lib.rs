//! Kinds of the EC2 API. One file per kind.

mod check;
mod eip;
mod holder;
mod internet_gateway;
mod nat_gateway;
mod ports;
mod route;
mod route_table;
mod rule;
mod security_group;
mod subnet;
mod tagging;
mod token;
mod vpc;
mod vpc_endpoint;

use std::collections::BTreeSet;

use up_core::{AnyKind, Cx, Error, Name, Of, Ref, Result};

pub use eip::Eip;
pub use internet_gateway::InternetGateway;
pub use nat_gateway::NatGateway;
pub use route_table::RouteTable;
pub use security_group::SecurityGroup;
pub use subnet::Subnet;
pub use vpc::Vpc;
pub use vpc_endpoint::VpcEndpoint;

use tagging::{ours, owned, retag, tags};

up_core::client!(aws_sdk_ec2);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[
    &Of::<Eip>::KIND,
    &Of::<InternetGateway>::KIND,
    &Of::<NatGateway>::KIND,
    &Of::<RouteTable>::KIND,
    &Of::<SecurityGroup>::KIND,
    &Of::<Subnet>::KIND,
    &Of::<Vpc>::KIND,
    &Of::<VpcEndpoint>::KIND,
];

/// What AWS always sends; an answer without it is no answer.
fn present<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| Error::absent(what))
}

/// Every answer names what it made.
fn made(id: Option<String>) -> Result<String> {
    present(id, "id of what it made")
}

/// The ARN of what EC2 itself only gives an id.
fn arn(cx: &Cx, resource: &str, id: &str) -> String {
    format!("arn:{}:ec2:{}:{}:{resource}/{id}", cx.partition(), cx.region(), cx.account())
}

/// What AWS calls the targets of references.
fn ids<K: Name>(cx: &Cx, references: &BTreeSet<Ref<K>>) -> Result<BTreeSet<String>> {
    references.iter().map(|reference| cx.id(reference)).collect()
}
