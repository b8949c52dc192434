//! Kinds of the ecs API. One file per kind.

use up_core::AnyKind;

up_core::client!(aws_sdk_ecs);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[];
