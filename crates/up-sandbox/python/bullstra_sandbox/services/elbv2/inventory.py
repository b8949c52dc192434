"""Everything of Elastic Load Balancing, for the dump."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...dump import Place
from ...service import Found
from . import ELBV2


@ELBV2.inventory
def everything(place: Place) -> Iterator[Found]:
    for found in place.every("elbv2", "DescribeTargetGroups", "TargetGroups"):
        arn = found["TargetGroupArn"]
        found["Attributes"] = pairs(place.ask("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=arn))
        health = place.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)
        found["Targets"] = [described["Target"] for described in health["TargetHealthDescriptions"]]
        yield "elbv2.target_group", arn, elb_tags(place, arn), found
    for balancer in place.every("elbv2", "DescribeLoadBalancers", "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        balancer["Attributes"] = pairs(place.ask("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn))
        yield "elbv2.load_balancer", arn, elb_tags(place, arn), balancer
        for listener in place.every("elbv2", "DescribeListeners", "Listeners", LoadBalancerArn=arn):
            its = listener["ListenerArn"]
            yield "elbv2.listener", its, elb_tags(place, its), listener
            for rule in place.every("elbv2", "DescribeRules", "Rules", ListenerArn=its):
                yield "elbv2.rule", rule["RuleArn"], elb_tags(place, rule["RuleArn"]), rule


def pairs(answer: dict[str, Any]) -> dict[str, str]:
    return {found["Key"]: found["Value"] for found in sorted(answer["Attributes"], key=lambda found: found["Key"])}


def elb_tags(place: Place, arn: str) -> Any:
    described = place.ask("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"]
    return described[0]["Tags"] if described else []
