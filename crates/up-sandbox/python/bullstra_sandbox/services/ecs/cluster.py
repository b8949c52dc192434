"""ECS's clusters: not two of a name, not deleted while anything runs in them, and described as far as asked."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import DELETING, READY, backend, lifecycle
from .. import query, tag_rules
from . import ECS, attachments

# What a description leaves out unless it is asked for.
INCLUDED = {"SETTINGS": "settings", "TAGS": "tags", "CONFIGURATIONS": "configuration", "STATISTICS": "statistics"}
SERVICE = "ecs.service"
INCONSISTENT = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."


@ECS.around("CreateCluster", "RegisterTaskDefinition", "CreateService", "TagResource", "CreateCapacityProvider")
def tags(call: Call, proceed: Any) -> None:
    tag_rules.check(call.get("tags", default=[]), code="InvalidParameterException", key="key", value="value")
    proceed()


def find(call: Call, active: bool = True) -> Any:
    """The cluster a request names, refused where there is none, or none any more."""
    name = call.get("cluster", default="default").rpartition("/")[2]
    cluster = backend("ecs", call).clusters.get(name)
    if cluster is None:
        raise Refusal("ClusterNotFoundException", "Cluster not found.")
    if active and cluster.status != "ACTIVE":
        raise Refusal("ClusterNotFoundException", "The referenced cluster was inactive.")
    return cluster


def services_in(call: Call, cluster: Any) -> list[Any]:
    """The services of a cluster, as moto keeps them."""
    return [service for service in backend("ecs", call).services.values() if service.cluster_name == cluster.name]


@ECS.around("CreateCluster")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    name = call.get("clusterName", default="default")
    attachments.refuse_unknown(call, call.get("capacityProviders", default=[]))
    old = backend("ecs", call).clusters.get(name)
    if old and old.status == "ACTIVE":
        if old.asked_for != call.params:
            raise Refusal("InvalidParameterException", INCONSISTENT)
        return {"cluster": described(call, old, set(INCLUDED))}
    proceed()
    made = backend("ecs", call).clusters[name]
    made.asked_for = dict(call.params)
    if made.capacity_providers:
        attachments.attach(call, made, [])
    return {"cluster": described(call, made, set(INCLUDED))}


def described(call: Call, cluster: Any, include: set[str]) -> dict[str, Any]:
    services = services_in(call, cluster)
    active = [service for service in services if service.status == "ACTIVE"]
    counts = [service.kept.counts(call) for service in services if hasattr(service, "kept")]
    seen = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": cluster.registered_container_instances_count,
        "runningTasksCount": sum(running for running, _ in counts) + len(running_tasks(call, cluster)),
        "pendingTasksCount": sum(pending for _, pending in counts),
        "activeServicesCount": len(active),
        "statistics": [],
        "tags": cluster.tags or [],
        "settings": cluster.settings,
        "configuration": cluster.configuration,
        "capacityProviders": cluster.capacity_providers or [],
        "defaultCapacityProviderStrategy": cluster.default_capacity_provider_strategy or [],
        "serviceConnectDefaults": cluster.service_connect_defaults,
    }
    if "ATTACHMENTS" in include:
        seen["attachmentsStatus"] = attachments.status(call, cluster)
    for asked, member in INCLUDED.items():
        if asked not in include:
            seen[member] = None if member == "configuration" else []
    return {name: value for name, value in seen.items() if value is not None}


def running_tasks(call: Call, cluster: Any) -> list[Any]:
    """The tasks that were run on their own."""
    tasks = backend("ecs", call).tasks.get(cluster.name, {}).values()
    return [task for task in tasks if task.desired_status != "STOPPED"]


@ECS.around("DescribeClusters")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    include = set(call.get("include", default=[]))
    known, found, failures = backend("ecs", call).clusters, [], []
    for name in call.get("clusters") or ["default"]:
        cluster = known.get(name.rpartition("/")[2])
        if cluster:
            found.append(described(call, cluster, include))
        else:
            arn = name if name.startswith("arn:") else call.arn("ecs", f"cluster/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"clusters": found, "failures": failures}


@ECS.around("ListClusters")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    arns = [cluster.arn for cluster in backend("ecs", call).clusters.values() if cluster.status == "ACTIVE"]
    return paged(call, "clusterArns", arns)


def paged(call: Call, name: str, items: list[Any], default: int = 100) -> dict[str, Any]:
    shown, following = query.page(items, call.get("nextToken"), call.get("maxResults"), default=default)
    return {name: shown, **({"nextToken": following} if following else {})}


@ECS.around("UpdateCluster", "UpdateClusterSettings")
def update(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    given = {each["name"]: each for each in call.get("settings", default=[])}
    cluster.settings = [given.pop(each["name"], each) for each in cluster.settings] + list(given.values())
    cluster.configuration = call.get("configuration", default=cluster.configuration)
    cluster.service_connect_defaults = call.get("serviceConnectDefaults", default=cluster.service_connect_defaults)
    if hasattr(cluster, "attachments_failed"):
        # What is attached is gone through once more: PutClusterCapacityProviders right after it is refused as busy.
        lifecycle.creating(call, attachments.ATTACHMENTS, cluster.arn)
    return {"cluster": described(call, cluster, set(INCLUDED))}


@ECS.around("DeleteCluster")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call, active=False)
    attachments.refuse_busy(call, cluster)
    if any(service.status == "ACTIVE" for service in services_in(call, cluster)):
        words = "The Cluster cannot be deleted while Services are active."
        raise Refusal("ClusterContainsServicesException", words)
    draining = (service for service in services_in(call, cluster) if service.status == "DRAINING")
    if running_tasks(call, cluster) or any(lifecycle.phase(call, SERVICE, each.arn) == DELETING for each in draining):
        raise Refusal("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    if backend("ecs", call).container_instances.get(cluster.name):
        words = "The Cluster cannot be deleted while Container Instances are active or draining."
        raise Refusal("ClusterContainsContainerInstancesException", words)
    cluster.status = "INACTIVE"
    return {"cluster": described(call, cluster, set(INCLUDED))}


def ready(call: Call, arn: str) -> bool:
    return lifecycle.phase(call, SERVICE, arn) == READY
