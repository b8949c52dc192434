"""ECS's clusters: not two of a name, not deleted while anything runs in them, and described as far as asked."""

from __future__ import annotations

from typing import Any

from ..call import Call, Refusal
from ..hooks import around
from ..world import DELETING, READY, backend, lifecycle
from . import query, tag_rules

BUILT_IN = ("FARGATE", "FARGATE_SPOT")
# What a description leaves out unless it is asked for.
INCLUDED = {"SETTINGS": "settings", "TAGS": "tags", "CONFIGURATIONS": "configuration", "STATISTICS": "statistics"}
SERVICE = "ecs.service"
INCONSISTENT = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."


@around("ecs", "CreateCluster", "RegisterTaskDefinition", "CreateService", "TagResource", "CreateCapacityProvider")
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


@around("ecs", "CreateCluster")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    name = call.get("clusterName", default="default")
    refuse_unknown_providers(call, call.get("capacityProviders", default=[]))
    old = backend("ecs", call).clusters.get(name)
    if old and old.status == "ACTIVE":
        if old.asked_for != call.params:
            raise Refusal("InvalidParameterException", INCONSISTENT)
        return {"cluster": described(call, old, set(INCLUDED))}
    proceed()
    made = backend("ecs", call).clusters[name]
    made.asked_for = dict(call.params)
    return {"cluster": described(call, made, set(INCLUDED))}


def refuse_unknown_providers(call: Call, names: list[str]) -> None:
    for name in names:
        if name not in BUILT_IN and backend("ecs", call)._get_provider(name) is None:
            raise Refusal("InvalidParameterException", f"The specified capacity provider was not found: {name}")


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
    for asked, member in INCLUDED.items():
        if asked not in include:
            seen[member] = None if member == "configuration" else []
    return {name: value for name, value in seen.items() if value is not None}


def running_tasks(call: Call, cluster: Any) -> list[Any]:
    """The tasks that were run on their own."""
    tasks = backend("ecs", call).tasks.get(cluster.name, {}).values()
    return [task for task in tasks if task.desired_status != "STOPPED"]


@around("ecs", "DescribeClusters")
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


@around("ecs", "ListClusters")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    arns = [cluster.arn for cluster in backend("ecs", call).clusters.values() if cluster.status == "ACTIVE"]
    return paged(call, "clusterArns", arns)


def paged(call: Call, name: str, items: list[Any], default: int = 100) -> dict[str, Any]:
    shown, following = query.page(items, call.get("nextToken"), call.get("maxResults"), default=default)
    return {name: shown, **({"nextToken": following} if following else {})}


@around("ecs", "UpdateCluster", "UpdateClusterSettings")
def update(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    given = {each["name"]: each for each in call.get("settings", default=[])}
    cluster.settings = [given.pop(each["name"], each) for each in cluster.settings] + list(given.values())
    cluster.configuration = call.get("configuration", default=cluster.configuration)
    cluster.service_connect_defaults = call.get("serviceConnectDefaults", default=cluster.service_connect_defaults)
    return {"cluster": described(call, cluster, set(INCLUDED))}


@around("ecs", "PutClusterCapacityProviders")
def put_providers(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    names, strategy = call.params["capacityProviders"], call.params["defaultCapacityProviderStrategy"]
    refuse_unknown_providers(call, names)
    if any(each["capacityProvider"] not in names for each in strategy):
        message = (
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with "
            "the cluster. Associate the capacity provider with the cluster and try again."
        )
        raise Refusal("InvalidParameterException", message)
    cluster.capacity_providers, cluster.default_capacity_provider_strategy = names, strategy
    return {"cluster": described(call, cluster, set(INCLUDED))}


@around("ecs", "DeleteCluster")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call, active=False)
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
