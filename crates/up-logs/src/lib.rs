//! Kinds of the logs API. One file per kind.

use up_core::AnyKind;

up_core::client!(aws_sdk_cloudwatchlogs);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[];
