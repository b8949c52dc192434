"""What the tagging index has of Elastic Load Balancing."""

from __future__ import annotations

from collections.abc import Iterator

from ...call import Call
from ...service import Tagged
from ...world import backend
from . import ELBV2


@ELBV2.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    elb = backend("elbv2", call)
    balancers = elb.load_balancers.values()
    arns = [
        *elb.load_balancers,
        *elb.target_groups,
        *(arn for balancer in balancers for arn in balancer.listeners),
        *(
            arn
            for balancer in balancers
            for listener in balancer.listeners.values()
            for arn in listener._non_default_rules
        ),
    ]
    for arn in arns:
        yield arn, elb.tagging_service.get_tag_dict_for_resource(arn)
