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
pub use role::{AssumableRole, assume};

/// Every kind, service by service. Each service is a feature.
pub fn all() -> Vec<&'static dyn AnyKind> {
    let services: &[&[&dyn AnyKind]] = &[
        #[cfg(feature = "ec2")]
        up_ec2::KINDS,
        #[cfg(feature = "ecr")]
        up_ecr::KINDS,
        #[cfg(feature = "ecs")]
        up_ecs::KINDS,
        #[cfg(feature = "elbv2")]
        up_elbv2::KINDS,
        #[cfg(feature = "iam")]
        up_iam::KINDS,
        #[cfg(feature = "kafka")]
        up_kafka::KINDS,
        #[cfg(feature = "logs")]
        up_logs::KINDS,
        #[cfg(feature = "rds")]
        up_rds::KINDS,
        #[cfg(feature = "sns")]
        up_sns::KINDS,
        #[cfg(feature = "ssm")]
        up_ssm::KINDS,
    ];
    services.concat()
}

/// The kind of this name, such as `ec2.subnet`.
pub fn find(name: &str) -> Option<&'static dyn AnyKind> {
    static BY_NAME: LazyLock<HashMap<&str, &dyn AnyKind>> =
        LazyLock::new(|| all().into_iter().map(|kind| (kind.name(), kind)).collect());
    BY_NAME.get(name).copied()
}
