"""ECS's task definitions: kept whole, checked as Fargate checks them, and remembered when they are gone."""

from __future__ import annotations

import datetime
from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import ECS
from .cluster import paged

# The memory, in MiB, that goes with each CPU share of Fargate: first, last, step.
FARGATE = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
UNITS = {"vcpu": 1024, "gb": 1024}


@ECS.around("RegisterTaskDefinition")
def register(call: Call, proceed: Any) -> dict[str, Any]:
    if "FARGATE" in call.get("requiresCompatibilities", default=[]):
        refuse_bad_fargate(call)
    family = call.params["family"]
    answer = proceed()
    made = backend("ecs", call).task_definitions[family][answer["taskDefinition"]["revision"]]
    made.given = {name: value for name, value in call.params.items() if name != "tags"}
    made.registered_at = now()
    made.network_mode = call.get("networkMode", default="bridge")
    return {"taskDefinition": described(call, made), "tags": made.tags}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def refuse_bad_fargate(call: Call) -> None:
    if call.get("networkMode") != "awsvpc":
        raise Refusal("ClientException", "Fargate only supports network mode ‘awsvpc’.")
    cpu, memory = amount(call.get("cpu")), amount(call.get("memory"))
    if cpu is None or memory is None:
        member = "cpu" if cpu is None else "memory"
        raise Refusal("ClientException", f"Fargate requires that '{member}' be defined at the task level.")
    first, last, step = FARGATE.get(cpu, (0, -1, 1))
    smallest = cpu == 256 and memory == 512
    if not smallest and (not first <= memory <= last or (memory - first) % step):
        raise Refusal("ClientException", "No Fargate configuration exists for given values.")
    drivers = {each.get("logConfiguration", {}).get("logDriver") for each in call.params["containerDefinitions"]}
    if "awslogs" in drivers and not call.get("executionRoleArn"):
        message = "Fargate requires task definition to have execution role ARN to support log driver awslogs."
        raise Refusal("ClientException", message)


def amount(text: str | None) -> int | None:
    """A number of units, which may be written as `1 vCPU` or `2 GB`."""
    words = (text or "").lower().split()
    if not words:
        return None
    return int(float(words[0]) * UNITS.get(words[1], 1)) if len(words) > 1 else int(words[0])


def described(call: Call, definition: Any) -> dict[str, Any]:
    given = getattr(definition, "given", {})
    seen = {
        **given,
        "taskDefinitionArn": definition.arn,
        "family": definition.family,
        "revision": definition.revision,
        "status": definition.status,
        "containerDefinitions": [container(each, definition.network_mode) for each in definition.container_definitions],
        "volumes": definition.volumes,
        "networkMode": definition.network_mode,
        "placementConstraints": definition.placement_constraints,
        "compatibilities": definition.compatibilities,
        "registeredAt": getattr(definition, "registered_at", None),
        "registeredBy": f"arn:{call.partition}:iam::{call.account}:root",
        "deregisteredAt": getattr(definition, "deregistered_at", None),
    }
    return {name: value for name, value in seen.items() if value is not None}


def container(given: dict[str, Any], network_mode: str) -> dict[str, Any]:
    """A container with the members AWS fills in."""
    own_network = network_mode in ("awsvpc", "host")
    ports = [
        {"protocol": "tcp", "hostPort": port.get("containerPort") if own_network else 0, **port}
        for port in given.get("portMappings", [])
    ]
    return {"systemControls": [], **given, "portMappings": ports}


def find(call: Call, name: str) -> Any:
    """The task definition of a name, ARN or family; a family stands for its newest active revision."""
    family, _, number = name.rpartition("/")[2].partition(":")
    revisions = backend("ecs", call).task_definitions.get(family, {})
    if number:
        return revisions.get(int(number)) if number.isdigit() else None
    active = [revision for revision, each in revisions.items() if each.status == "ACTIVE"]
    return revisions[max(active)] if active else None


@ECS.around("DescribeTaskDefinition")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    found = find(call, call.params["taskDefinition"])
    if found is None:
        raise Refusal("ClientException", "Unable to describe task definition.")
    wanted = "TAGS" in call.get("include", default=[])
    return {"taskDefinition": described(call, found), **({"tags": found.tags} if wanted else {})}


@ECS.around("DeregisterTaskDefinition")
def deregister(call: Call, proceed: Any) -> dict[str, Any]:
    name = call.params["taskDefinition"]
    if ":" not in name.rpartition("/")[2]:
        raise Refusal("ClientException", "Revision is missing.")
    found = find(call, name)
    if found is None:
        raise Refusal("ClientException", "Unable to describe task definition.")
    if found.status != "ACTIVE":
        raise Refusal("InvalidParameterException", "The specified task definition is not ACTIVE.")
    found.status, found.deregistered_at = "INACTIVE", now()
    return {"taskDefinition": described(call, found)}


@ECS.around("DeleteTaskDefinitions")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    deleted, failures = [], []
    for name in call.params["taskDefinitions"]:
        found = find(call, name) if ":" in name.rpartition("/")[2] else None
        if found is None:
            words = (
                "The specified task definition does not exist. Specify a valid account, family, revision and try again."
            )
            failures.append({"arn": name, "reason": words})
        elif found.status == "ACTIVE":
            words = (
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
            )
            failures.append({"arn": name, "reason": words})
        else:
            # It stays, so that its revision is never given again.
            found.status = "DELETE_IN_PROGRESS"
            deleted.append(described(call, found))
    return {"taskDefinitions": deleted, "failures": failures}


@ECS.around("ListTaskDefinitions")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    family, status = call.get("familyPrefix"), call.get("status", default="ACTIVE")
    arns = [
        definition.arn
        for revisions in backend("ecs", call).task_definitions.values()
        for definition in revisions.values()
        if definition.status == status and family in (None, definition.family)
    ]
    return paged(call, "taskDefinitionArns", arns[::-1] if call.get("sort") == "DESC" else arns)
