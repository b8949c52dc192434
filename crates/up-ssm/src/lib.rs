//! Kinds of the SSM API. One file per kind.

pub mod parameter;

use up_core::{ErrorKind, ErrorRule, Limit, Of, Service};

up_core::client!(aws_sdk_ssm, SERVICE);

/// SSM.
pub static SERVICE: Service =
    Service { errors: ERRORS, limits: LIMITS, kinds: &[&Of::<parameter::Parameter>::KIND], ..Service::new("ssm") };

const ERRORS: &[ErrorRule] = &[
    // "There are concurrent updates for a resource that supports one update at a time" (API reference of SSM, PutParameter
    // and AddTagsToResource).
    ErrorRule::new(ErrorKind::Conflict).code("TooManyUpdates"),
    // What the calls for tags say of a parameter that does not exist.
    ErrorRule::new(ErrorKind::NotFound).code("InvalidResourceId"),
];

/// From "AWS Systems Manager endpoints and quotas", Parameter Store, without its higher throughput.
const LIMITS: &[Limit] = &[
    Limit::new("GetParameter*", 40.0, 40.0).shared("parameters read"),
    Limit::new("PutParameter", 3.0, 3.0),
    Limit::new("Describe*", 10.0, 10.0).guess(),
    Limit::new("List*", 10.0, 10.0).guess(),
    Limit::new("*", 5.0, 5.0).guess(),
];
