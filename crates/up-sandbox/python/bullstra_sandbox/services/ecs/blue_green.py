"""Services whose new tasks come up beside the old ones: ECS moves the weights of rules and listeners.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...call import Call, Refusal
from ..elbv2 import listener as elbv2_listener


def is_rolling(settings: dict[str, Any]) -> bool:
    """False where a deployment moves weights."""
    return settings["deploymentConfiguration"]["strategy"] == "ROLLING"


def refuse_bad_pairs(settings: dict[str, Any]) -> None:
    """What a service that is deployed beside itself must say (API reference, AdvancedConfiguration)."""
    strategy = settings["deploymentConfiguration"]["strategy"]
    wanted = ("alternateTargetGroupArn", "productionListenerRule", "roleArn")
    for balanced in settings["loadBalancers"]:
        advanced = balanced.get("advancedConfiguration") or {}
        if strategy != "ROLLING" and not all(advanced.get(name) for name in wanted):
            message = f"advancedConfiguration with {', '.join(wanted)} is required for the {strategy} deployment strategy."
            raise Refusal("InvalidParameterException", message)
    if strategy != "ROLLING" and settings["schedulingStrategy"] == "DAEMON":
        message = f"The {strategy} deployment strategy is not supported with the DAEMON scheduling strategy."
        raise Refusal("InvalidParameterException", message)


def shift(call: Call, settings: dict[str, Any]) -> None:
    """Moves all requests from the target group of the old tasks to that of the new ones."""
    for balanced in settings["loadBalancers"]:
        advanced = balanced.get("advancedConfiguration") or {}
        pair = [balanced.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")]
        for arn in (advanced.get("productionListenerRule"), advanced.get("testListenerRule")):
            for groups in forwards(call, arn) if arn else ():
                of_pair = [group for group in groups if group["TargetGroupArn"] in pair]
                for group in of_pair:
                    # moto keeps what a request said, text too.
                    group["Weight"] = 0 if int(group.get("Weight", 1)) else 100


def forwards(call: Call, arn: str) -> Iterator[list[dict[str, Any]]]:
    """The target groups that a rule, or a listener, forwards to."""
    is_rule = ":listener-rule/" in arn
    actions = (
        elbv2_listener.find_rule(call, arn).actions if is_rule else elbv2_listener.find(call, arn).default_actions
    )
    for action in actions:
        if groups := (action.data.get("ForwardConfig") or {}).get("TargetGroups"):
            yield groups
