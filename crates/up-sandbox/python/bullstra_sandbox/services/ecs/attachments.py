"""Which capacity providers a cluster has: attached after a while, or not, and kept while a service uses them."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import CREATING, backend, lifecycle
from . import ECS
from . import cluster as clusters

ATTACHMENTS = "ecs.attachments"
BUILT_IN = ("FARGATE", "FARGATE_SPOT")
STRANGER = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
    "cluster. Associate the capacity provider with the cluster and try again."
)


def refuse_unknown(call: Call, names: list[str]) -> None:
    for name in names:
        if name not in BUILT_IN and backend("ecs", call)._get_provider(name) is None:
            raise Refusal("InvalidParameterException", f"The specified capacity provider was not found: {name}")


def refuse_strangers(cluster: Any, strategy: list[dict[str, Any]]) -> None:
    """A strategy names only what the cluster has."""
    if any(each["capacityProvider"] not in (cluster.capacity_providers or []) for each in strategy):
        raise Refusal("InvalidParameterException", STRANGER)


def attach(call: Call, cluster: Any, before: list[str]) -> None:
    """Begins to attach and to detach. What has lost its Auto Scaling group can be neither."""
    groups = {group.arn for group in backend("autoscaling", call).autoscaling_groups.values()}
    moved = set(before) ^ set(cluster.capacity_providers or [])
    providers = [backend("ecs", call)._get_provider(name) for name in moved if name not in BUILT_IN]
    arns = [each.auto_scaling_group_provider["autoScalingGroupArn"] for each in providers if each]
    cluster.attachments_failed = any(arn not in groups for arn in arns)
    lifecycle.creating(call, ATTACHMENTS, cluster.arn)


def status(call: Call, cluster: Any) -> str | None:
    """How far a cluster's attachments have come; None where it never had any."""
    if not hasattr(cluster, "attachments_failed"):
        return None
    if lifecycle.phase(call, ATTACHMENTS, cluster.arn) == CREATING:
        return "UPDATE_IN_PROGRESS"
    return "UPDATE_FAILED" if cluster.attachments_failed else "UPDATE_COMPLETE"


def refuse_busy(call: Call, cluster: Any) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html"""
    if status(call, cluster) == "UPDATE_IN_PROGRESS":
        message = (
            "The specified cluster is in a busy state. Cluster attachments must be in UPDATE_COMPLETE or UPDATE_FAILED "
            "state before they can be updated. Wait and try again."
        )
        raise Refusal("UpdateInProgressException", message)


@ECS.around("PutClusterCapacityProviders")
def put(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = clusters.find(call)
    names, strategy = call.params["capacityProviders"], call.params["defaultCapacityProviderStrategy"]
    refuse_unknown(call, names)
    if any(each["capacityProvider"] not in names for each in strategy):
        raise Refusal("InvalidParameterException", STRANGER)
    refuse_busy(call, cluster)
    refuse_in_use(call, cluster, set(cluster.capacity_providers or []) - set(names))
    before, cluster.capacity_providers = cluster.capacity_providers or [], names
    cluster.default_capacity_provider_strategy = strategy
    attach(call, cluster, before)
    return {"cluster": clusters.described(call, cluster, set(clusters.INCLUDED))}


def refuse_in_use(call: Call, cluster: Any, leaving: set[str]) -> None:
    """The API reference of PutClusterCapacityProviders: existing tasks and services use it, so it cannot be removed."""
    for service in clusters.services_in(call, cluster):
        if service.status != "INACTIVE" and leaving & service.kept.providers(call):
            raise Refusal("ResourceInUseException", "The specified capacity provider is in use and cannot be removed.")
