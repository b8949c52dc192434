//! Kinds of the CloudWatch Logs API. One file per kind.

pub mod log_group;

use up_core::{AnyKind, Of};

up_core::client!(aws_sdk_cloudwatchlogs, &[]);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<log_group::LogGroup>::KIND];
