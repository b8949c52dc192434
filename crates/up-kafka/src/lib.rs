//! Kinds of the MSK API. One file per kind.

pub mod cluster;
mod cluster_limits;
mod cluster_parts;
mod cluster_wire;
pub mod configuration;
mod throughput;

use up_core::{ErrorKind, ErrorRule, Limit, Of, Service, Tagging, Tags};

up_core::client!(aws_sdk_kafka, SERVICE);
// For clusters only: a configuration has no tags.
up_core::tag_resource!(|tags: &Tags| tags.clone().into_iter().collect());

/// MSK.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ById(retag),
    kinds: &[&Of::<cluster::Cluster>::KIND, &Of::<configuration::Configuration>::KIND],
    ..Service::new("kafka")
};

/// MSK uses the same code for most errors; the text tells them apart.
const ERRORS: &[ErrorRule] = &[
    ErrorRule::new(ErrorKind::Exists).on("Create").code("ConflictException"),
    ErrorRule::new(ErrorKind::Conflict).code("ConflictException"),
    ErrorRule::new(ErrorKind::Conflict).code("BadRequestException").text(" state"),
    ErrorRule::new(ErrorKind::Conflict).code("BadRequestException").text("in use"),
    ErrorRule::new(ErrorKind::Conflict).code("BadRequestException").text("current version"),
    ErrorRule::new(ErrorKind::Conflict).code("BadRequestException").text("in progress"),
    // Reported by users of AWS (AWS_BEHAVIOUR, 0.1): the first cluster of an account creates the role and does not wait
    // for it.
    ErrorRule::new(ErrorKind::Propagating).text("service-linked role"),
    ErrorRule::new(ErrorKind::Propagating).text("service linked role"),
    // A new subnet or security group.
    ErrorRule::new(ErrorKind::Propagating).on("CreateCluster").code("BadRequestException").text("do not exist"),
    ErrorRule::new(ErrorKind::Propagating).on("CreateCluster").code("BadRequestException").text("does not exist"),
];

const LIMITS: &[Limit] = &[
    Limit::new("Describe*", 20.0, 10.0).guess(),
    Limit::new("Get*", 20.0, 10.0).guess(),
    Limit::new("List*", 20.0, 10.0).guess(),
    Limit::new("*", 10.0, 2.0).guess(),
];
