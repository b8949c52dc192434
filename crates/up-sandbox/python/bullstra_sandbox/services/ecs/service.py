"""ECS's services: what AWS keeps of them, and how they drain."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import DELETING, GONE, backend, lifecycle, store
from ..interfaces import release
from . import ECS, attachments, task_definition
from .cluster import SERVICE, find as find_cluster, paged, services_in
from .deployments import DEPLOYED, Kept
from .service_rules import as_kept, defaults, refuse_bad_service

NOT_KEPT = ("clientToken", "cluster", "service", "serviceName", "forceNewDeployment", "role", "tags")


def find(call: Call, cluster: Any, name: str) -> Any:
    """moto's record of a service, with `kept` settled; None where there is none."""
    short = name.rpartition("/")[2]
    for record in services_in(call, cluster):
        if record.name == short and hasattr(record, "kept"):
            record.kept.settle(call)
            return record
    return None


@ECS.around("CreateService")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    cluster, name = find_cluster(call), call.params["serviceName"]
    asked = {name: value for name, value in call.params.items() if name != "clientToken"}
    answered, token = store("ecs.tokens", call), call.get("clientToken")
    old = find(call, cluster, name)
    if token and token in answered:
        if answered[token] != asked or old is None:
            raise Refusal("InvalidParameterException", "Creation of service was not idempotent.")
        return {"service": old.kept.described(call, tagged=True)}
    if old and old.status == "ACTIVE":
        raise Refusal("InvalidParameterException", "Creation of service was not idempotent.")
    if old and old.status == "DRAINING":
        raise Refusal("InvalidParameterException", "Unable to Start a service that is still Draining.")
    settings = settings_of(call, defaults(call), call.params)
    if not settings.get("capacityProviderStrategy") and "launchType" not in settings:
        settings |= defaults_of(cluster)
    refuse_bad_service(call, settings)
    attachments.refuse_strangers(cluster, settings.get("capacityProviderStrategy") or [])
    release(backend("ec2", call), call.arn("ecs", f"service/{cluster.name}/{name}"))
    backend("ecs", call).services.pop(f"{cluster.name}:{name}", None)
    proceed({**call.params, **with_groups(call)})
    record = backend("ecs", call).services[f"{cluster.name}:{name}"]
    record.kept = Kept(call, record, settings)
    if token:
        answered[token] = asked
    lifecycle.creating(call, SERVICE, record.arn)
    record.kept.connect(call)
    return {"service": record.kept.described(call, tagged=True)}


def with_groups(call: Call) -> dict[str, Any]:
    """The network of a request that may name no security groups, which moto demands."""
    network = call.get("networkConfiguration", "awsvpcConfiguration")
    return {"networkConfiguration": {"awsvpcConfiguration": {"securityGroups": [], **network}}} if network else {}


def defaults_of(cluster: Any) -> dict[str, Any]:
    strategy = cluster.default_capacity_provider_strategy
    return {"capacityProviderStrategy": strategy} if strategy else {"launchType": "EC2"}


def settings_of(call: Call, before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings after a request, task definition by its ARN, deployment configuration with its defaults."""
    after = {**before, **{name: value for name, value in given.items() if name not in NOT_KEPT and value is not None}}
    if given.get("taskDefinition"):
        found = task_definition.find(call, given["taskDefinition"])
        if found is None:
            raise Refusal("ClientException", "TaskDefinition not found.")
        if found.status != "ACTIVE":
            raise Refusal("ClientException", "TaskDefinition is inactive")
        after["taskDefinition"] = found.arn
    if given.get("launchType"):
        after.pop("capacityProviderStrategy", None)
    elif given.get("capacityProviderStrategy"):
        after.pop("launchType", None)
    return as_kept(before, after, given)


@ECS.around("DescribeServices")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call, active=False)
    tagged = "TAGS" in call.get("include", default=[])
    if len(call.params["services"]) > 10:
        raise Refusal("InvalidParameterException", "Services cannot be greater than 10.")
    found, failures = [], []
    for name in call.params["services"]:
        record = find(call, cluster, name)
        if record:
            found.append(record.kept.described(call, tagged))
        else:
            arn = name if name.startswith("arn:") else call.arn("ecs", f"service/{cluster.name}/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"services": found, "failures": failures}


@ECS.around("ListServices")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call, active=False)
    records = [record for record in services_in(call, cluster) if hasattr(record, "kept")]
    for record in records:
        record.kept.settle(call)
    wanted = {name: call.get(name) for name in ("launchType", "schedulingStrategy") if call.get(name)}
    arns = [
        record.arn
        for record in records
        if record.status != "INACTIVE"
        and all(record.kept.settings.get(name) == value for name, value in wanted.items())
    ]
    return paged(call, "serviceArns", arns, default=10)


@ECS.around("UpdateService")
def update(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call)
    record = find(call, cluster, call.params["service"])
    if record is None or record.status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    if record.status != "ACTIVE":
        raise Refusal("ServiceNotActiveException", "Service was not ACTIVE.")
    kept = record.kept
    before = kept.settings
    after = settings_of(call, before, call.params)
    refuse_bad_service(call, after)
    attachments.refuse_strangers(cluster, call.get("capacityProviderStrategy", default=[]))
    refuse_unforced(call, before, after)
    kept.settings = after
    record.desired_count, record.task_definition = after["desiredCount"], after.get("taskDefinition")
    redeployed = any(before.get(name) != after.get(name) for name in DEPLOYED)
    if redeployed or call.get("forceNewDeployment"):
        kept.deploy(call)
    if redeployed or call.get("forceNewDeployment") or before["desiredCount"] != after["desiredCount"]:
        lifecycle.modifying(call, SERVICE, record.arn)
        kept.connect(call)
    return {"service": kept.described(call, tagged=True)}


def refuse_unforced(call: Call, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Where tasks run changes only with a deployment that is asked for.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html (capacityProviderStrategy)
    """
    moves = any(before.get(name) != after.get(name) for name in ("capacityProviderStrategy", "launchType"))
    if moves and not call.get("forceNewDeployment"):
        message = "A forced new deployment is required when updating the capacity provider strategy of a service."
        raise Refusal("InvalidParameterException", message)


@ECS.around("DeleteService")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call)
    record = find(call, cluster, call.params["service"])
    if record is None or record.status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    settings = record.kept.settings
    if settings["desiredCount"] > 0 and not call.get("force") and settings["schedulingStrategy"] == "REPLICA":
        raise Refusal("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    if record.status != "DRAINING":
        record.status = "DRAINING"
        settings["desiredCount"] = 0
        lifecycle.deleting(call, SERVICE, record.arn)
    assert lifecycle.phase(call, SERVICE, record.arn) in (DELETING, GONE), "a draining service is being deleted"
    return {"service": record.kept.described(call, tagged=True)}
