//! Deploys images to the services of a stack: each gets a revision of what it runs that differs in images alone, and a
//! deployment that is watched to its end.
//!
//! A deployment goes on in AWS whatever becomes of the run. The same command again finds it, by the images that it deploys, and
//! watches it: it never starts a second one.

mod control;
mod decide;
mod images;
mod job;
mod log;
mod names;
mod report;
mod run;
mod watch;

use std::{collections::BTreeMap, time::Duration};

use up_core::{
    Context, Error,
    deploying::{Deployer, Deploying, ImageRegistry, LogReader},
};

pub use self::{
    control::{PastDeployment, ServiceHistory},
    names::Change,
    report::{DEPLOY_FORMAT, DeployReport, DeployResult, DeploymentLog, ServiceReport},
};
use crate::{Failure, session::call_refused};

/// How services are deployed.
#[derive(Debug, Clone)]
pub struct DeployOptions {
    /// How long to wait for another run of the same stack to end.
    pub lock_timeout: Duration,
    /// How long to watch the deployments.
    pub timeout: Duration,
    /// Starts the deployments and does not watch them.
    pub detach: bool,
}

/// Images by container.
type Images = BTreeMap<String, String>;

/// What deploys services, if it is built in.
pub(crate) fn deployer() -> Option<&'static dyn Deployer> {
    up_kinds::SERVICES.iter().find_map(|service| match service.deploying {
        Some(Deploying::Services(deployer)) => Some(deployer),
        _ => None,
    })
}

fn registries() -> impl Iterator<Item = &'static dyn ImageRegistry> {
    up_kinds::SERVICES.iter().filter_map(|service| match service.deploying {
        Some(Deploying::Images(registry)) => Some(registry),
        _ => None,
    })
}

fn log_reader() -> Option<&'static dyn LogReader> {
    up_kinds::SERVICES.iter().find_map(|service| match service.deploying {
        Some(Deploying::Logs(reader)) => Some(reader),
        _ => None,
    })
}

/// The failure of a call: `doing` reads on after "failed".
fn refused(doing: &str, error: &Error) -> Failure {
    call_refused(doing, error, &[])
}

/// `orders:41`, of `arn:aws:ecs:us-east-1:123456789012:task-definition/orders:41`.
fn short_revision(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The registry that an image is in, and the repository there.
fn repository(cx: &Context, image: &str) -> Option<(&'static dyn ImageRegistry, up_core::deploying::ImageRepository)> {
    registries().find_map(|registry| Some((registry, registry.repository(cx, image)?)))
}
