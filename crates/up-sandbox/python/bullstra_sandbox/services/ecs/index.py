"""What the tagging index has of ECS."""

from __future__ import annotations

from collections.abc import Iterator

from ...call import Call
from ...service import Tagged, as_map
from ...world import backend
from . import ECS


@ECS.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    ecs = backend("ecs", call)
    definitions = (each for revisions in ecs.task_definitions.values() for each in revisions.values())
    for resource in (*ecs.clusters.values(), *ecs.services.values(), *definitions):
        if resource.status != "INACTIVE":
            yield resource.arn, as_map(resource.tags)
    for provider in ecs.capacity_providers.values():
        yield provider.capacity_provider_arn, as_map(provider.tags)
