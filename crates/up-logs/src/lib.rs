//! Kinds of the CloudWatch Logs API. One file per kind.

pub mod log_group;

use up_core::{AnyKind, ErrorKind, ErrorRule, Of};

up_core::client!(aws_sdk_cloudwatchlogs, ERRORS);

/// A key's policy takes some seconds until Logs sees it; it says so with AccessDenied, or as a wrong parameter.
const ERRORS: &[ErrorRule] = &[
    ErrorRule::new(ErrorKind::Propagating).text("KMS key does not exist or is not allowed to be used"),
    ErrorRule::new(ErrorKind::Propagating).text("KMS Key Id could not be found"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<log_group::LogGroup>::KIND];
