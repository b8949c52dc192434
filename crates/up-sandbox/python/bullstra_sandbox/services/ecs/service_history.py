"""The history of a service: its deployments and revisions, listed, described, stopped and continued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...call import Call, Refusal
from ...world import backend, lifecycle
from .. import played
from . import ECS
from .cluster import SERVICE, find as find_cluster, paged, services_in
from .service_deployment import AWAITING, ROLLING_BACK, ServiceDeployment

MOST = 20


def keeping(call: Call) -> Iterator[Any]:
    """What is kept of each service that is not gone: with a service go its deployments."""
    for record in backend("ecs", call).services.values():
        if hasattr(record, "kept"):
            record.kept.settle(call)
            if record.status != "INACTIVE":
                yield record.kept


def find(call: Call) -> tuple[Any, ServiceDeployment]:
    """The service and the deployment that a request names."""
    arn = call.params["serviceDeploymentArn"]
    for kept in keeping(call):
        for deployment in kept.history:
            if deployment.arn == arn:
                return kept, deployment
    raise Refusal("ServiceDeploymentNotFoundException", "The service deployment cannot be found.")


@ECS.around("ListServiceDeployments")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    name = call.params["service"].rpartition("/")[2]
    cluster = find_cluster(call, active=False)
    records = [each for each in services_in(call, cluster) if each.name == name and hasattr(each, "kept")]
    if not records or records[0].status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    kept = records[0].kept
    kept.settle(call)
    statuses = call.get("status", default=[])
    # Parameters are naive, in UTC.
    before, after = call.get("createdAt", "before"), call.get("createdAt", "after")
    shown = [
        deployment.brief(call)
        for deployment in kept.history
        if (not statuses or deployment.status_now(call) in statuses)
        and (before is None or deployment.created.replace(tzinfo=None) < before)
        and (after is None or deployment.created.replace(tzinfo=None) > after)
    ]
    return paged(call, "serviceDeployments", shown)


@ECS.around("DescribeServiceDeployments")
def deployments(call: Call, proceed: Any) -> dict[str, Any]:
    arns = call.params["serviceDeploymentArns"]
    refuse_too_many(arns)
    known = {each.arn: (kept, each) for kept in keeping(call) for each in kept.history}
    found = [known[arn][1].described(call, known[arn][0]) for arn in arns if arn in known]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {"serviceDeployments": found, "failures": failures}


@ECS.around("DescribeServiceRevisions")
def revisions(call: Call, proceed: Any) -> dict[str, Any]:
    arns = call.params["serviceRevisionArns"]
    refuse_too_many(arns)
    known = {each.revision: each for kept in keeping(call) for each in kept.history}
    found = [known[arn].as_revision() for arn in arns if arn in known]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {"serviceRevisions": found, "failures": failures}


def refuse_too_many(arns: list[str]) -> None:
    if not 1 <= len(arns) <= MOST:
        raise Refusal("InvalidParameterException", f"1 to {MOST} ARNs can be specified.")


@ECS.around("StopServiceDeployment")
def stop(call: Call, proceed: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html"""
    if call.get("stopType", default="ROLLBACK") != "ROLLBACK":
        raise Refusal("InvalidParameterException", "The only supported stop type is ROLLBACK.")
    kept, deployment = find(call)
    if not deployment.is_ongoing:
        raise Refusal("ConflictException", f"The service deployment is in the {deployment.status} state.")
    if deployment.status != ROLLING_BACK:
        # The words are ours.
        why = "Service deployment rolled back because it was stopped by a user."
        go_back(call, kept, why)
    return {"serviceDeploymentArn": deployment.arn}


def go_back(call: Call, kept: Any, why: str) -> None:
    failed = kept.deployments[0]
    kept.turn(failed, "FAILED", "ECS deployment stopped.")
    kept.roll_back(call, failed, why, is_requested=True)


@ECS.around("ContinueServiceDeployment")
def go_on(call: Call, proceed: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html"""
    kept, deployment = find(call)
    hook = deployment.hook
    if hook is None or hook["hookId"] != call.params["hookId"] or hook["status"] != AWAITING:
        raise Refusal("InvalidParameterException", "The hook is not awaiting an action.")
    if call.get("action", default="CONTINUE") == "ROLLBACK":
        hook["status"] = "FAILED"
        go_back(call, kept, f"Service deployment rolled back because of a rollback action at {deployment.stage}.")
    else:
        hook["status"] = "SUCCEEDED"
        lifecycle.modifying(call, SERVICE, kept.record.arn)
    return {"serviceDeploymentArn": deployment.arn}


@ECS.around("ListTasks")
def tasks(call: Call, proceed: Any) -> dict[str, Any] | None:
    """Stopped tasks of a service; ECS describes them for an hour. All others are moto's."""
    name, started_by = call.get("serviceName"), call.get("startedBy")
    if call.get("desiredStatus") != "STOPPED" or not name:
        proceed()
        return None
    cluster = find_cluster(call, active=False)
    records = [each for each in services_in(call, cluster) if each.name == name.rpartition("/")[2]]
    if not records:
        raise Refusal("ServiceNotFoundException", "Service not found.")
    records[0].kept.settle(call)
    found = records[0].kept.stopped_tasks
    return paged(call, "taskArns", [each["taskArn"] for each in found if started_by in (None, each["startedBy"])])


@ECS.around("DescribeTasks")
def describe_tasks(call: Call, proceed: Any) -> dict[str, Any] | None:
    cluster = find_cluster(call, active=False)
    known = {
        each["taskArn"]: each
        for record in services_in(call, cluster)
        if hasattr(record, "kept")
        for each in record.kept.stopped_tasks
    }
    if not any(arn in known for arn in call.params["tasks"]):
        proceed()
        return None
    call.get("include")
    arns = call.params["tasks"]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {"tasks": [known[arn] for arn in arns if arn in known], "failures": failures}


@ECS.around("TagResource")
def play(call: Call, proceed: Any) -> dict[str, Any] | None:
    """Takes the tag that says what becomes of a service's new tasks, see `failures.py`."""
    given = {each["key"]: each.get("value", "") for each in call.params["tags"]}
    if played.STATE_TAG not in given or ":service/" not in call.params["resourceArn"]:
        proceed()
        return None
    for kept in keeping(call):
        if kept.record.arn == call.params["resourceArn"]:
            given = played.take(kept, given)
    if given:
        proceed({**call.params, "tags": [{"key": key, "value": value} for key, value in given.items()]})
    return {}
