//! ECS's enumerations.

up_core::aws_enum! {
    /// The metrics of CloudWatch Container Insights.
    pub(crate) ContainerInsights {
        /// No metrics.
        Disabled = "disabled",
        /// Metrics of clusters and services.
        Enabled = "enabled",
        /// Metrics of tasks and containers too.
        Enhanced = "enhanced",
    }
}

up_core::aws_enum! {
    /// Where ECS Exec sessions are logged.
    pub(crate) ExecuteCommandLogging {
        /// Not logged.
        None = "NONE",
        /// By the `awslogs` configuration of the task definition; without one, not logged.
        Default = "DEFAULT",
        /// By the `log_configuration` of the cluster.
        Override = "OVERRIDE",
    }
}

up_core::aws_enum! {
    /// The infrastructure that tasks run on.
    pub(crate) LaunchType {
        /// AWS Fargate.
        Fargate = "FARGATE",
        /// EC2 instances registered with the cluster.
        Ec2 = "EC2",
        /// External instances (ECS Anywhere).
        External = "EXTERNAL",
        /// ECS Managed Instances: EC2 instances that ECS manages.
        ManagedInstances = "MANAGED_INSTANCES",
    }
}

up_core::aws_enum! {
    /// The Docker networking mode of a task's containers.
    pub(crate) NetworkMode {
        /// An elastic network interface for each task.
        Awsvpc = "awsvpc",
        /// Docker's virtual network on each container instance.
        Bridge = "bridge",
        /// The network of the container instance.
        Host = "host",
        /// No external connectivity.
        None = "none",
    }
}

up_core::aws_enum! {
    /// The process namespace of a task's containers.
    pub(crate) PidMode {
        /// Shared by all containers of the task.
        Task = "task",
        /// That of the container instance.
        Host = "host",
    }
}

up_core::aws_enum! {
    /// The CPU architecture.
    pub(crate) CpuArchitecture {
        /// 64-bit x86 (Intel, AMD).
        X86 = "X86_64",
        /// 64-bit ARM (AWS Graviton).
        Arm = "ARM64",
    }
}

up_core::aws_enum! {
    /// The operating system family.
    pub(crate) OperatingSystem {
        Linux = "LINUX",
        Windows2016Full = "WINDOWS_SERVER_2016_FULL",
        Windows2019Core = "WINDOWS_SERVER_2019_CORE",
        Windows2019Full = "WINDOWS_SERVER_2019_FULL",
        Windows2022Core = "WINDOWS_SERVER_2022_CORE",
        Windows2022Full = "WINDOWS_SERVER_2022_FULL",
        Windows2025Core = "WINDOWS_SERVER_2025_CORE",
        Windows2025Full = "WINDOWS_SERVER_2025_FULL",
    }
}

up_core::aws_enum! {
    /// The protocol of a port.
    pub(crate) Transport {
        Tcp = "tcp",
        Udp = "udp",
    }
}

up_core::aws_enum! {
    /// The application protocol of a port, for Service Connect.
    pub(crate) AppProtocol {
        Http = "http",
        Http2 = "http2",
        Grpc = "grpc",
    }
}

up_core::aws_enum! {
    /// A log driver.
    pub(crate) LogDriver {
        /// CloudWatch Logs.
        Awslogs = "awslogs",
        /// The task's log router (FireLens).
        Awsfirelens = "awsfirelens",
        Splunk = "splunk",
        Fluentd = "fluentd",
        Gelf = "gelf",
        Journald = "journald",
        JsonFile = "json-file",
        Syslog = "syslog",
    }
}

up_core::aws_enum! {
    /// A log router for FireLens.
    pub(crate) LogRouter {
        Fluentbit = "fluentbit",
        Fluentd = "fluentd",
    }
}

up_core::aws_enum! {
    /// The condition that another container must meet.
    pub(crate) Condition {
        /// It has started.
        Start = "START",
        /// It has exited.
        Complete = "COMPLETE",
        /// It has exited with status 0.
        Success = "SUCCESS",
        /// Its health check has succeeded.
        Healthy = "HEALTHY",
    }
}

up_core::aws_enum! {
    /// A resource limit of the operating system.
    pub(crate) UlimitName {
        /// Open files; the only limit that Fargate supports.
        Nofile = "nofile",
        Core = "core",
        Cpu = "cpu",
        Data = "data",
        Fsize = "fsize",
        Locks = "locks",
        Memlock = "memlock",
        Msgqueue = "msgqueue",
        Nice = "nice",
        Nproc = "nproc",
        Rss = "rss",
        Rtprio = "rtprio",
        Rttime = "rttime",
        Sigpending = "sigpending",
        Stack = "stack",
    }
}

up_core::aws_enum! {
    /// A deployment strategy.
    pub(crate) DeploymentStrategy {
        /// New tasks replace old ones, some at a time.
        Rolling = "ROLLING",
        /// New tasks start beside the old ones; then all traffic is shifted at once.
        BlueGreen = "BLUE_GREEN",
        /// Traffic is shifted to the new tasks in equal steps.
        Linear = "LINEAR",
        /// A small part of the traffic is shifted first, then the rest.
        Canary = "CANARY",
    }
}

#[expect(clippy::derivable_impls, reason = "`words!` derives the same for all enumerations")]
impl Default for DeploymentStrategy {
    fn default() -> Self {
        Self::Rolling
    }
}

up_core::aws_enum! {
    /// How the number of a service's tasks is determined.
    pub(crate) SchedulingStrategy {
        /// The desired count.
        Replica = "REPLICA",
        /// One task on each container instance.
        Daemon = "DAEMON",
    }
}

up_core::aws_enum! {
    /// The resource whose tags are copied to tasks.
    pub(crate) PropagateTags {
        /// No tags are copied.
        None = "NONE",
        /// The service.
        Service = "SERVICE",
        /// The task definition.
        TaskDefinition = "TASK_DEFINITION",
    }
}

up_core::aws_enum! {
    /// A placement constraint.
    pub(crate) ConstraintType {
        /// Each task on a different container instance.
        DistinctInstance = "distinctInstance",
        /// Container instances for which an expression is true.
        MemberOf = "memberOf",
    }
}

up_core::aws_enum! {
    /// A task placement strategy.
    pub(crate) StrategyType {
        /// Random placement.
        Random = "random",
        /// Even distribution over the values of a field.
        Spread = "spread",
        /// On as few container instances as possible.
        Binpack = "binpack",
    }
}
