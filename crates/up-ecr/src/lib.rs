//! Kinds of the ECR API. One file per kind.

mod lifecycle;
pub mod repository;

use up_core::{AnyKind, Of};

up_core::client!(aws_sdk_ecr, &[]);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<repository::Repository>::KIND];
