//! A container as ECS takes it, and read back into what a user would have written.

use aws_sdk_ecs::types as wire;
use aws_sdk_ecs::types::{
    ContainerDefinition, ContainerDependency, ContainerRestartPolicy, EnvironmentFile, EnvironmentFileType,
    FirelensConfiguration, KernelCapabilities, RepositoryCredentials, ResourceRequirement, ResourceType, SystemControl,
};
use up_core::{Error, Result};

use crate::{
    container::{
        Capabilities, Container, Dependency, Firelens, HealthCheck, LinuxParameters, LogConfiguration, MountPoint,
        PortMapping, RestartPolicy, Tmpfs, Ulimit,
    },
    count, from_pairs, from_secrets, map, maybe_count, maybe_number, number, options, pairs, secrets, set, some, texts,
    words::{AppProtocol, Condition, LogDriver, LogRouter, Transport, UlimitName},
};

impl Container {
    /// The container as ECS takes it: what is at its default is left out.
    pub(crate) fn wire(&self) -> Result<ContainerDefinition> {
        let all = ContainerDefinition::builder()
            .name(&self.name)
            .image(&self.image)
            .essential(self.essential)
            .cpu(number(self.cpu)?)
            .set_memory(maybe_number(self.memory)?)
            .set_memory_reservation(maybe_number(self.memory_reservation)?)
            .set_entry_point(some(self.entry_point.clone()))
            .set_command(some(self.command.clone()))
            .set_user(self.user.clone())
            .set_working_directory(self.working_directory.clone())
            .set_environment(pairs(&self.environment))
            .set_environment_files(list(&self.environment_files, |file| {
                Ok(EnvironmentFile::builder().r#type(EnvironmentFileType::S3).value(file).build()?)
            })?)
            .set_secrets(secrets(&self.secrets)?)
            .set_port_mappings(list(&self.port_mappings, |port| Ok(port.wire()))?)
            .set_log_configuration(self.log_configuration.as_ref().map(LogConfiguration::wire).transpose()?)
            .set_health_check(self.health_check.as_ref().map(HealthCheck::wire).transpose()?)
            .set_depends_on(list(&self.depends_on, Dependency::wire)?)
            .set_restart_policy(self.restart_policy.as_ref().map(RestartPolicy::wire).transpose()?)
            .set_start_timeout(maybe_number(self.start_timeout)?)
            .set_stop_timeout(maybe_number(self.stop_timeout)?)
            .set_mount_points(list(&self.mount_points, |mount| Ok(mount.wire()))?)
            .set_readonly_root_filesystem(self.readonly_root_filesystem.then_some(true))
            .set_privileged(self.privileged.then_some(true))
            .set_interactive(self.interactive.then_some(true))
            .set_pseudo_terminal(self.pseudo_terminal.then_some(true))
            .set_ulimits(list(&self.ulimits, Ulimit::wire)?)
            .set_linux_parameters(self.linux_parameters.wire()?)
            .set_system_controls(list(&self.system_controls, |(namespace, value)| {
                Ok(SystemControl::builder().namespace(namespace).value(value).build())
            })?)
            .set_docker_labels(options(&self.docker_labels))
            .set_firelens_configuration(self.firelens_configuration.as_ref().map(Firelens::wire).transpose()?)
            .set_repository_credentials(self.credentials()?)
            .set_resource_requirements(self.gpus.map(|gpus| gpu(gpus).map(|gpu| vec![gpu])).transpose()?);
        Ok(all.build())
    }

    fn credentials(&self) -> Result<Option<RepositoryCredentials>> {
        let credentials = self.repository_credentials.as_ref();
        let credentials = credentials.map(|arn| RepositoryCredentials::builder().credentials_parameter(arn).build());
        Ok(credentials.transpose()?)
    }

    /// The container as a user would have written it. ECS answers with its defaults spelled out, and with the host's
    /// port where the network mode leaves no choice (`own_ports` false).
    pub(crate) fn observed(container: ContainerDefinition, own_ports: bool) -> Result<Self> {
        let (Some(name), Some(image)) = (container.name, container.image) else {
            return Err(Error::absent("name and image of a container"));
        };
        let ports = container.port_mappings.into_iter().flatten();
        let gpus = container.resource_requirements.into_iter().flatten();
        let gpus = gpus.filter(|it| it.r#type == ResourceType::Gpu).map(|it| it.value.parse()).next().transpose();
        Ok(Self {
            name,
            image,
            essential: container.essential.unwrap_or(true),
            cpu: count(container.cpu)?,
            memory: maybe_count(container.memory)?,
            memory_reservation: maybe_count(container.memory_reservation)?,
            entry_point: container.entry_point.unwrap_or_default(),
            command: container.command.unwrap_or_default(),
            user: container.user,
            working_directory: container.working_directory,
            environment: from_pairs(container.environment),
            environment_files: container.environment_files.into_iter().flatten().map(|file| file.value).collect(),
            secrets: from_secrets(container.secrets),
            port_mappings: ports.map(|port| PortMapping::observed(port, own_ports)).collect::<Result<_>>()?,
            log_configuration: container.log_configuration.map(LogConfiguration::observed).transpose()?,
            health_check: container.health_check.map(HealthCheck::observed).transpose()?,
            depends_on: container.depends_on.into_iter().flatten().map(Dependency::observed).collect::<Result<_>>()?,
            restart_policy: container
                .restart_policy
                .filter(|policy| policy.enabled)
                .map(RestartPolicy::observed)
                .transpose()?,
            start_timeout: maybe_count(container.start_timeout)?,
            stop_timeout: maybe_count(container.stop_timeout)?,
            mount_points: container
                .mount_points
                .into_iter()
                .flatten()
                .map(MountPoint::observed)
                .collect::<Result<_>>()?,
            readonly_root_filesystem: container.readonly_root_filesystem == Some(true),
            privileged: container.privileged == Some(true),
            interactive: container.interactive == Some(true),
            pseudo_terminal: container.pseudo_terminal == Some(true),
            ulimits: container.ulimits.into_iter().flatten().map(Ulimit::observed).collect::<Result<_>>()?,
            linux_parameters: container
                .linux_parameters
                .map_or_else(|| Ok(LinuxParameters::default()), LinuxParameters::observed)?,
            system_controls: controls(container.system_controls),
            docker_labels: map(container.docker_labels),
            firelens_configuration: container.firelens_configuration.map(Firelens::observed).transpose()?,
            repository_credentials: container.repository_credentials.map(|it| it.credentials_parameter),
            gpus: gpus.map_err(|_| Error::absent("count of GPUs"))?,
        })
    }
}

fn list<T, U>(items: impl IntoIterator<Item = T>, wire: impl Fn(T) -> Result<U>) -> Result<Option<Vec<U>>> {
    items.into_iter().map(wire).collect::<Result<_>>().map(some)
}

fn gpu(gpus: u32) -> Result<ResourceRequirement> {
    Ok(ResourceRequirement::builder().r#type(ResourceType::Gpu).value(gpus.to_string()).build()?)
}

fn controls(controls: Option<Vec<SystemControl>>) -> crate::Map {
    controls.into_iter().flatten().filter_map(|control| Some((control.namespace?, control.value?))).collect()
}

impl PortMapping {
    fn wire(&self) -> wire::PortMapping {
        let port = wire::PortMapping::builder().container_port(self.container_port.into());
        let port = port.protocol(self.protocol.as_str().into()).set_host_port(self.host_port.map(i32::from));
        let port = port.set_name(self.name.clone());
        port.set_app_protocol(self.app_protocol.map(|word| word.as_str().into())).build()
    }

    fn observed(port: wire::PortMapping, own_ports: bool) -> Result<Self> {
        let number = |port: i32| u16::try_from(port).map_err(|_| Error::absent("port that can be"));
        let container_port = port.container_port.ok_or_else(|| Error::absent("port of a container"))?;
        let host_port = port.host_port.filter(|port| own_ports && *port != 0);
        Ok(Self {
            container_port: number(container_port)?,
            protocol: port.protocol.map_or(Ok(Transport::Tcp), |word| Transport::observed(word.as_str()))?,
            host_port: host_port.map(number).transpose()?,
            name: port.name,
            app_protocol: port.app_protocol.map(|word| AppProtocol::observed(word.as_str())).transpose()?,
        })
    }
}

impl LogConfiguration {
    pub(crate) fn wire(&self) -> Result<wire::LogConfiguration> {
        let log = wire::LogConfiguration::builder().log_driver(self.log_driver.as_str().into());
        let log = log.set_options(options(&self.options));
        Ok(log.set_secret_options(secrets(&self.secret_options)?).build()?)
    }

    pub(crate) fn observed(log: wire::LogConfiguration) -> Result<Self> {
        Ok(Self {
            log_driver: LogDriver::observed(log.log_driver.as_str())?,
            options: map(log.options),
            secret_options: from_secrets(log.secret_options),
        })
    }
}

impl HealthCheck {
    fn wire(&self) -> Result<wire::HealthCheck> {
        let check = wire::HealthCheck::builder().set_command(Some(self.command.clone()));
        let check = check.interval(number(self.interval)?).timeout(number(self.timeout)?);
        let start = (self.start_period > 0).then(|| number(self.start_period)).transpose()?;
        Ok(check.retries(number(self.retries)?).set_start_period(start).build()?)
    }

    fn observed(check: wire::HealthCheck) -> Result<Self> {
        Ok(Self {
            command: check.command,
            interval: count(check.interval.unwrap_or(30))?,
            timeout: count(check.timeout.unwrap_or(5))?,
            retries: count(check.retries.unwrap_or(3))?,
            start_period: count(check.start_period.unwrap_or(0))?,
        })
    }
}

impl Dependency {
    fn wire(&self) -> Result<ContainerDependency> {
        let dependency = ContainerDependency::builder().container_name(&self.container_name);
        Ok(dependency.condition(self.condition.as_str().into()).build()?)
    }

    fn observed(dependency: ContainerDependency) -> Result<Self> {
        let condition = Condition::observed(dependency.condition.as_str())?;
        Ok(Self { container_name: dependency.container_name, condition })
    }
}

impl RestartPolicy {
    fn wire(&self) -> Result<ContainerRestartPolicy> {
        let policy = ContainerRestartPolicy::builder().enabled(true);
        let policy = policy.set_ignored_exit_codes(texts(&self.ignored_exit_codes));
        Ok(policy.restart_attempt_period(number(self.restart_attempt_period)?).build()?)
    }

    fn observed(policy: ContainerRestartPolicy) -> Result<Self> {
        let restart_attempt_period = count(policy.restart_attempt_period.unwrap_or(300))?;
        Ok(Self { ignored_exit_codes: set(policy.ignored_exit_codes), restart_attempt_period })
    }
}

impl MountPoint {
    fn wire(&self) -> wire::MountPoint {
        let mount = wire::MountPoint::builder().source_volume(&self.source_volume);
        mount.container_path(&self.container_path).read_only(self.read_only).build()
    }

    fn observed(mount: wire::MountPoint) -> Result<Self> {
        let (Some(source_volume), Some(container_path)) = (mount.source_volume, mount.container_path) else {
            return Err(Error::absent("volume and path of a mount point"));
        };
        Ok(Self { source_volume, container_path, read_only: mount.read_only == Some(true) })
    }
}

impl Ulimit {
    fn wire(&self) -> Result<wire::Ulimit> {
        let limit = wire::Ulimit::builder().name(self.name.as_str().into());
        Ok(limit.soft_limit(self.soft_limit).hard_limit(self.hard_limit).build()?)
    }

    fn observed(limit: wire::Ulimit) -> Result<Self> {
        let wire::Ulimit { name, soft_limit, hard_limit, .. } = limit;
        Ok(Self { name: UlimitName::observed(name.as_str())?, soft_limit, hard_limit })
    }
}

impl LinuxParameters {
    fn wire(&self) -> Result<Option<wire::LinuxParameters>> {
        let Capabilities { add, drop } = &self.capabilities;
        let capabilities = KernelCapabilities::builder().set_add(texts(add)).set_drop(texts(drop)).build();
        let has_any = !add.is_empty() || !drop.is_empty();
        let linux = wire::LinuxParameters::builder()
            .init_process_enabled(self.init_process_enabled)
            .set_capabilities(has_any.then_some(capabilities))
            .set_shared_memory_size(maybe_number(self.shared_memory_size)?)
            .set_tmpfs(list(&self.tmpfs, Tmpfs::wire)?);
        Ok((*self != Self::default()).then(|| linux.build()))
    }

    fn observed(linux: wire::LinuxParameters) -> Result<Self> {
        let (add, drop) = linux.capabilities.map(|all| (all.add, all.drop)).unwrap_or_default();
        Ok(Self {
            init_process_enabled: linux.init_process_enabled == Some(true),
            capabilities: Capabilities { add: set(add), drop: set(drop) },
            shared_memory_size: maybe_count(linux.shared_memory_size)?,
            tmpfs: linux.tmpfs.into_iter().flatten().map(Tmpfs::observed).collect::<Result<_>>()?,
        })
    }
}

impl Tmpfs {
    fn wire(&self) -> Result<wire::Tmpfs> {
        let tmpfs = wire::Tmpfs::builder().container_path(&self.container_path).size(number(self.size)?);
        Ok(tmpfs.set_mount_options(texts(&self.mount_options)).build()?)
    }

    fn observed(tmpfs: wire::Tmpfs) -> Result<Self> {
        let wire::Tmpfs { container_path, size, mount_options, .. } = tmpfs;
        Ok(Self { container_path, size: count(size)?, mount_options: set(mount_options) })
    }
}

impl Firelens {
    fn wire(&self) -> Result<FirelensConfiguration> {
        let firelens = FirelensConfiguration::builder().r#type(self.router.as_str().into());
        Ok(firelens.set_options(options(&self.options)).build()?)
    }

    fn observed(firelens: FirelensConfiguration) -> Result<Self> {
        Ok(Self { router: LogRouter::observed(firelens.r#type.as_str())?, options: map(firelens.options) })
    }
}
