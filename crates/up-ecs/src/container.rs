//! What a task definition says of one container.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use up_core::part;

use crate::{
    Map, convert,
    words::{AppProtocol, Condition, LogDriver, LogRouter, Transport, UlimitName},
};

/// One container of a task. What is left out is not set; ECS adds nothing to it that is compared.
#[part(Eq, PartialOrd, Ord, mirrors = wire::ContainerDefinition)]
pub(crate) struct Container {
    /// Its name, unique in the task: letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// The image, with its registry and its tag or digest.
    pub(crate) image: String,
    /// Stops the whole task when it stops. Default: true.
    #[spec(default = true)]
    pub(crate) essential: bool,
    /// CPU units it is sure of (1024 are one vCPU), within those of the task. Default: 0, an equal share.
    #[spec(default)]
    pub(crate) cpu: u32,
    /// MiB it may use before it is killed.
    pub(crate) memory: Option<u32>,
    /// MiB it is sure of.
    pub(crate) memory_reservation: Option<u32>,
    /// What it runs, in place of the image's entry point. Default: the image's.
    #[spec(default)]
    pub(crate) entry_point: Vec<String>,
    /// Arguments, in place of the image's. Default: the image's.
    #[spec(default)]
    pub(crate) command: Vec<String>,
    /// Who it runs as: `user`, `uid`, `uid:gid` …
    pub(crate) user: Option<String>,
    /// Where it starts. Left out: the image's own.
    pub(crate) working_directory: Option<String>,
    /// Environment variables. Nothing secret: everybody who may describe the task definition can read them.
    #[spec(default, with = convert::pairs)]
    pub(crate) environment: Map,
    /// Files of environment variables in S3, as ARNs. Default: none.
    #[spec(default, with = convert::environment_files)]
    pub(crate) environment_files: BTreeSet<String>,
    /// Environment variables whose values ECS fetches at start: ARNs of Secrets Manager secrets (with
    /// `:json-key:version-stage:version-id` behind them, where wanted) or of SSM parameters.
    #[spec(default, with = convert::secrets)]
    pub(crate) secrets: Map,
    /// Ports it listens on.
    #[spec(default)]
    pub(crate) port_mappings: BTreeSet<PortMapping>,
    /// Where its output goes. Left out: nowhere on Fargate.
    pub(crate) log_configuration: Option<LogConfiguration>,
    /// How ECS tells whether it is well. Left out: it is well while it runs.
    pub(crate) health_check: Option<HealthCheck>,
    /// Containers that must have come so far before it starts.
    #[spec(default)]
    pub(crate) depends_on: BTreeSet<Dependency>,
    /// Starts it again when it stops, without replacing the task. Left out: no.
    #[spec(with = convert::restart_policy)]
    pub(crate) restart_policy: Option<RestartPolicy>,
    /// Seconds to wait for what it depends on before giving up. Left out: 180.
    pub(crate) start_timeout: Option<u32>,
    /// Seconds between asking it to stop and killing it, 120 at most on Fargate. Left out: 30.
    pub(crate) stop_timeout: Option<u32>,
    /// Volumes it mounts.
    #[spec(default)]
    pub(crate) mount_points: BTreeSet<MountPoint>,
    /// Keeps its own files from being written. Default: false.
    #[spec(default, omit_default)]
    pub(crate) readonly_root_filesystem: bool,
    /// Gives it the host's powers; not on Fargate. Default: false.
    #[spec(default, omit_default)]
    pub(crate) privileged: bool,
    /// Keeps its standard input open. Default: false.
    #[spec(default, omit_default)]
    pub(crate) interactive: bool,
    /// Gives it a terminal. Default: false.
    #[spec(default, omit_default)]
    pub(crate) pseudo_terminal: bool,
    /// Limits of the operating system, such as open files.
    #[spec(default)]
    pub(crate) ulimits: BTreeSet<Ulimit>,
    /// Settings of the Linux kernel.
    #[spec(default, omit_default)]
    pub(crate) linux_parameters: LinuxParameters,
    /// Kernel parameters (`net.core.somaxconn`) and their values.
    #[spec(default, with = convert::system_controls)]
    pub(crate) system_controls: Map,
    /// Labels on the container.
    #[spec(default)]
    pub(crate) docker_labels: Map,
    /// Makes it the task's log router, for log configurations with the driver `awsfirelens`.
    pub(crate) firelens_configuration: Option<Firelens>,
    /// The secret, as an ARN, that opens a private registry which is not ECR.
    #[spec(with = convert::credentials)]
    pub(crate) repository_credentials: Option<String>,
    /// GPUs it takes for itself; not on Fargate.
    #[spec(member = resource_requirements, with = convert::gpus)]
    pub(crate) gpus: Option<u32>,
}

impl Container {
    pub(crate) fn without_host_ports(mut self) -> Self {
        self.port_mappings = self.port_mappings.into_iter().map(|it| PortMapping { host_port: None, ..it }).collect();
        self
    }
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PortMapping)]
pub(crate) struct PortMapping {
    /// The port it listens on.
    pub(crate) container_port: u16,
    /// `tcp` or `udp`. Default: `tcp`.
    #[spec(default = Transport::Tcp)]
    pub(crate) protocol: Transport,
    /// The host's port. Left out: in network mode `bridge` any that is free, in others the container's, and no other.
    #[spec(with = convert::host_port)]
    pub(crate) host_port: Option<u16>,
    /// The name that Service Connect knows the port by.
    pub(crate) name: Option<String>,
    /// `http`, `http2` or `grpc`, for what Service Connect measures. Left out: it sees connections.
    pub(crate) app_protocol: Option<AppProtocol>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::LogConfiguration)]
pub(crate) struct LogConfiguration {
    /// `awslogs`, `awsfirelens` or `splunk` on Fargate; any of Docker's on EC2.
    pub(crate) log_driver: LogDriver,
    /// The driver's options, such as `awslogs-group`, `awslogs-region` and `awslogs-stream-prefix`.
    #[spec(default)]
    pub(crate) options: Map,
    /// Options whose values ECS fetches at start: ARNs, as in `secrets`.
    #[spec(default, with = convert::secrets)]
    pub(crate) secret_options: Map,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::HealthCheck)]
pub(crate) struct HealthCheck {
    /// What is run in the container: `["CMD", …]`, or `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`.
    pub(crate) command: Vec<String>,
    /// Seconds between two checks, 5 to 300. Default: 30.
    #[spec(default = 30)]
    pub(crate) interval: u32,
    /// Seconds a check may take, 2 to 60. Default: 5.
    #[spec(default = 5)]
    pub(crate) timeout: u32,
    /// Failures in a row that make it unhealthy, 1 to 10. Default: 3.
    #[spec(default = 3)]
    pub(crate) retries: u32,
    /// Seconds after its start in which failures do not count, 300 at most. Default: 0.
    #[spec(default, omit_default)]
    pub(crate) start_period: u32,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ContainerDependency)]
pub(crate) struct Dependency {
    /// A container of the same task.
    pub(crate) container_name: String,
    /// How far it must have come: `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
    pub(crate) condition: Condition,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct RestartPolicy {
    /// Exit codes after which it stays down. Default: none.
    #[spec(default)]
    pub(crate) ignored_exit_codes: BTreeSet<i32>,
    /// Seconds it must have run before it is started again, 60 to 1800. Default: 300.
    #[spec(default = 300)]
    pub(crate) restart_attempt_period: u32,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::MountPoint)]
pub(crate) struct MountPoint {
    /// The name of one of the task's volumes.
    pub(crate) source_volume: String,
    /// Where it appears in the container.
    pub(crate) container_path: String,
    /// Keeps it from being written. Default: false.
    #[spec(default)]
    pub(crate) read_only: bool,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::Ulimit)]
pub(crate) struct Ulimit {
    /// `nofile`, `nproc`, `memlock` … Fargate takes `nofile` only.
    pub(crate) name: UlimitName,
    /// What it starts with.
    pub(crate) soft_limit: i32,
    /// How far it may raise that itself.
    pub(crate) hard_limit: i32,
}

#[part(Default, Eq, PartialOrd, Ord, mirrors = wire::LinuxParameters)]
pub(crate) struct LinuxParameters {
    /// Runs a small init that passes on signals and buries dead processes. Default: false.
    #[spec(default)]
    pub(crate) init_process_enabled: bool,
    /// Powers of the kernel it has, beside or without those Docker gives.
    #[spec(default, omit_default)]
    pub(crate) capabilities: Capabilities,
    /// MiB of `/dev/shm`; not on Fargate.
    pub(crate) shared_memory_size: Option<u32>,
    /// File systems in memory; not on Fargate.
    #[spec(default)]
    pub(crate) tmpfs: BTreeSet<Tmpfs>,
}

#[part(Default, Eq, PartialOrd, Ord, mirrors = wire::KernelCapabilities)]
pub(crate) struct Capabilities {
    /// Capabilities beyond Docker's own, such as `SYS_PTRACE`, the one that Fargate takes.
    #[spec(default)]
    pub(crate) add: BTreeSet<String>,
    /// Capabilities taken away; `ALL` for all.
    #[spec(default)]
    pub(crate) drop: BTreeSet<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::Tmpfs)]
pub(crate) struct Tmpfs {
    /// Where it appears in the container.
    pub(crate) container_path: String,
    /// MiB it may hold.
    pub(crate) size: u32,
    /// Options such as `noexec`. Default: none.
    #[spec(default)]
    pub(crate) mount_options: BTreeSet<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::FirelensConfiguration)]
pub(crate) struct Firelens {
    /// `fluentbit` or `fluentd`.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) router: LogRouter,
    /// Options such as `enable-ecs-log-metadata`.
    #[spec(default)]
    pub(crate) options: Map,
}
