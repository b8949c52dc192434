"""What the tagging index has of EC2."""

from __future__ import annotations

from collections.abc import Iterator

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE

from ...call import Call
from ...service import Tagged
from ...world import backend
from . import EC2

# The type in an ARN, by what an id begins with.
EC2_TYPES = {
    **EC2_PREFIX_TO_RESOURCE,
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "nat": "natgateway",
    "pl": "prefix-list",
    "sir": "spot-instances-request",
}


@EC2.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    for id, tags in backend("ec2", call).tags.items():
        kind = EC2_TYPES.get(id.rpartition("-")[0])
        if kind:
            yield call.arn("ec2", f"{kind}/{id}"), tags
