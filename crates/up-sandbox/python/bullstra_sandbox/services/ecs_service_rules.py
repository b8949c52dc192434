"""What ECS refuses in the settings of a service."""

from __future__ import annotations

from typing import Any

from ..call import Call, Refusal
from ..world import backend
from . import ecs_task_definition
from .elbv2_target_group import users_of


def refuse_bad_service(call: Call, settings: dict[str, Any]) -> None:
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
    definition = ecs_task_definition.find(call, settings["taskDefinition"])
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
    for id in network["securityGroups"]:
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
