//! Kinds of the rds API. One file per kind.

use up_core::AnyKind;

up_core::client!(aws_sdk_rds);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[];
