//! What deployments of services need of AWS's services, in plain types: the engine finds them by [`crate::Service::deploying`],
//! and names none.

use std::{collections::BTreeMap, time::SystemTime};

use crate::{Context, Later};

/// The part that a service of AWS has in deployments.
#[derive(Clone, Copy)]
pub enum Deploying {
    /// It runs services, and deploys them.
    Services(&'static dyn Deployer),
    /// It holds images.
    Images(&'static dyn ImageRegistry),
    /// It keeps what containers write.
    Logs(&'static dyn LogReader),
}

/// Deploys services: revisions of what they run, and deployments of these.
///
/// Services are named by ARN, see [`crate::Observed::id`].
pub trait Deployer: Send + Sync {
    /// The kind of the services: `ecs.service`.
    fn service_kind(&self) -> &'static str;
    /// The field of a service that refers to the definition of what it runs: `task_definition`.
    fn definition_field(&self) -> &'static str;
    /// The kind of the definitions: `ecs.task_definition`.
    fn definition_kind(&self) -> &'static str;
    /// Reads a service, what it runs, and what has become of it lately.
    fn service<'a>(&'a self, cx: &'a Context, service: &'a str) -> Later<'a, DeployedService>;
    /// The deployments of a service, the newest first, `limit` at most.
    fn deployments<'a>(&'a self, cx: &'a Context, service: &'a str, limit: usize) -> Later<'a, Vec<Deployment>>;
    /// Some deployments, with all that is known of each; those that are gone are left out.
    fn watch<'a>(&'a self, cx: &'a Context, deployments: &'a [String]) -> Later<'a, Vec<Deployment>>;
    /// An active revision that differs from `definition` in these images alone, of the newest ones: by container.
    fn find_revision<'a>(
        &'a self,
        cx: &'a Context,
        definition: &'a str,
        images: &'a BTreeMap<String, String>,
    ) -> Later<'a, Option<String>>;
    /// Registers a revision that differs from `definition` in these images alone, with the same tags. Its doc comment says
    /// why it is safe to repeat.
    fn register<'a>(
        &'a self,
        cx: &'a Context,
        definition: &'a str,
        images: &'a BTreeMap<String, String>,
    ) -> Later<'a, String>;
    /// Starts a deployment of a revision; `force` where the service is to run it already.
    fn start<'a>(&'a self, cx: &'a Context, service: &'a str, definition: &'a str, force: bool) -> Later<'a, ()>;
    /// Stops a deployment that is running, and goes back to what ran before.
    fn stop<'a>(&'a self, cx: &'a Context, deployment: &'a str) -> Later<'a, ()>;
    /// Lets a deployment that is paused go on, or has it go back.
    fn resume<'a>(&'a self, cx: &'a Context, deployment: &'a str, hook: &'a str, back: bool) -> Later<'a, ()>;
    /// Why tasks of a definition have stopped lately: distinct reasons, the first ones first.
    fn failures<'a>(&'a self, cx: &'a Context, service: &'a str, definition: &'a str) -> Later<'a, Vec<TaskFailure>>;
}

/// A service, and what it runs.
#[derive(Debug, Clone)]
pub struct DeployedService {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many tasks it is to run.
    pub desired_count: u32,
    /// The ARN of the definition that it runs, or that its deployment is to run.
    pub definition: String,
    /// The containers of the definition.
    pub containers: Vec<DeployedContainer>,
    /// The architecture that images must be built for, in the words of OCI: `amd64`, `arm64`.
    pub architecture: String,
    /// What it has said lately, the newest first.
    pub events: Vec<(SystemTime, String)>,
}

/// A container of what a service runs.
#[derive(Debug, Clone)]
pub struct DeployedContainer {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Where it writes.
    pub log: Option<ContainerLog>,
}

/// Where a container writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerLog {
    /// The log group.
    pub group: String,
    /// The region, if it is said.
    pub region: Option<String>,
    /// What the names of its streams begin with; the name of the container and the id of the task follow.
    pub prefix: String,
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentPhase {
    /// It has not ended.
    Running,
    /// It is going back, and has not ended.
    RollingBack,
    /// It has ended, and what was to run runs.
    Successful,
    /// It has ended without going back.
    Stopped,
    /// It has ended, and what ran before runs again.
    RolledBack,
    /// It could not go back.
    RollbackFailed,
}

impl DeploymentPhase {
    /// True once nothing more happens.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::RollingBack)
    }
}

/// A deployment of a service.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its ARN.
    pub id: String,
    /// How far it has come.
    pub phase: DeploymentPhase,
    /// The same in AWS's word.
    pub status: String,
    /// AWS's reason.
    pub reason: Option<String>,
    /// The ARN of the definition that it deploys.
    pub definition: Option<String>,
    /// The images of the definition, by container: with their digests, where AWS has resolved them.
    pub images: BTreeMap<String, DeployedImage>,
    /// When it was created.
    pub created: Option<SystemTime>,
    /// When it ended.
    pub finished: Option<SystemTime>,
    /// How many tasks run, and how many are to.
    pub tasks: Option<(u32, u32)>,
    /// How many tasks have failed.
    pub failed_tasks: u32,
    /// The ARN of the definition that it went back to.
    pub rolled_back_to: Option<String>,
    /// The stage, in AWS's word, where it has stages.
    pub stage: Option<String>,
    /// The alarms that went off.
    pub alarms: Vec<String>,
    /// What it waits for.
    pub paused: Option<Pause>,
}

/// An image as it was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedImage {
    /// As the definition names it.
    pub image: String,
    /// Its digest, if it is known.
    pub digest: Option<String>,
}

/// A hook that a deployment waits at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Its id.
    pub hook: String,
    /// When the wait ends.
    pub expires: Option<SystemTime>,
    /// What is done then, in AWS's word.
    pub then: Option<String>,
}

/// Why a task stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFailure {
    /// The id of the task.
    pub task: String,
    /// AWS's reason.
    pub reason: String,
    /// The container that ended with an error, its exit code, and the reason.
    pub container: Option<(String, Option<i32>, Option<String>)>,
}

/// Holds images.
pub trait ImageRegistry: Send + Sync {
    /// The kind of the repositories, `ecr.repository`, and the attribute that images are named by.
    fn repository_kind(&self) -> (&'static str, &'static str);
    /// The repository that an image is in, if it is one of this registry in the context's region.
    fn repository(&self, cx: &Context, image: &str) -> Option<ImageRepository>;
    /// Looks for an image by its tag or its digest (`sha256:…`); `None` if there is none.
    fn find<'a>(
        &'a self,
        cx: &'a Context,
        repository: &'a ImageRepository,
        reference: &'a str,
    ) -> Later<'a, Option<FoundImage>>;
}

/// A repository of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRepository {
    /// What images are named by, without tag and digest.
    pub uri: String,
    /// The account that it is in.
    pub account: String,
    /// Its name.
    pub name: String,
}

/// An image that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// `sha256:…`.
    pub digest: String,
    /// The architectures that it is built for; empty if the registry does not tell.
    pub architectures: Vec<String>,
}

/// Keeps what containers write.
pub trait LogReader: Send + Sync {
    /// The last lines of a stream, the oldest first; none if there is no such stream.
    fn last_lines<'a>(
        &'a self,
        cx: &'a Context,
        group: &'a str,
        stream: &'a str,
        limit: usize,
    ) -> Later<'a, Vec<String>>;
}
