//! Kinds of the ECR API. One file per kind.

mod lifecycle;
pub mod repository;

use up_core::{AnyKind, ErrorKind, ErrorRule, Of};

up_core::client!(aws_sdk_ecr, ERRORS);

const ERRORS: &[ErrorRule] = &[
    // A policy that names a role made a moment ago (terraform-provider-aws, ecr/repository_policy.go). One that is wrong
    // for good gets the same words, and is told of a little later.
    ErrorRule::new(ErrorKind::Propagating).on("SetRepositoryPolicy").text("Invalid repository policy provided"),
];

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<repository::Repository>::KIND];
