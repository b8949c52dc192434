//! What a task definition says of one container.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Map,
    words::{AppProtocol, Condition, LogDriver, LogRouter, Transport, UlimitName},
};

/// One container of a task. What is left out is not set; ECS adds nothing to it that is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Container {
    /// Its name, unique in the task: letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// The image, with its registry and its tag or digest.
    pub(crate) image: String,
    /// Stops the whole task when it stops. Default: true.
    #[serde(default = "yes")]
    pub(crate) essential: bool,
    /// CPU units it is sure of (1024 are one vCPU), within those of the task. Default: 0, an equal share.
    #[serde(default)]
    pub(crate) cpu: u32,
    /// MiB it may use before it is killed.
    pub(crate) memory: Option<u32>,
    /// MiB it is sure of.
    pub(crate) memory_reservation: Option<u32>,
    /// What it runs, in place of the image's entry point. Default: the image's.
    #[serde(default)]
    pub(crate) entry_point: Vec<String>,
    /// Arguments, in place of the image's. Default: the image's.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    /// Who it runs as: `user`, `uid`, `uid:gid` …
    pub(crate) user: Option<String>,
    /// Where it starts. Left out: the image's own.
    pub(crate) working_directory: Option<String>,
    /// Environment variables. Nothing secret: these can be read by whoever may describe the task definition.
    #[serde(default)]
    pub(crate) environment: Map,
    /// Files of environment variables in S3, as ARNs. Default: none.
    #[serde(default)]
    pub(crate) environment_files: BTreeSet<String>,
    /// Environment variables whose values ECS fetches at start: ARNs of Secrets Manager secrets (with
    /// `:json-key:version-stage:version-id` behind them, where wanted) or of SSM parameters.
    #[serde(default)]
    pub(crate) secrets: Map,
    /// Ports it listens on.
    #[serde(default)]
    pub(crate) port_mappings: BTreeSet<PortMapping>,
    /// Where its output goes. Left out: nowhere on Fargate.
    pub(crate) log_configuration: Option<LogConfiguration>,
    /// How ECS tells whether it is well. Left out: it is well while it runs.
    pub(crate) health_check: Option<HealthCheck>,
    /// Containers that must have come so far before it starts.
    #[serde(default)]
    pub(crate) depends_on: BTreeSet<Dependency>,
    /// Starts it again when it stops, without replacing the task. Left out: no.
    pub(crate) restart_policy: Option<RestartPolicy>,
    /// Seconds to wait for what it depends on before giving up. Left out: 180.
    pub(crate) start_timeout: Option<u32>,
    /// Seconds between asking it to stop and killing it, 120 at most on Fargate. Left out: 30.
    pub(crate) stop_timeout: Option<u32>,
    /// Volumes it mounts.
    #[serde(default)]
    pub(crate) mount_points: BTreeSet<MountPoint>,
    /// Keeps its own files from being written. Default: false.
    #[serde(default)]
    pub(crate) readonly_root_filesystem: bool,
    /// Gives it the host's powers; not on Fargate. Default: false.
    #[serde(default)]
    pub(crate) privileged: bool,
    /// Keeps its standard input open. Default: false.
    #[serde(default)]
    pub(crate) interactive: bool,
    /// Gives it a terminal. Default: false.
    #[serde(default)]
    pub(crate) pseudo_terminal: bool,
    /// Limits of the operating system, such as open files.
    #[serde(default)]
    pub(crate) ulimits: BTreeSet<Ulimit>,
    /// Settings of the Linux kernel.
    #[serde(default)]
    pub(crate) linux_parameters: LinuxParameters,
    /// Kernel parameters (`net.core.somaxconn`) and their values.
    #[serde(default)]
    pub(crate) system_controls: Map,
    /// Labels on the container.
    #[serde(default)]
    pub(crate) docker_labels: Map,
    /// Makes it the task's log router, for log configurations with the driver `awsfirelens`.
    pub(crate) firelens_configuration: Option<Firelens>,
    /// The secret, as an ARN, that opens a private registry which is not ECR.
    pub(crate) repository_credentials: Option<String>,
    /// GPUs it takes for itself; not on Fargate.
    pub(crate) gpus: Option<u32>,
}

impl Container {
    pub(crate) fn without_host_ports(mut self) -> Self {
        self.port_mappings = self.port_mappings.into_iter().map(|it| PortMapping { host_port: None, ..it }).collect();
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortMapping {
    /// The port it listens on.
    pub(crate) container_port: u16,
    /// `tcp` or `udp`. Default: `tcp`.
    #[serde(default = "tcp")]
    pub(crate) protocol: Transport,
    /// The host's port. Left out: in network mode `bridge` any that is free, in others the container's, and no other.
    pub(crate) host_port: Option<u16>,
    /// The name that Service Connect knows the port by.
    pub(crate) name: Option<String>,
    /// `http`, `http2` or `grpc`, for what Service Connect measures. Left out: it sees connections.
    pub(crate) app_protocol: Option<AppProtocol>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogConfiguration {
    /// `awslogs`, `awsfirelens` or `splunk` on Fargate; any of Docker's on EC2.
    pub(crate) log_driver: LogDriver,
    /// The driver's options, such as `awslogs-group`, `awslogs-region` and `awslogs-stream-prefix`.
    #[serde(default)]
    pub(crate) options: Map,
    /// Options whose values ECS fetches at start: ARNs, as in `secrets`.
    #[serde(default)]
    pub(crate) secret_options: Map,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthCheck {
    /// What is run in the container: `["CMD", …]`, or `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`.
    pub(crate) command: Vec<String>,
    /// Seconds between two checks, 5 to 300. Default: 30.
    #[serde(default = "half_a_minute")]
    pub(crate) interval: u32,
    /// Seconds a check may take, 2 to 60. Default: 5.
    #[serde(default = "five")]
    pub(crate) timeout: u32,
    /// Failures in a row that make it unhealthy, 1 to 10. Default: 3.
    #[serde(default = "three")]
    pub(crate) retries: u32,
    /// Seconds after its start in which failures do not count, 300 at most. Default: 0.
    #[serde(default)]
    pub(crate) start_period: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    /// A container of the same task.
    pub(crate) container_name: String,
    /// How far it must have come: `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
    pub(crate) condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestartPolicy {
    /// Exit codes after which it stays down. Default: none.
    #[serde(default)]
    pub(crate) ignored_exit_codes: BTreeSet<i32>,
    /// Seconds it must have run before it is started again, 60 to 1800. Default: 300.
    #[serde(default = "five_minutes")]
    pub(crate) restart_attempt_period: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MountPoint {
    /// The name of one of the task's volumes.
    pub(crate) source_volume: String,
    /// Where it appears in the container.
    pub(crate) container_path: String,
    /// Keeps it from being written. Default: false.
    #[serde(default)]
    pub(crate) read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ulimit {
    /// `nofile`, `nproc`, `memlock` … Fargate takes `nofile` only.
    pub(crate) name: UlimitName,
    /// What it starts with.
    pub(crate) soft_limit: i32,
    /// How far it may raise that itself.
    pub(crate) hard_limit: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinuxParameters {
    /// Runs a small init that passes on signals and buries dead processes. Default: false.
    #[serde(default)]
    pub(crate) init_process_enabled: bool,
    /// Powers of the kernel it has, beside or without those Docker gives.
    #[serde(default)]
    pub(crate) capabilities: Capabilities,
    /// MiB of `/dev/shm`; not on Fargate.
    pub(crate) shared_memory_size: Option<u32>,
    /// File systems in memory; not on Fargate.
    #[serde(default)]
    pub(crate) tmpfs: BTreeSet<Tmpfs>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capabilities {
    /// Capabilities beyond Docker's own, such as `SYS_PTRACE`, the one that Fargate takes.
    #[serde(default)]
    pub(crate) add: BTreeSet<String>,
    /// Capabilities taken away; `ALL` for all.
    #[serde(default)]
    pub(crate) drop: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tmpfs {
    /// Where it appears in the container.
    pub(crate) container_path: String,
    /// MiB it may hold.
    pub(crate) size: u32,
    /// Options such as `noexec`. Default: none.
    #[serde(default)]
    pub(crate) mount_options: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Firelens {
    /// `fluentbit` or `fluentd`.
    #[serde(rename = "type")]
    pub(crate) router: LogRouter,
    /// Options such as `enable-ecs-log-metadata`.
    #[serde(default)]
    pub(crate) options: Map,
}

fn yes() -> bool {
    true
}

fn tcp() -> Transport {
    Transport::Tcp
}

fn half_a_minute() -> u32 {
    30
}

fn five_minutes() -> u32 {
    300
}

fn five() -> u32 {
    5
}

fn three() -> u32 {
    3
}
