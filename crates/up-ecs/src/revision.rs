//! Revisions of a task definition that differ in images alone. Everything else is taken over as ECS describes it, also what
//! no field of [`crate::task_definition`] holds.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{SortOrder, Tag, TaskDefinition, TaskDefinitionField, TaskDefinitionStatus};
use up_core::{Context, Error, ErrorKind, Result, concurrently};

use crate::{client, once};

/// How many of the newest revisions are looked through.
const NEWEST: i32 = 5;

/// A task definition with its tags.
pub(crate) struct TaggedDefinition {
    pub(crate) definition: TaskDefinition,
    tags: Vec<Tag>,
}

/// A revision, by its ARN; one that is not active any more is described as well.
pub(crate) async fn describe(cx: &Context, arn: &str) -> Result<TaggedDefinition> {
    let request = client(cx).describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    let answer = request.send().await?;
    let definition = answer.task_definition.ok_or_else(|| Error::absent("task definition"))?;
    // Tags of AWS's own cannot be given.
    let mut tags: Vec<_> = answer.tags.unwrap_or_default();
    tags.retain(|tag| !tag.key().is_some_and(|key| key.starts_with("aws:")));
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(TaggedDefinition { definition, tags })
}

/// One of the newest active revisions of the family that is just as `definition` with these images would be.
pub(crate) async fn find(cx: &Context, definition: &str, images: &BTreeMap<String, String>) -> Result<Option<String>> {
    let wanted = with_images(describe(cx, definition).await?, images)?;
    like(cx, wanted).await
}

async fn like(cx: &Context, wanted: TaggedDefinition) -> Result<Option<String>> {
    let family = wanted.definition.family.clone().unwrap_or_default();
    let request = client(cx).list_task_definitions().family_prefix(family).status(TaskDefinitionStatus::Active);
    let listed = request.sort(SortOrder::Desc).max_results(NEWEST).send().await?;
    let arns = listed.task_definition_arns.unwrap_or_default();
    let all = arns.clone().into_iter().map(async |arn| describe(cx, &arn).await);
    let all = concurrently(all).await?;
    let (tags, wanted) = (wanted.tags, as_registered(wanted.definition));
    let same =
        arns.into_iter().zip(all).find(|(_, it)| it.tags == tags && as_registered(it.definition.clone()) == wanted);
    Ok(same.map(|(arn, _)| arn))
}

/// Registers a revision. ECS takes no client token: sent once, and looked for where the answer is lost.
pub(crate) async fn register(cx: &Context, definition: &str, images: &BTreeMap<String, String>) -> Result<String> {
    let TaggedDefinition { definition, tags } = with_images(describe(cx, definition).await?, images)?;
    let sent = definition.clone();
    let request = client(cx)
        .register_task_definition()
        .set_family(sent.family)
        .set_task_role_arn(sent.task_role_arn)
        .set_execution_role_arn(sent.execution_role_arn)
        .set_network_mode(sent.network_mode)
        .set_container_definitions(sent.container_definitions)
        .set_volumes(given(sent.volumes))
        .set_placement_constraints(given(sent.placement_constraints))
        .set_requires_compatibilities(given(sent.requires_compatibilities))
        .set_cpu(sent.cpu)
        .set_memory(sent.memory)
        .set_tags(given(Some(tags.clone())))
        .set_pid_mode(sent.pid_mode)
        .set_ipc_mode(sent.ipc_mode)
        .set_proxy_configuration(sent.proxy_configuration)
        .set_ephemeral_storage(sent.ephemeral_storage)
        .set_runtime_platform(sent.runtime_platform)
        .set_enable_fault_injection(sent.enable_fault_injection);
    let answer = request.customize().config_override(once()).send().await.map_err(Error::from);
    match answer {
        Ok(answer) => {
            let arn = answer.task_definition.and_then(|made| made.task_definition_arn);
            arn.ok_or_else(|| Error::absent("ARN of the task definition that it made"))
        }
        Err(error) if error.kind == ErrorKind::Ambiguous => {
            let made = like(cx, TaggedDefinition { definition, tags }).await?;
            made.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Empty lists are left out, as they were given.
fn given<T>(items: Option<Vec<T>>) -> Option<Vec<T>> {
    items.filter(|items| !items.is_empty())
}

fn with_images(mut tagged: TaggedDefinition, images: &BTreeMap<String, String>) -> Result<TaggedDefinition> {
    for (name, image) in images {
        let containers = tagged.definition.container_definitions.as_mut();
        let container =
            containers.into_iter().flatten().find(|container| container.name.as_deref() == Some(name.as_str()));
        let Some(container) = container else {
            return Err(Error::ours(format!("the task definition has no container `{name}`")));
        };
        container.image = Some(image.clone());
    }
    Ok(tagged)
}

/// Without what ECS says of a revision, and nobody gives.
fn as_registered(mut definition: TaskDefinition) -> TaskDefinition {
    definition.task_definition_arn = None;
    definition.revision = 0;
    definition.status = None;
    definition.requires_attributes = None;
    definition.compatibilities = None;
    definition.registered_at = None;
    definition.deregistered_at = None;
    definition.delete_requested_at = None;
    definition.registered_by = None;
    definition
}
