//! Kinds of the elbv2 API. One file per kind.

use up_core::AnyKind;

up_core::client!(aws_sdk_elasticloadbalancingv2);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[];
