"""The settings of a service: what ECS fills in, how it keeps them, and what it refuses."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from ..elbv2.target_group import users_of
from . import blue_green, task_definition


DEFAULTS: dict[str, Any] = {
    "availabilityZoneRebalancing": "ENABLED",
    "deploymentController": {"type": "ECS"},
    "desiredCount": 0,
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "propagateTags": "NONE",
    "schedulingStrategy": "REPLICA",
    "serviceRegistries": [],
}
DEPLOYMENT: dict[str, Any] = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
# A DAEMON's tasks stop before others start: there is room for one on each instance.
DAEMON_DEPLOYMENT = {**DEPLOYMENT, "maximumPercent": 100, "minimumHealthyPercent": 0}


def defaults(call: Call) -> dict[str, Any]:
    """The settings of a service of which a request says nothing."""
    daemon = call.get("schedulingStrategy") == "DAEMON"
    return {**DEFAULTS, "deploymentConfiguration": DAEMON_DEPLOYMENT if daemon else DEPLOYMENT}


def as_kept(before: dict[str, Any], after: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings as ECS describes them."""
    deployment = {**before["deploymentConfiguration"], **given.get("deploymentConfiguration", {})}
    kept = {**after, "deploymentConfiguration": deployment}
    network = after.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        filled = {"assignPublicIp": "DISABLED", "securityGroups": [], **network}
        kept["networkConfiguration"] = {"awsvpcConfiguration": filled}
    if after.get("loadBalancers"):
        kept.setdefault("healthCheckGracePeriodSeconds", 0)
    # Seen on AWS: https://github.com/aws/amazon-ecs-cli/pull/586
    kept["placementStrategy"] = [
        {**each, "field": each["field"].upper()} if each.get("field", "").lower() in ("cpu", "memory") else each
        for each in after["placementStrategy"]
    ]
    return kept


def refuse_bad_daemon(call: Call, settings: dict[str, Any]) -> None:
    """https://github.com/aws/aws-cdk/issues/2209, https://github.com/hashicorp/terraform-provider-aws/pull/4825"""
    if call.get("desiredCount") is not None:
        refuse("The daemon scheduling strategy does not support a desired count for services. Remove the desired count.")
    if settings["placementStrategy"]:
        refuse("Placement strategies are not supported with the daemon scheduling strategy.")
    if settings.get("capacityProviderStrategy"):
        refuse("The daemon scheduling strategy does not support a capacity provider strategy. Name a launch type.")
    if settings.get("launchType") == "FARGATE":
        refuse("The daemon scheduling strategy is not supported with the FARGATE launch type.")
    if settings["deploymentConfiguration"]["maximumPercent"] > 100:
        refuse(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on the deployment "
            "configuration."
        )


def refuse_bad_service(call: Call, settings: dict[str, Any]) -> None:
    if settings["schedulingStrategy"] == "DAEMON":
        refuse_bad_daemon(call, settings)
    blue_green.refuse_bad_pairs(settings)
    if call.get("launchType") and call.get("capacityProviderStrategy"):
        refuse(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    if settings.get("healthCheckGracePeriodSeconds") and not settings["loadBalancers"]:
        refuse("Health check grace period is only valid for services configured to use load balancers")
    if not settings.get("taskDefinition"):
        if settings["deploymentController"]["type"] == "ECS":
            refuse("TaskDefinition can not be blank.")
        return
    definition = task_definition.find(call, settings["taskDefinition"])
    if settings.get("launchType") == "FARGATE" and "FARGATE" not in definition.compatibilities:
        refuse("Task definition does not support launch_type FARGATE.")
    refuse_bad_network(call, settings, definition)
    for balanced in settings["loadBalancers"]:
        refuse_bad_target(call, balanced, definition)


def refuse(message: str) -> None:
    raise Refusal("InvalidParameterException", message)


def refuse_bad_network(call: Call, settings: dict[str, Any], definition: Any) -> None:
    network = settings.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if definition.network_mode != "awsvpc":
        if network:
            refuse("Network Configuration is not valid for the given networkMode of this task definition.")
        return
    if not network:
        refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        return
    ec2 = backend("ec2", call)
    if not network["subnets"]:
        refuse("subnets can not be empty.")
    subnets = {subnet.id: subnet for subnet in ec2.describe_subnets()}
    for id in network["subnets"]:
        if id not in subnets:
            refuse(
                f"Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist "
                "(ErrorCode: InvalidSubnetID.NotFound)"
            )
    vpcs = {subnets[id].vpc_id for id in network["subnets"]}
    if len(vpcs) > 1:
        refuse("All subnets must be in the same VPC.")
    for id in network.get("securityGroups", []):
        group = ec2.get_security_group_from_id(id)
        if group is None:
            refuse(
                f"Error retrieving security group information for [{id}]: The security group '{id}' does not exist "
                "(ErrorCode: InvalidGroup.NotFound)"
            )
        elif group.vpc_id not in vpcs:
            refuse("Security groups and subnets must be in the same VPC.")


def refuse_bad_target(call: Call, balanced: dict[str, Any], definition: Any) -> None:
    containers = {each["name"]: each for each in definition.container_definitions}
    name, port = balanced.get("containerName"), balanced.get("containerPort")
    if name not in containers:
        refuse(f"The container {name} does not exist in the task definition.")
    ports = {mapping.get("containerPort") for mapping in containers[name].get("portMappings", [])}
    if port not in ports:
        refuse(f"The container {name} did not have a container port {port} defined.")
    arn = balanced.get("targetGroupArn")
    if not arn:
        return
    group = backend("elbv2", call).target_groups.get(arn)
    if group is None:
        refuse(f"The target group with targetGroupArn {arn} does not exist.")
    elif not users_of(call, arn):
        refuse(f"The target group with targetGroupArn {arn} does not have an associated load balancer.")
    elif definition.network_mode == "awsvpc" and group.target_type != "ip":
        refuse(
            f"The provided target group {arn} has target type {group.target_type}, which is incompatible with the "
            "awsvpc network mode specified in the task definition."
        )
