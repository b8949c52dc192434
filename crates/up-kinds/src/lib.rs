//! The registry: every service and every kind there is; and what is asked of AWS about all of them together.

mod alias;
mod identity;
mod index;
mod role;

use std::{collections::HashMap, sync::LazyLock};

use up_core::{AnyKind, Model, Service};

pub use alias::account_alias;
pub use identity::{Identity, identity};
pub use index::index;
pub use role::{AssumableRole, assume};

/// Every service that a command makes calls to, but for S3, where a stack may keep its history. Each service that has kinds is
/// a feature.
pub static SERVICES: &[&Service] = &[
    &identity::STS,
    &index::SERVICE,
    #[cfg(feature = "ec2")]
    &up_ec2::SERVICE,
    #[cfg(feature = "ecr")]
    &up_ecr::SERVICE,
    #[cfg(feature = "ecs")]
    &up_ecs::SERVICE,
    #[cfg(feature = "elbv2")]
    &up_elbv2::SERVICE,
    #[cfg(feature = "iam")]
    &up_iam::SERVICE,
    #[cfg(feature = "kafka")]
    &up_kafka::SERVICE,
    #[cfg(feature = "logs")]
    &up_logs::SERVICE,
    #[cfg(feature = "rds")]
    &up_rds::SERVICE,
    #[cfg(feature = "sns")]
    &up_sns::SERVICE,
    #[cfg(feature = "ssm")]
    &up_ssm::SERVICE,
];

/// Every kind, service by service.
pub fn all() -> Vec<&'static dyn AnyKind> {
    SERVICES.iter().flat_map(|service| service.kinds).copied().collect()
}

/// The kind of this name, such as `ec2.subnet`.
pub fn find(name: &str) -> Option<&'static dyn AnyKind> {
    static BY_NAME: LazyLock<HashMap<&str, &dyn AnyKind>> =
        LazyLock::new(|| all().into_iter().map(|kind| (kind.name(), kind)).collect());
    BY_NAME.get(name).copied()
}

/// The models of all kinds.
pub fn models() -> Vec<&'static dyn Model> {
    all().into_iter().map(|kind| kind as &dyn Model).collect()
}

/// The model of the kind of this name: all that planning needs of it.
pub fn model(name: &str) -> Option<&'static dyn Model> {
    find(name).map(|kind| kind as &dyn Model)
}
