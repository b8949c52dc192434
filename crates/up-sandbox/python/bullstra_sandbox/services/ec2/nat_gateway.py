"""NAT gateways: they take time, fail where AWS lets them fail, and hold an interface and an address until deleted."""

from __future__ import annotations

import datetime
from typing import Any

from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.utils import random_nat_gateway_id

from ...call import Call, Refusal
from ...world import CREATING, DELETING, GONE, backend, clock, duration, lifecycle
from .. import query
from ..interfaces import hold, release
from . import EC2
from .common import forget_tags

KIND = "ec2.nat_gateway"
DESCRIBED_AFTER_DELETION = 3600.0

FILTERS = {
    "nat-gateway-id": "NatGatewayId",
    "state": "State",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
    "connectivity-type": "ConnectivityType",
}


class Gateway(NatGateway):
    """A NAT gateway that route tables can refer to as one of moto's."""

    def __init__(self, call: Call, failure: tuple[str, str] | None) -> None:
        self.ec2_backend = ec2 = backend("ec2", call)
        self.id = random_nat_gateway_id()
        self.subnet_id = call.params["SubnetId"]
        self.vpc_id = ec2.get_subnet(self.subnet_id).vpc_id
        self.connectivity_type = call.get("ConnectivityType", default="public")
        self.created_at = clock()
        self.deleted_at: float | None = None
        self.failure = failure
        # Its addresses beside the first.
        self.more: list[dict[str, Any]] = []
        self.address: dict[str, Any] = {"AllocationId": call.params["AllocationId"]} if call.get("AllocationId") else {}
        if not failure:
            self._take_interface(call.get("PrivateIpAddress"))

    def _take_interface(self, address: str | None) -> None:
        interface = hold(
            self.ec2_backend,
            self.subnet_id,
            holder=self.id,
            holder_kind=KIND,
            description=f"Interface for NAT Gateway {self.id}",
            requester="amazon-aws",
            interface_type="nat_gateway",
            address=address,
        )
        interface.source_dest_check = False
        self.address |= {
            "NetworkInterfaceId": interface.id,
            "PrivateIp": interface.private_ip_address,
            "IsPrimary": True,
            "Status": "succeeded",
        }
        if self.connectivity_type == "public":
            mapped = self.ec2_backend.associate_address(eni=interface, allocation_id=self.address["AllocationId"])
            self.address |= {"PublicIp": mapped.public_ip, "AssociationId": mapped.association_id}

    def state_in(self, call: Call) -> str:
        if self.failure:
            return "failed"
        phase = lifecycle.phase(call, KIND, self.id)
        return {CREATING: "pending", DELETING: "deleting", GONE: "deleted"}.get(phase, "available")

    def described(self, call: Call) -> dict[str, Any]:
        seen: dict[str, Any] = {
            "NatGatewayId": self.id,
            "SubnetId": self.subnet_id,
            "VpcId": self.vpc_id,
            "State": self.state_in(call),
            "ConnectivityType": self.connectivity_type,
            "CreateTime": moment(self.created_at),
            "NatGatewayAddresses": [self.address, *self.more],
            "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in self.get_tags()],
        }
        if self.deleted_at:
            seen["DeleteTime"] = moment(self.deleted_at)
        if self.failure:
            seen["FailureCode"], seen["FailureMessage"] = self.failure
        return seen


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


@EC2.around("CreateNatGateway")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    gateway = Gateway(call, None if call.get("ConnectivityType") == "private" else failure_of(call))
    gateway.ec2_backend.nat_gateways[gateway.id] = gateway
    if not gateway.failure:
        lifecycle.creating(call, KIND, gateway.id)
    # Even one that is bound to fail begins as pending.
    return {"NatGateway": {**gateway.described(call), "State": "pending"}}


def failure_of(call: Call) -> tuple[str, str] | None:
    """Why a public gateway will fail; what is wrong with the request itself is refused at once."""
    ec2 = backend("ec2", call)
    allocation = call.get("AllocationId")
    if not allocation:
        raise Refusal(
            "MissingParameter",
            "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
        )
    vpc_id = ec2.get_subnet(call.params["SubnetId"]).vpc_id
    [address] = ec2.address_by_allocation([allocation])
    if address.association_id:
        return "Resource.AlreadyAssociated", f"Elastic IP address [{allocation}] is already associated"
    if not any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.internet_gateways.values()):
        return "Gateway.NotAttached", f"Network {vpc_id} has no Internet gateway attached"
    return None


@EC2.around("DescribeNatGateways")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    forget_the_long_deleted(call)
    gateways = backend("ec2", call).nat_gateways
    ids = call.get("NatGatewayIds", default=[])
    for id in ids:
        if id not in gateways:
            raise Refusal("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
    seen = [gateway.described(call) for gateway in gateways.values() if not ids or gateway.id in ids]
    return {"NatGateways": query.select(seen, call.get("Filter"), FILTERS)}


@EC2.around("DeleteNatGateway")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    forget_the_long_deleted(call)
    id = call.params["NatGatewayId"]
    gateway = backend("ec2", call).nat_gateways.get(id)
    if gateway is None:
        raise Refusal("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
    if gateway.deleted_at is None:
        gateway.deleted_at = clock()
        gateway.failure = None
        lifecycle.deleting(call, KIND, id)
    return {"NatGatewayId": id}


def forget_the_long_deleted(call: Call) -> None:
    """A deleted gateway is described for about an hour, then it is as if it had never been."""
    ec2 = backend("ec2", call)
    kept = lifecycle.seconds(KIND, DESCRIBED_AFTER_DELETION / duration(KIND))
    for gateway in list(ec2.nat_gateways.values()):
        if gateway.deleted_at and gateway.state_in(call) == "deleted" and clock() > gateway.deleted_at + kept:
            release(ec2, gateway.id)
            del ec2.nat_gateways[gateway.id]
            lifecycle.forget(call, KIND, gateway.id)
            forget_tags(call, gateway.id)
