//! Kinds of the iam API. One file per kind.

use up_core::AnyKind;

up_core::client!(aws_sdk_iam);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[];
