"""Writes that do not know yet what was made a moment ago.

"Fresh EC2 objects may answer Invalid*.NotFound to the next call (tagging, modify): instance, VPC, subnet, route table,
group, internet gateway" (kubernetes/kops, upup/pkg/fi/cloudup/awsup/aws_utils.go; AWS's page "Eventual consistency in the
Amazon EC2 API" says so of every call and names `InvalidInstanceID.NotFound`). A call that goes to a machine which has not
heard of an id is refused as if there were none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from . import wire, world
from .call import Call, Refusal

# What EC2 says of an id that it does not know, by what the id begins with.
UNKNOWN = {
    "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
    "nat": ("InvalidNatGatewayID.NotFound", "The natGateway ID '{}' does not exist"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "vpce": ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
}


def made(call: Call, id: str) -> None:
    """Notes that an id was made just now."""
    world.store("made.tokens", call)[id] = world.clock()


def act(call: Call, proceed: Callable[[Call], wire.Answer], settings: Any, _: Random) -> wire.Answer:
    """Refuses a call that names what was made less than so many seconds ago."""
    known = world.store("made.tokens", call)
    for text in texts(call.params):
        kind = text.partition("-")[0]
        if kind in UNKNOWN and known.get(text, 0) > world.clock() - settings["seconds"]:
            code, message = UNKNOWN[kind]
            raise Refusal(code, message.format(text))
    return proceed(call)


def texts(value: Any) -> Iterator[str]:
    """All texts in some parameters."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
