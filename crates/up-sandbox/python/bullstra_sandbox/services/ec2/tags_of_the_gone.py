"""Tags for what does not exist: moto takes them for some types, EC2 for none."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import EC2
from .vpc_endpoint import forget_the_deleted


@EC2.around("CreateTags")
def tags_of_the_gone(call: Call, proceed: Any) -> None:
    forget_the_deleted(call)
    ec2 = backend("ec2", call)
    for id in call.params["Resources"]:
        if id.startswith("vpce-") and id not in ec2.vpc_end_points:
            raise Refusal("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{id}' does not exist")
        if id.startswith("nat-") and id not in ec2.nat_gateways:
            raise Refusal("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
    proceed()
