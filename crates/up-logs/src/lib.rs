//! Kinds of the CloudWatch Logs API. One file per kind.

mod log_group;

use up_core::{AnyKind, Of};

pub use log_group::LogGroup;

up_core::client!(aws_sdk_cloudwatchlogs);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<LogGroup>::KIND];
