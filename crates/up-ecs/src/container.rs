//! What a task definition says of one container.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use up_core::part;

use crate::{
    Map, convert,
    words::{AppProtocol, Condition, LogDriver, LogRouter, Transport, UlimitName},
};

/// A container definition. Fields that are left out are not set, and ECS adds no values that are compared.
#[part(Eq, PartialOrd, Ord, mirrors = wire::ContainerDefinition)]
pub(crate) struct Container {
    /// The name of the container, unique in the task definition: letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// The image, with its registry, and its tag or digest.
    pub(crate) image: String,
    /// Stops the whole task if this container stops. Default: true.
    #[spec(default = true)]
    pub(crate) essential: bool,
    /// The CPU units reserved for the container (1024 are one vCPU), out of those of the task. Default: 0, an equal
    /// share.
    #[spec(default)]
    pub(crate) cpu: u32,
    /// The hard limit of memory in MiB: the container is killed if it exceeds it.
    pub(crate) memory: Option<u32>,
    /// The soft limit of memory in MiB, which is reserved for the container.
    pub(crate) memory_reservation: Option<u32>,
    /// The entry point. Default: that of the image.
    #[spec(default)]
    pub(crate) entry_point: Vec<String>,
    /// The command, or the arguments of the entry point. Default: that of the image.
    #[spec(default)]
    pub(crate) command: Vec<String>,
    /// The user in the container: `user`, `uid`, `uid:gid` … Left out: that of the image.
    pub(crate) user: Option<String>,
    /// The working directory. Left out: that of the image.
    pub(crate) working_directory: Option<String>,
    /// Environment variables. Do not use them for secrets: everyone who may describe the task definition can read them.
    #[spec(default, with = convert::pairs)]
    pub(crate) environment: Map,
    /// Files with environment variables in S3, as ARNs. Default: none.
    #[spec(default, with = convert::environment_files)]
    pub(crate) environment_files: BTreeSet<String>,
    /// Environment variables whose values ECS reads when the container starts: ARNs of Secrets Manager secrets
    /// (optionally followed by `:json-key:version-stage:version-id`) or of SSM parameters.
    #[spec(default, with = convert::secrets)]
    pub(crate) secrets: Map,
    /// The port mappings.
    #[spec(default)]
    pub(crate) port_mappings: BTreeSet<PortMapping>,
    /// The log configuration. Left out: on Fargate, no logs.
    pub(crate) log_configuration: Option<LogConfiguration>,
    /// The container health check. Left out: none.
    pub(crate) health_check: Option<HealthCheck>,
    /// The containers on which this container's start depends.
    #[spec(default)]
    pub(crate) depends_on: BTreeSet<Dependency>,
    /// Restarts the container when it exits, without replacing the task. Left out: no restarts.
    #[spec(with = convert::restart_policy)]
    pub(crate) restart_policy: Option<RestartPolicy>,
    /// The number of seconds to wait for its dependencies before giving up. Left out: 180.
    pub(crate) start_timeout: Option<u32>,
    /// The number of seconds before a container that does not exit is killed, on Fargate up to 120. Left out: 30.
    pub(crate) stop_timeout: Option<u32>,
    /// The mount points of volumes.
    #[spec(default)]
    pub(crate) mount_points: BTreeSet<MountPoint>,
    /// Makes the root file system read-only. Default: false.
    #[spec(default, omit_default)]
    pub(crate) readonly_root_filesystem: bool,
    /// Gives the container elevated privileges on the container instance; not on Fargate. Default: false.
    #[spec(default, omit_default)]
    pub(crate) privileged: bool,
    /// Keeps standard input open. Default: false.
    #[spec(default, omit_default)]
    pub(crate) interactive: bool,
    /// Allocates a TTY. Default: false.
    #[spec(default, omit_default)]
    pub(crate) pseudo_terminal: bool,
    /// Resource limits of the operating system, such as the number of open files.
    #[spec(default)]
    pub(crate) ulimits: BTreeSet<Ulimit>,
    /// Linux-specific options.
    #[spec(default, omit_default)]
    pub(crate) linux_parameters: LinuxParameters,
    /// Namespaced kernel parameters (`net.core.somaxconn`) and their values.
    #[spec(default, with = convert::system_controls)]
    pub(crate) system_controls: Map,
    /// Docker labels of the container.
    #[spec(default)]
    pub(crate) docker_labels: Map,
    /// Makes the container the log router (FireLens) of the task, for the log driver `awsfirelens`.
    pub(crate) firelens_configuration: Option<Firelens>,
    /// The ARN of the secret with the credentials of a private registry other than ECR.
    #[spec(with = convert::credentials)]
    pub(crate) repository_credentials: Option<String>,
    /// The number of GPUs reserved for the container; not on Fargate.
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
    /// The port in the container.
    pub(crate) container_port: u16,
    /// The protocol: `tcp` or `udp`. Default: `tcp`.
    #[spec(default = Transport::Tcp)]
    pub(crate) protocol: Transport,
    /// The port on the container instance. Left out: in the network mode `bridge` a free port; in other modes the
    /// container port, the only possible value.
    #[spec(with = convert::host_port)]
    pub(crate) host_port: Option<u16>,
    /// The name of the port mapping, for Service Connect.
    pub(crate) name: Option<String>,
    /// The application protocol for Service Connect: `http`, `http2` or `grpc`. Left out: TCP.
    pub(crate) app_protocol: Option<AppProtocol>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::LogConfiguration)]
pub(crate) struct LogConfiguration {
    /// The log driver: `awslogs`, `awsfirelens` or `splunk` on Fargate; any of Docker's on EC2.
    pub(crate) log_driver: LogDriver,
    /// The options of the log driver, such as `awslogs-group`, `awslogs-region` and `awslogs-stream-prefix`.
    #[spec(default)]
    pub(crate) options: Map,
    /// Options whose values ECS reads when the container starts: ARNs, as in `secrets`.
    #[spec(default, with = convert::secrets)]
    pub(crate) secret_options: Map,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::HealthCheck)]
pub(crate) struct HealthCheck {
    /// The command to run in the container: `["CMD", …]`, or `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`.
    pub(crate) command: Vec<String>,
    /// The number of seconds between health checks, 5 to 300. Default: 30.
    #[spec(default = 30)]
    pub(crate) interval: u32,
    /// The number of seconds after which a health check fails, 2 to 60. Default: 5.
    #[spec(default = 5)]
    pub(crate) timeout: u32,
    /// The number of consecutive failures before the container is unhealthy, 1 to 10. Default: 3.
    #[spec(default = 3)]
    pub(crate) retries: u32,
    /// The grace period in seconds after the container's start, in which failures do not count, 300 at most.
    /// Default: 0.
    #[spec(default, omit_default)]
    pub(crate) start_period: u32,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ContainerDependency)]
pub(crate) struct Dependency {
    /// The name of another container of the task definition.
    pub(crate) container_name: String,
    /// The condition that it must meet: `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
    pub(crate) condition: Condition,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct RestartPolicy {
    /// Exit codes after which the container is not restarted. Default: none.
    #[spec(default)]
    pub(crate) ignored_exit_codes: BTreeSet<i32>,
    /// The number of seconds that the container must have run before it can be restarted, 60 to 1800. Default: 300.
    #[spec(default = 300)]
    pub(crate) restart_attempt_period: u32,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::MountPoint)]
pub(crate) struct MountPoint {
    /// The name of a volume of the task definition.
    pub(crate) source_volume: String,
    /// The path in the container.
    pub(crate) container_path: String,
    /// Mounts the volume read-only. Default: false.
    #[spec(default)]
    pub(crate) read_only: bool,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::Ulimit)]
pub(crate) struct Ulimit {
    /// The resource: `nofile`, `nproc`, `memlock` … Fargate supports `nofile` only.
    pub(crate) name: UlimitName,
    /// The soft limit.
    pub(crate) soft_limit: i32,
    /// The hard limit.
    pub(crate) hard_limit: i32,
}

#[part(Default, Eq, PartialOrd, Ord, mirrors = wire::LinuxParameters)]
pub(crate) struct LinuxParameters {
    /// Runs an init process, which forwards signals and reaps processes. Default: false.
    #[spec(default)]
    pub(crate) init_process_enabled: bool,
    /// Linux capabilities, added to or removed from Docker's default ones.
    #[spec(default, omit_default)]
    pub(crate) capabilities: Capabilities,
    /// The size of `/dev/shm` in MiB; not on Fargate.
    pub(crate) shared_memory_size: Option<u32>,
    /// tmpfs mounts; not on Fargate.
    #[spec(default)]
    pub(crate) tmpfs: BTreeSet<Tmpfs>,
}

#[part(Default, Eq, PartialOrd, Ord, mirrors = wire::KernelCapabilities)]
pub(crate) struct Capabilities {
    /// Capabilities to add to the default ones. Fargate supports `SYS_PTRACE` only.
    #[spec(default)]
    pub(crate) add: BTreeSet<String>,
    /// Capabilities to remove; `ALL` for all.
    #[spec(default)]
    pub(crate) drop: BTreeSet<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::Tmpfs)]
pub(crate) struct Tmpfs {
    /// The path in the container.
    pub(crate) container_path: String,
    /// The maximum size in MiB.
    pub(crate) size: u32,
    /// Mount options such as `noexec`. Default: none.
    #[spec(default)]
    pub(crate) mount_options: BTreeSet<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::FirelensConfiguration)]
pub(crate) struct Firelens {
    /// The log router: `fluentbit` or `fluentd`.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) router: LogRouter,
    /// Options such as `enable-ecs-log-metadata`.
    #[spec(default)]
    pub(crate) options: Map,
}
