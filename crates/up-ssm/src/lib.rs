//! Kinds of the SSM API. One file per kind.

pub mod parameter;

use up_core::{AnyKind, ErrorKind, ErrorRule, Of};

up_core::client!(aws_sdk_ssm, ERRORS);

const ERRORS: &[ErrorRule] = &[
    // "There are concurrent updates for a resource that supports one update at a time" (API reference of SSM, PutParameter
    // and AddTagsToResource).
    ErrorRule::new(ErrorKind::Conflict).code("TooManyUpdates"),
    // What the calls for tags say of a parameter that does not exist.
    ErrorRule::new(ErrorKind::NotFound).code("InvalidResourceId"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<parameter::Parameter>::KIND];
