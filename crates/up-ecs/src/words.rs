//! ECS's enumerations.

up_core::aws_enum! {
    /// What CloudWatch Container Insights measures.
    pub(crate) ContainerInsights {
        /// Nothing.
        Disabled = "disabled",
        /// Clusters and services.
        Enabled = "enabled",
        /// Every task and container too.
        Enhanced = "enhanced",
    }
}

up_core::aws_enum! {
    /// Where sessions into containers are recorded.
    pub(crate) ExecuteCommandLogging {
        /// Nowhere.
        None = "NONE",
        /// Where the container's own awslogs go.
        Default = "DEFAULT",
        /// Where the cluster says.
        Override = "OVERRIDE",
    }
}

up_core::aws_enum! {
    /// What tasks run on.
    pub(crate) LaunchType {
        /// Machines of AWS's.
        Fargate = "FARGATE",
        /// EC2 instances of one's own.
        Ec2 = "EC2",
        /// Machines outside AWS.
        External = "EXTERNAL",
        /// EC2 instances that ECS looks after.
        ManagedInstances = "MANAGED_INSTANCES",
    }
}

up_core::aws_enum! {
    /// How containers are in the network.
    pub(crate) NetworkMode {
        /// A network interface for each task.
        Awsvpc = "awsvpc",
        /// Docker's own network in each instance.
        Bridge = "bridge",
        /// The instance's network.
        Host = "host",
        /// None.
        None = "none",
    }
}

up_core::aws_enum! {
    /// Whose processes containers see.
    pub(crate) PidMode {
        /// Each other's.
        Task = "task",
        /// All of the instance.
        Host = "host",
    }
}

up_core::aws_enum! {
    /// What an image is built for.
    pub(crate) CpuArchitecture {
        /// Intel and AMD.
        X86 = "X86_64",
        /// Graviton.
        Arm = "ARM64",
    }
}

up_core::aws_enum! {
    /// What an image is built for.
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
    /// What goes over a port.
    pub(crate) Transport {
        Tcp = "tcp",
        Udp = "udp",
    }
}

up_core::aws_enum! {
    /// What Service Connect measures of a port.
    pub(crate) AppProtocol {
        Http = "http",
        Http2 = "http2",
        Grpc = "grpc",
    }
}

up_core::aws_enum! {
    /// Where a container's output goes.
    pub(crate) LogDriver {
        /// To CloudWatch Logs.
        Awslogs = "awslogs",
        /// To the task's log router.
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
    /// A log router.
    pub(crate) LogRouter {
        Fluentbit = "fluentbit",
        Fluentd = "fluentd",
    }
}

up_core::aws_enum! {
    /// How far another container must have come.
    pub(crate) Condition {
        /// It has started.
        Start = "START",
        /// It has stopped.
        Complete = "COMPLETE",
        /// It has stopped with 0.
        Success = "SUCCESS",
        /// It is well, by its health check.
        Healthy = "HEALTHY",
    }
}

up_core::aws_enum! {
    /// What the operating system limits.
    pub(crate) UlimitName {
        /// Open files; the one limit that Fargate takes.
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
    /// How new tasks take over requests.
    pub(crate) DeploymentStrategy {
        /// They take the places of old ones, some at a time.
        Rolling = "ROLLING",
        /// All at once, after they have come up beside the old ones.
        BlueGreen = "BLUE_GREEN",
        /// In equal steps.
        Linear = "LINEAR",
        /// A few requests first, then all.
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
    /// How many tasks a service runs.
    pub(crate) SchedulingStrategy {
        /// As many as it is told.
        Replica = "REPLICA",
        /// One on each instance.
        Daemon = "DAEMON",
    }
}

up_core::aws_enum! {
    /// Whose tags tasks get.
    pub(crate) PropagateTags {
        /// Nobody's.
        None = "NONE",
        /// The service's.
        Service = "SERVICE",
        /// The task definition's.
        TaskDefinition = "TASK_DEFINITION",
    }
}

up_core::aws_enum! {
    /// Which instances may run a task.
    pub(crate) ConstraintType {
        /// Each task another.
        DistinctInstance = "distinctInstance",
        /// Those an expression is true for.
        MemberOf = "memberOf",
    }
}

up_core::aws_enum! {
    /// How tasks are spread over instances.
    pub(crate) StrategyType {
        /// By chance.
        Random = "random",
        /// Evenly.
        Spread = "spread",
        /// On as few as will do.
        Binpack = "binpack",
    }
}
