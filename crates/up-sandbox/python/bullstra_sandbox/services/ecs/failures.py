"""What stops a service's new tasks: an image that is not there, and what a test has played.

The tag `sandbox:state` on a service, which is not kept (`played.py`), says what becomes of the tasks of its new
deployments; a rollback is spared, and an empty value ends it:

- `exit 3`: an essential container exits with 3. It writes to its log before, where it has one: its environment, and a line.
- `unhealthy`: the targets fail their health checks.
- `hangs`: no task ever runs, and none stops.
- `alarm NAME`: the alarm goes off, if the service's deployments watch it.
- `hook`: the first lifecycle hook of the service fails.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...call import Call, Refusal
from . import images, task_definition
from .task_definition import now

if TYPE_CHECKING:
    from .deployments import Kept

HANGS, HOOK, UNHEALTHY = "hangs", "hook", "unhealthy"
# The least number of failures that trips the circuit breaker (API reference, ServiceDeploymentCircuitBreaker).
THRESHOLD = 3


@dataclass(frozen=True)
class Failure:
    """Why a task stopped, in the members of a stopped task."""

    code: str
    reason: str
    exit_code: int | None = None
    # What an event of the service says of it.
    event: str = ""


def of(call: Call, kept: Kept) -> Failure | None:
    """What every new task stops with; None where they run, or none is wanted."""
    definition = kept.settings.get("taskDefinition")
    if not definition or kept.settings["desiredCount"] == 0:
        return None
    missing = images.why_not(call, task_definition.find(call, definition))
    if missing:
        return Failure("TaskFailedToStart", missing)
    word, _, detail = kept.plays().partition(" ")
    if word == "exit":
        return Failure("EssentialContainerExited", "Essential container in task exited", int(detail))
    groups = [each["targetGroupArn"] for each in kept.settings["loadBalancers"] if each.get("targetGroupArn")]
    if word == UNHEALTHY and groups:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-unhealthy-event-messages.html
        reason = "Health checks failed with these codes: [503]"
        event = f"is unhealthy in (target-group {groups[0]}) due to (reason {reason})."
        return Failure(
            "ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {groups[0]})", 137, event
        )
    return None


def stopped(call: Call, kept: Kept, deployment: dict[str, Any], failure: Failure) -> list[dict[str, Any]]:
    """The stopped tasks of a deployment, as they are described, with what they have written to their logs."""
    definition = task_definition.find(call, deployment["settings"]["taskDefinition"])
    tasks = []
    for _ in range(THRESHOLD):
        id, moment = uuid.uuid4().hex, now()
        arn = call.arn("ecs", f"task/{kept.record.cluster_name}/{id}")
        containers = [container(each, failure, arn) for each in definition.container_definitions]
        tasks.append(
            {
                "taskArn": arn,
                "clusterArn": kept.record.cluster_arn,
                "taskDefinitionArn": definition.arn,
                "group": f"service:{kept.record.name}",
                "startedBy": deployment["id"],
                "lastStatus": "STOPPED",
                "desiredStatus": "STOPPED",
                "stopCode": failure.code,
                "stoppedReason": failure.reason,
                "createdAt": moment,
                "stoppedAt": moment,
                "containers": containers,
                "version": 3,
            }
        )
        if failure.exit_code is not None:
            for each in definition.container_definitions:
                log(call, each, id, failure.exit_code)
    return tasks


def container(given: dict[str, Any], failure: Failure, task: str) -> dict[str, Any]:
    seen = {
        "containerArn": f"{task.replace(':task/', ':container/')}/{uuid.uuid4()}",
        "taskArn": task,
        "name": given["name"],
        "image": given["image"],
        "lastStatus": "STOPPED",
    }
    if failure.exit_code is None:
        return {**seen, "reason": failure.reason}
    return {**seen, "exitCode": failure.exit_code if given.get("essential", True) else 0}


def log(call: Call, container: dict[str, Any], task: str, exit_code: int) -> None:
    """What a container writes before it exits: its environment, and that it exits.

    The stream's name is the prefix, the container and the task's id:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    configuration = container.get("logConfiguration") or {}
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
        return
    stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task}"
    group = options["awslogs-group"]
    lines = [f"{each['name']}={each['value']}" for each in container.get("environment", [])]
    lines.append(f"{container['name']}: failed to start, exit code {exit_code}")
    moment = int(now().timestamp() * 1000)
    events = [{"timestamp": moment + place, "message": line} for place, line in enumerate(lines)]
    try:
        call.ask("logs", "CreateLogStream", logGroupName=group, logStreamName=stream)
        call.ask("logs", "PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)
    except Refusal:
        # Without its group, nothing is kept.
        return
