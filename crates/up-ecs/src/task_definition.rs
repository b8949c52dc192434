//! `ecs.task_definition`: which containers a task runs, and with what.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as wire;
use aws_sdk_ecs::{
    operation::{
        describe_task_definition::DescribeTaskDefinitionOutput,
        register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    },
    types::{EphemeralStorage, SortOrder, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus},
};
use up_core::{Address, mirror, prelude::*};

use crate::{
    arn, client,
    container::{Container, Dependency, MountPoint, PortMapping},
    list, once, tags,
    volume::Volume,
    words::{CpuArchitecture, LaunchType, NetworkMode, OperatingSystem, PidMode},
};

/// Which containers a task runs, and with what. A task definition never changes: every change makes a new revision of
/// the same family, the services that use it move there, and the old revision goes.
#[spec]
pub struct TaskDefinition {
    /// The name its revisions share. Default: derived from stack and address.
    #[spec(replace)]
    family: Option<String>,
    /// The containers.
    #[spec(replace)]
    containers: BTreeSet<Container>,
    /// Where it may run: `FARGATE`, `EC2`, `EXTERNAL`, `MANAGED_INSTANCES`. Default: `FARGATE`.
    #[spec(replace, default = [LaunchType::Fargate].into())]
    requires_compatibilities: BTreeSet<LaunchType>,
    /// CPU units of the whole task: 1024 are one vCPU. Fargate demands it.
    #[spec(replace)]
    cpu: Option<u32>,
    /// MiB of the whole task. Fargate demands it.
    #[spec(replace)]
    memory: Option<u32>,
    /// `awsvpc` for a network interface of its own, as Fargate demands; `bridge`, `host` or `none`. Default: `awsvpc`.
    #[spec(replace, default = NetworkMode::Awsvpc)]
    network_mode: NetworkMode,
    /// The machine it is built for.
    #[spec(replace, default)]
    runtime_platform: RuntimePlatform,
    /// The role ECS itself takes on to pull images, fetch secrets and write logs.
    #[spec(replace, loose)]
    execution_role: Option<Ref<names::Role>>,
    /// The role the containers have.
    #[spec(replace, loose)]
    task_role: Option<Ref<names::Role>>,
    /// Storage that its containers mount. Default: none.
    #[spec(replace, default)]
    volumes: BTreeSet<Volume>,
    /// GiB of ephemeral storage on Fargate, 21 to 200. Left out: 20.
    #[spec(replace)]
    ephemeral_storage: Option<u32>,
    /// Whose processes its containers see: `task` each other's, `host` the host's as well. Left out: their own.
    #[spec(replace)]
    pid_mode: Option<PidMode>,
}

#[part(Default, Eq, mirrors = wire::RuntimePlatform)]
struct RuntimePlatform {
    /// `X86_64` or `ARM64`. Default: `X86_64`.
    #[spec(default = CpuArchitecture::X86)]
    cpu_architecture: CpuArchitecture,
    /// `LINUX`, or one of the Windows Server families. Default: `LINUX`.
    #[spec(default = OperatingSystem::Linux)]
    operating_system_family: OperatingSystem,
}

impl Kind for TaskDefinition {
    const NAME: &'static str = names::TaskDefinition::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECS::TaskDefinition",
        actions: Actions {
            observe: actions!(ecs: ListTaskDefinitionFamilies ListTaskDefinitions DescribeTaskDefinition),
            create: actions!(ecs: RegisterTaskDefinition TagResource, iam: PassRole),
            update: &[],
            tag: actions!(ecs: TagResource UntagResource),
            delete: actions!(ecs: DeregisterTaskDefinition UntagResource DeleteTaskDefinitions),
        },
        attrs: &["arn", "family", "revision"],
        longest_name: LONGEST_FAMILY,
        replace: Order::CreateBeforeDestroy,
        non_idempotent_create: true,
        tags_travel: true,
        immutable: true,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// Asks for the latest revision of every family named like the stack's, because the index lags; and for whatever
    /// else the index lists or the run knows. Of what is kept, a list tells whether it is still the latest.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let kept = still_latest(cx, query.kept()).await?;
        let told: BTreeSet<_> = kept.iter().filter_map(|observed| observed.attrs.get("family")).collect();
        let mut families = families(cx, query).await?;
        families.retain(|family| !told.contains(family));
        let latest = describe_all(cx, families).await?;
        let indexed = query.listed("ecs", "task-definition/").map(str::to_owned);
        let mut others: BTreeSet<_> = indexed.chain(query.known.iter().cloned()).collect();
        for observed in latest.iter().flatten().chain(&kept) {
            others.remove(&observed.id);
        }
        let others = describe_all(cx, others.into_iter().collect()).await?;
        Ok(latest.into_iter().chain(others).flatten().chain(kept).collect())
    }

    /// ECS takes no client token here: sent once, and looked for by tag before it is sent again. A family that the user
    /// named is looked at here, since `observe` cannot tell it from a foreign one until the index lists it.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        if let Some(family) = &self.family
            && let Some(there) = describe(cx, family.clone()).await?
            && there.tags == new.tags
        {
            return Ok(there.into());
        }
        let request = self.request(cx)?.family(self.family.clone().unwrap_or_else(|| family_of(new)));
        let request = request.set_tags(Some(list(&new.tags)));
        let answer = request.customize().config_override(once()).send().await?;
        let made = DescribeTaskDefinitionOutput::builder().set_task_definition(answer.task_definition).build();
        let made = read(made)?.ok_or_else(|| Error::absent("active task definition that it made"))?;
        Ok(Observed { tags: new.tags.clone(), ..made }.into())
    }

    /// Never called: every field replaces.
    async fn update(&self, _: &Context, observed: &Observed<Self>) -> Result<()> {
        Err(Error::ours(format!("{} cannot be updated: a task definition never changes", observed.id)))
    }

    /// Deregisters it, so that nothing starts from it any more, and deletes it; tasks that run go on. Safe to repeat:
    /// an inactive one counts as gone. ECS and the index keep what is deleted for a day or longer: without its tags, no
    /// look asks for it again.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).deregister_task_definition().task_definition(&observed.id).send().await.ignore_not_found()?;
        client(cx)
            .untag_resource()
            .resource_arn(&observed.id)
            .tag_keys(Address::STACK_TAG)
            .send()
            .await
            .map_err(Error::from)
            .ignore_not_found()?;
        client(cx).delete_task_definitions().task_definitions(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems = self.check_task();
        problems.extend(self.containers.iter().flat_map(|container| self.check_container(container)));
        problems
    }

    /// Where the host's port is the container's, ECS says so of every port, and `observe` of none.
    fn normal(mut self) -> Self {
        if self.network_mode != NetworkMode::Bridge {
            self.containers = self.containers.into_iter().map(Container::without_host_ports).collect();
        }
        self
    }
}

/// ECS's limit for a family.
const LONGEST_FAMILY: usize = 255;

/// Revisions share one family, so its name leaves the generation out.
fn family_of(new: &NewResource) -> String {
    new.address.physical(&new.stack, 0, LONGEST_FAMILY)
}

/// Families that may be the stack's.
async fn families(cx: &Context, query: &Query) -> Result<Vec<String>> {
    let Some(prefix) = query.prefix().filter(|_| !query.is_by_id()) else { return Ok(vec![]) };
    let request = client(cx).list_task_definition_families().family_prefix(prefix);
    let request = request.status(TaskDefinitionFamilyStatus::Active).into_paginator().items().send();
    Ok(request.try_collect().await?)
}

/// Those of `kept` that are active, and the latest of their families. ECS lists the revisions of all families of the
/// account together: it is asked for no more pages than there are revisions to ask for one by one.
async fn still_latest(cx: &Context, kept: Vec<Observed<TaskDefinition>>) -> Result<Vec<Observed<TaskDefinition>>> {
    if kept.is_empty() {
        return Ok(kept);
    }
    let request = client(cx).list_task_definitions().status(TaskDefinitionStatus::Active).sort(SortOrder::Desc);
    let mut pages = request.into_paginator().send();
    let mut latest: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..kept.len() {
        let Some(page) = pages.try_next().await? else { break };
        for (family, revision) in page.task_definition_arns.iter().flatten().filter_map(|arn| revision(arn)) {
            let latest = latest.entry(family.to_owned()).or_default();
            *latest = revision.max(*latest);
        }
    }
    let is_latest = |id: &str| revision(id).is_some_and(|(family, revision)| latest.get(family) == Some(&revision));
    Ok(kept.into_iter().filter(|observed| is_latest(&observed.id)).collect())
}

/// `orders` and 7, of `arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7`.
fn revision(arn: &str) -> Option<(&str, u64)> {
    let (family, revision) = arn.rsplit_once('/')?.1.rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

async fn describe_all(cx: &Context, names: Vec<String>) -> Result<Vec<Option<Observed<TaskDefinition>>>> {
    concurrently(names.into_iter().map(|name| describe(cx, name))).await
}

/// One revision by its ARN, or the latest active one of a family. Those deregistered are still described: they are gone.
async fn describe(cx: &Context, name: String) -> Result<Option<Observed<TaskDefinition>>> {
    let request = client(cx).describe_task_definition().task_definition(name).include(TaskDefinitionField::Tags);
    request.send().await.unless_gone()?.map_or(Ok(None), read)
}

fn read(answer: DescribeTaskDefinitionOutput) -> Result<Option<Observed<TaskDefinition>>> {
    let Some(definition) = answer.task_definition else { return Err(Error::absent("task definition")) };
    let status = match &definition.status {
        Some(TaskDefinitionStatus::Active) => Status::Ready,
        Some(TaskDefinitionStatus::Inactive | TaskDefinitionStatus::DeleteInProgress) => return Ok(None),
        // A word of AWS's that is newer than this program.
        Some(word) => Status::Pending(word.as_str().into()),
        None => return Err(Error::absent("status of a task definition")),
    };
    let (Some(id), Some(family)) = (definition.task_definition_arn, definition.family) else {
        return Err(Error::absent("ARN and family of a task definition"));
    };
    let network_mode = read!(definition.network_mode or NetworkMode::Bridge)?;
    let own_ports = network_mode == NetworkMode::Bridge;
    let containers = definition.container_definitions.into_iter().flatten();
    let amount = |text: Option<String>| {
        let number = text.map(|text| text.parse()).transpose();
        number.map_err(|_| Error::absent("number for the size of a task"))
    };
    let spec = TaskDefinition {
        family: Some(family.clone()),
        containers: containers
            .map(|container| {
                Container::from_aws(container).map(|it| if own_ports { it } else { it.without_host_ports() })
            })
            .collect::<Result<_>>()?,
        requires_compatibilities: read!(definition.requires_compatibilities)?,
        cpu: amount(definition.cpu)?,
        memory: amount(definition.memory)?,
        network_mode,
        runtime_platform: read!(definition.runtime_platform or RuntimePlatform::default())?,
        execution_role: definition.execution_role_arn.map(Ref::id),
        task_role: definition.task_role_arn.map(Ref::id),
        volumes: read!(definition.volumes)?,
        ephemeral_storage: mirror::read(definition.ephemeral_storage.map(|storage| storage.size_in_gib), "size")?,
        pid_mode: read!(definition.pid_mode)?,
    };
    let observed = Observed::new(&id, tags(answer.tags), spec).attr("arn", id.clone()).attr("family", family);
    let observed = observed.created_at(definition.registered_at);
    Ok(Some(Observed { status, ..observed.attr("revision", definition.revision.to_string()) }))
}

impl TaskDefinition {
    fn request(&self, cx: &Context) -> Result<RegisterTaskDefinitionFluentBuilder> {
        let role = |role: &Option<Ref<names::Role>>| role.as_ref().map(|role| cx.attr(role, "arn")).transpose();
        let storage = self.ephemeral_storage.to_aws(cx)?;
        let storage = storage.map(|gib| EphemeralStorage::builder().size_in_gib(gib).build());
        let request = client(cx)
            .register_task_definition()
            .set_container_definitions(self.containers.to_aws(cx)?)
            .set_cpu(self.cpu.map(|units| units.to_string()))
            .set_memory(self.memory.map(|mib| mib.to_string()))
            .set_execution_role_arn(role(&self.execution_role)?)
            .set_task_role_arn(role(&self.task_role)?)
            .set_ephemeral_storage(storage);
        let request =
            fill!(request, cx, self: requires_compatibilities, network_mode, runtime_platform, volumes, pid_mode);
        Ok(request)
    }

    fn check_task(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, message: String| problems.push(Problem::new(field, message));
        let names: BTreeSet<_> = self.containers.iter().map(|container| &container.name).collect();
        if names.len() < self.containers.len() {
            refuse("containers", "two containers have one name".into());
        }
        if !self.containers.iter().any(|container| container.essential) {
            refuse("containers", "at least one container must be essential".into());
        }
        if let Some(gib) = self.ephemeral_storage.filter(|gib| !(21..=200).contains(gib)) {
            refuse("ephemeral_storage", format!("{gib} GiB are not between 21 and 200"));
        }
        if self.requires_compatibilities.contains(&LaunchType::Fargate) {
            if self.network_mode != NetworkMode::Awsvpc {
                refuse("network_mode", "Fargate knows network mode `awsvpc` only".into());
            }
            problems.extend(fargate_size(self.cpu, self.memory));
        }
        problems
    }

    fn check_container(&self, container: &Container) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, message: String| {
            problems.push(Problem::new(format!("containers[{}].{field}", container.name), message));
        };
        let is_other = |ports: &PortMapping| ports.host_port.is_some_and(|port| port != ports.container_port);
        if self.network_mode != NetworkMode::Bridge && container.port_mappings.iter().any(is_other) {
            let mode = self.network_mode.as_str();
            refuse("port_mappings", format!("network mode `{mode}` has the container's port on the host as well"));
        }
        for Dependency { container_name, .. } in &container.depends_on {
            if !self.containers.iter().any(|other| other.name == *container_name) {
                refuse("depends_on", format!("there is no container `{container_name}`"));
            }
        }
        for MountPoint { source_volume, .. } in &container.mount_points {
            if !self.volumes.iter().any(|volume| volume.name == *source_volume) {
                refuse("mount_points", format!("there is no volume `{source_volume}`"));
            }
        }
        if let Some(name) = container.secrets.keys().find(|name| container.environment.contains_key(*name)) {
            refuse("secrets", format!("`{name}` is in `environment` too"));
        }
        let log_secrets = container.log_configuration.iter().flat_map(|log| &log.secret_options);
        let secrets = container.secrets.iter().chain(log_secrets);
        problems.extend(
            secrets.filter_map(|(name, from)| arn(format!("containers[{}].secrets.{name}", container.name), from)),
        );
        problems
    }
}

/// Fargate sells sizes, not any mix: for each vCPU size, from so many GiB to so many, in steps.
fn fargate_size(cpu: Option<u32>, memory: Option<u32>) -> Option<Problem> {
    let (Some(cpu), Some(memory)) = (cpu, memory) else {
        return Some(Problem::new("cpu", "Fargate demands both cpu and memory"));
    };
    let gib = |from: u32, to: u32, step: usize| (from..=to).step_by(step).map(|gib| gib * 1024).collect::<Vec<_>>();
    let sizes = match cpu {
        256 => vec![512, 1024, 2048],
        512 => gib(1, 4, 1),
        1024 => gib(2, 8, 1),
        2048 => gib(4, 16, 1),
        4096 => gib(8, 30, 1),
        8192 => gib(16, 60, 4),
        16384 => gib(32, 120, 8),
        _ => {
            return Some(Problem::new(
                "cpu",
                format!("Fargate has no task of {cpu} CPU units; it has 256 to 16384, doubling"),
            ));
        }
    };
    let (least, most) = (sizes.first()?, sizes.last()?);
    let message = format!(
        "Fargate has no task of {cpu} CPU units and {memory} MiB; with that CPU it has {least} to {most} MiB in steps"
    );
    (!sizes.contains(&memory)).then(|| Problem::new("memory", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fargate_has_certain_sizes() {
        for (cpu, memory) in [(256, 512), (512, 4096), (1024, 3072), (4096, 30720), (8192, 20480), (16384, 122880)] {
            assert_eq!(fargate_size(Some(cpu), Some(memory)), None, "{cpu} {memory}");
        }
        for (cpu, memory) in [(256, 4096), (512, 512), (300, 512), (1024, 2500), (8192, 17408), (16384, 16384)] {
            assert!(fargate_size(Some(cpu), Some(memory)).is_some(), "{cpu} {memory}");
        }
        assert!(fargate_size(Some(256), None).is_some());
    }
}
