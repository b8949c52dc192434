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
mod strangers;
pub mod subnet;
mod tagging;
mod token;
pub mod vpc;
pub mod vpc_endpoint;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter};
use up_core::{Context, ErrorKind, ErrorRule, Limit, Name, Of, Ref, Result, Service, Tagging, present};

use tagging::{ours, owned, retag, selected};

up_core::client!(aws_sdk_ec2, SERVICE);
up_core::tags!(aws_sdk_ec2::types::Tag);

/// EC2.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[
        &Of::<eip::Eip>::KIND,
        &Of::<internet_gateway::InternetGateway>::KIND,
        &Of::<key_pair::KeyPair>::KIND,
        &Of::<nat_gateway::NatGateway>::KIND,
        &Of::<route_table::RouteTable>::KIND,
        &Of::<security_group::SecurityGroup>::KIND,
        &Of::<subnet::Subnet>::KIND,
        &Of::<vpc::Vpc>::KIND,
        &Of::<vpc_endpoint::VpcEndpoint>::KIND,
    ],
    ..Service::new("ec2")
};

const ERRORS: &[ErrorRule] = &[
    // The address is still in use; despite its code, the error is not about our credentials (kops,
    // pkg/resources/aws/errors.go).
    ErrorRule::new(ErrorKind::Conflict).on("ReleaseAddress").code("AuthFailure").text("specified resource"),
    // Tags are set only on resources that exist: one that is not found has not propagated yet (kops,
    // awsup/aws_utils.go).
    ErrorRule::new(ErrorKind::Propagating).on("CreateTags").code("NotFound"),
    ErrorRule::new(ErrorKind::Propagating).on("DeleteTags").code("NotFound"),
];

/// From "Request throttling for the Amazon EC2 API".
const LIMITS: &[Limit] = &[
    Limit::new("Describe*", 100.0, 20.0),
    Limit::new("Get*", 100.0, 20.0),
    Limit::new("RunInstances", 5.0, 2.0),
    Limit::new("CreateTags", 100.0, 10.0),
    Limit::new("CreateNatGateway", 10.0, 1.0),
    Limit::new("DeleteNatGateway", 10.0, 1.0),
    Limit::new("CreateVpcEndpoint", 4.0, 0.3),
    Limit::new("ModifyVpcEndpoint", 4.0, 0.3),
    Limit::new("DeleteVpcEndpoints", 4.0, 0.3),
    Limit::new("*", 50.0, 5.0),
];

/// The id in the answer of a create call.
fn made(id: Option<String>) -> Result<String> {
    present(id, "id of the resource it created")
}

/// Builds the ARN of a resource that EC2 describes only by its id.
fn arn(cx: &Context, resource: &str, id: &str) -> String {
    SERVICE.arn(cx, format_args!("{resource}/{id}"))
}

/// The ids of the targets of references.
fn ids<K: Name>(cx: &Context, references: &BTreeSet<Ref<K>>) -> Result<BTreeSet<String>> {
    references.iter().map(|reference| cx.id(reference)).collect()
}

/// A filter for resources with one of these values.
fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// A boolean attribute, in the form that EC2's `Modify…Attribute` calls take.
fn switch(is_on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(is_on).build()
}
