//! The registry: every kind there is; and what is asked of AWS about all of them together.

mod iam_prefix;
mod identity;
mod index;
mod role;

use std::{collections::HashMap, sync::LazyLock};

use up_core::AnyKind;

pub use iam_prefix::iam_prefix;
pub use identity::{Identity, identity};
pub use index::index;
pub use role::{Role, assume};

/// Every kind, service by service.
pub fn all() -> Vec<&'static dyn AnyKind> {
    [
        up_ec2::KINDS,
        up_ecr::KINDS,
        up_ecs::KINDS,
        up_elbv2::KINDS,
        up_iam::KINDS,
        up_kafka::KINDS,
        up_logs::KINDS,
        up_rds::KINDS,
    ]
    .concat()
}

/// The kind of this name, such as `ec2.subnet`.
pub fn find(name: &str) -> Option<&'static dyn AnyKind> {
    static BY_NAME: LazyLock<HashMap<&str, &dyn AnyKind>> =
        LazyLock::new(|| all().into_iter().map(|kind| (kind.name(), kind)).collect());
    BY_NAME.get(name).copied()
}
