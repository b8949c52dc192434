"""Target groups of Elastic Load Balancing v2."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import ELBV2
from .load_balancer import change_attributes, paged

HEALTH = {
    f"target_group_health.{state}.minimum_healthy_targets.{unit}": value
    for state in ("dns_failover", "unhealthy_state_routing")
    for unit, value in (("count", "1"), ("percentage", "off"))
}
COMMON = {
    **HEALTH,
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "stickiness.enabled": "false",
}
HTTP = {
    **COMMON,
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
}
NETWORK = {
    **COMMON,
    "deregistration_delay.connection_termination.enabled": "false",
    "proxy_protocol_v2.enabled": "false",
    "stickiness.type": "source_ip",
    "target_health_state.unhealthy.connection_termination.enabled": "true",
    "target_health_state.unhealthy.draining_interval_seconds": "0",
}
LAMBDA = {
    "lambda.multi_value_headers.enabled": "false",
    "load_balancing.algorithm.type": "round_robin",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
}
# What does not count as a setting when a group is created once more.
IDENTITY = ("TargetGroupArn", "LoadBalancerArns")


def default_attributes(group: Any) -> dict[str, str]:
    if group.target_type == "lambda":
        return dict(LAMBDA)
    if group.protocol in ("HTTP", "HTTPS"):
        return dict(HTTP)
    # Addresses hide the client behind TCP and TLS; instances and datagrams do not.
    hidden = group.target_type == "ip" and group.protocol in ("TCP", "TLS")
    return {**NETWORK, "preserve_client_ip.enabled": "false" if hidden else "true"}


@ELBV2.around("CreateTargetGroup")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    elb = backend("elbv2", call)
    old = next((group for group in elb.target_groups.values() if group.name == call.params["Name"]), None)
    # moto would refuse the name before it fills in the defaults the two are to be compared with.
    if old:
        del elb.target_groups[old.arn]
    try:
        answer = proceed({"TargetType": "instance", **call.params})
        made = elb.target_groups[answer["TargetGroups"][0]["TargetGroupArn"]]
    finally:
        if old:
            elb.target_groups[old.arn] = old
    if old:
        delete_quietly(call, made)
        if settings(call, old) != settings(call, made):
            message = f"A target group with the same name '{old.name}' exists, but with different settings"
            raise Refusal("DuplicateTargetGroupName", message)
        return {"TargetGroups": [described(call, old)]}
    made.attributes = default_attributes(made)
    return {"TargetGroups": [described(call, made)]}


def settings(call: Call, group: Any) -> dict[str, Any]:
    return {name: value for name, value in described(call, group).items() if name not in IDENTITY}


def described(call: Call, group: Any) -> dict[str, Any]:
    seen = {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": number(group.port),
        "VpcId": group.vpc_id,
        "HealthCheckProtocol": group.health_check_protocol,
        "HealthCheckPort": group.health_check_port,
        "HealthCheckEnabled": group.health_check_enabled,
        "HealthCheckIntervalSeconds": number(group.health_check_interval_seconds),
        "HealthCheckTimeoutSeconds": number(group.health_check_timeout_seconds),
        "HealthyThresholdCount": number(group.healthy_threshold_count),
        "UnhealthyThresholdCount": number(group.unhealthy_threshold_count),
        "LoadBalancerArns": users_of(call, group.arn),
        "TargetType": group.target_type,
        "ProtocolVersion": group.protocol_version if group.protocol in ("HTTP", "HTTPS") else None,
        "IpAddressType": None if group.target_type == "lambda" else group.ip_address_type,
    }
    if group.health_check_protocol in ("HTTP", "HTTPS"):
        seen |= {"HealthCheckPath": group.health_check_path or "/", "Matcher": getattr(group, "matcher", None)}
    return {name: value for name, value in seen.items() if value is not None}


def number(value: Any) -> int | None:
    return None if value in (None, "") else int(value)


def users_of(call: Call, arn: str) -> list[str]:
    """The load balancers that send anything to a group."""
    elb = backend("elbv2", call)
    return [
        balancer.arn
        for balancer in elb.load_balancers.values()
        if any(
            arn in targets_of(action.data)
            for listener in balancer.listeners.values()
            for rule in listener.rules.values()
            for action in rule.actions
        )
    ]


def targets_of(action: dict[str, Any]) -> list[str]:
    """The target groups an action forwards to."""
    weighted = [group["TargetGroupArn"] for group in (action.get("ForwardConfig") or {}).get("TargetGroups", [])]
    return weighted or ([action["TargetGroupArn"]] if action.get("TargetGroupArn") else [])


def find(call: Call, arn: str) -> Any:
    group = backend("elbv2", call).target_groups.get(arn)
    if group is None:
        raise Refusal("TargetGroupNotFound", "One or more target groups not found")
    return group


@ELBV2.around("DescribeTargetGroups")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    groups = sorted(backend("elbv2", call).target_groups.values(), key=lambda group: group.name)
    arns, names, balancer = call.get("TargetGroupArns"), call.get("Names"), call.get("LoadBalancerArn")
    if sum(map(bool, (arns, names, balancer))) > 1:
        message = "Target group names, target group ARNs, and a load balancer ARN cannot be specified at the same time"
        raise Refusal("ValidationError", message)
    if arns:
        groups = [find(call, arn) for arn in arns]
    elif names:
        if any(all(group.name != name for group in groups) for name in names):
            raise Refusal("TargetGroupNotFound", "One or more target groups not found")
        groups = [group for group in groups if group.name in names]
    elif balancer:
        if balancer not in backend("elbv2", call).load_balancers:
            raise Refusal("LoadBalancerNotFound", f"Load balancer '{balancer}' not found")
        groups = [group for group in groups if balancer in users_of(call, group.arn)]
    return paged(call, "TargetGroups", [described(call, group) for group in groups])


@ELBV2.around("ModifyTargetGroup")
def modify(call: Call, proceed: Any) -> dict[str, Any]:
    group = find(call, call.params["TargetGroupArn"])
    interval = call.get("HealthCheckIntervalSeconds", default=int(group.health_check_interval_seconds))
    timeout = call.get("HealthCheckTimeoutSeconds", default=int(group.health_check_timeout_seconds))
    if timeout >= interval and group.protocol in ("HTTP", "HTTPS"):
        message = f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'"
        raise Refusal("ValidationError", message)
    members = {
        "HealthCheckProtocol": "health_check_protocol",
        "HealthCheckPort": "health_check_port",
        "HealthCheckPath": "health_check_path",
        "HealthCheckEnabled": "health_check_enabled",
        "HealthCheckIntervalSeconds": "health_check_interval_seconds",
        "HealthCheckTimeoutSeconds": "health_check_timeout_seconds",
        "HealthyThresholdCount": "healthy_threshold_count",
        "UnhealthyThresholdCount": "unhealthy_threshold_count",
        "Matcher": "matcher",
    }
    for member, attribute in members.items():
        if member in call.params:
            setattr(group, attribute, call.params[member])
    return {"TargetGroups": [described(call, group)]}


@ELBV2.around("ModifyTargetGroupAttributes")
def modify_attributes(call: Call, proceed: Any) -> dict[str, Any]:
    group = find(call, call.params["TargetGroupArn"])
    for each in call.params["Attributes"]:
        if each["Key"] not in group.attributes:
            raise Refusal("ValidationError", f"Target group attribute key '{each['Key']}' is not recognized")
    # moto knows which kinds of stickiness go with which protocol.
    proceed()
    return change_attributes(call, group.attributes, "Target group")


@ELBV2.around("DeleteTargetGroup")
def delete(call: Call, proceed: Any) -> None:
    # Deleting what is not there succeeds.
    group = backend("elbv2", call).target_groups.get(call.params["TargetGroupArn"])
    if group:
        if users_of(call, group.arn):
            message = f"Target group '{group.arn}' is currently in use by a listener or a rule"
            raise Refusal("ResourceInUse", message)
        delete_quietly(call, group)


def delete_quietly(call: Call, group: Any) -> None:
    elb = backend("elbv2", call)
    elb.target_groups.pop(group.arn, None)
    elb.tagging_service.delete_all_tags_for_resource(group.arn)
