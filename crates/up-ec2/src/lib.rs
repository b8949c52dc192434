//! Kinds of the EC2 API. One file per kind.

mod check;
pub mod eip;
mod guardduty;
mod holder;
pub mod internet_gateway;
pub mod key_pair;
pub mod nat_gateway;
mod ports;
mod route;
pub mod route_table;
mod rule;
mod rule_change;
pub mod security_group;
pub mod subnet;
mod tagging;
mod token;
pub mod vpc;
pub mod vpc_endpoint;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter};
use up_core::{AnyKind, Context, ErrorKind, ErrorRule, Name, Of, Ref, Result, present};

use tagging::{ours, owned, retag, selected, tags};

up_core::client!(aws_sdk_ec2, ERRORS);

const ERRORS: &[ErrorRule] = &[
    // Of an address that something still maps: no word about our credentials (kops, pkg/resources/aws/errors.go).
    ErrorRule::new(ErrorKind::Conflict).on("ReleaseAddress").code("AuthFailure").text("specified resource"),
    // Only what has been seen is tagged: one that is not found is not yet known everywhere (kops, awsup/aws_utils.go).
    ErrorRule::new(ErrorKind::Propagating).on("CreateTags").code("NotFound"),
    ErrorRule::new(ErrorKind::Propagating).on("DeleteTags").code("NotFound"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[
    &Of::<eip::Eip>::KIND,
    &Of::<internet_gateway::InternetGateway>::KIND,
    &Of::<key_pair::KeyPair>::KIND,
    &Of::<nat_gateway::NatGateway>::KIND,
    &Of::<route_table::RouteTable>::KIND,
    &Of::<security_group::SecurityGroup>::KIND,
    &Of::<subnet::Subnet>::KIND,
    &Of::<vpc::Vpc>::KIND,
    &Of::<vpc_endpoint::VpcEndpoint>::KIND,
];

/// Every answer names what it made.
fn made(id: Option<String>) -> Result<String> {
    present(id, "id of what it made")
}

/// The ARN of what EC2 itself only gives an id.
fn arn(cx: &Context, resource: &str, id: &str) -> String {
    format!("arn:{}:ec2:{}:{}:{resource}/{id}", cx.partition(), cx.region(), cx.account())
}

/// What AWS calls the targets of references.
fn ids<K: Name>(cx: &Context, references: &BTreeSet<Ref<K>>) -> Result<BTreeSet<String>> {
    references.iter().map(|reference| cx.id(reference)).collect()
}

/// What has one of these values.
fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// How EC2 takes a truth that changes.
fn switch(is_on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(is_on).build()
}
