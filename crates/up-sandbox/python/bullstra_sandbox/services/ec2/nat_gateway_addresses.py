"""The addresses of a NAT gateway beside its first."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import EC2
from .nat_gateway import Gateway


@EC2.around("AssociateNatGatewayAddress")
def associate(call: Call, proceed: Any) -> dict[str, Any]:
    gateway = found(call)
    ec2 = backend("ec2", call)
    if gateway.connectivity_type == "private":
        raise Refusal("InvalidParameter", "Elastic IP addresses cannot be associated with a private NAT gateway")
    addresses = ec2.address_by_allocation(call.params["AllocationIds"])
    for address in addresses:
        if address.association_id:
            message = f"Elastic IP address [{address.allocation_id}] is already associated"
            raise Refusal("Resource.AlreadyAssociated", message)
    # What is left of one that failed makes room for the next try.
    gateway.more = [each for each in gateway.more if each["AllocationId"] not in call.params["AllocationIds"]]
    for address in addresses:
        interface = ec2.enis[gateway.address["NetworkInterfaceId"]]
        address.association_id = f"eipassoc-{address.allocation_id.removeprefix('eipalloc-')}"
        address.eni = interface
        gateway.more.append(
            {
                "AllocationId": address.allocation_id,
                "AssociationId": address.association_id,
                "NetworkInterfaceId": interface.id,
                "PublicIp": address.public_ip,
                "IsPrimary": False,
                "Status": "succeeded",
            }
        )
    return {"NatGatewayId": gateway.id, "NatGatewayAddresses": gateway.more}


@EC2.around("DisassociateNatGatewayAddress")
def disassociate(call: Call, proceed: Any) -> dict[str, Any]:
    gateway = found(call)
    if gateway.address.get("AssociationId") in call.params["AssociationIds"]:
        raise Refusal("InvalidParameter", "The primary address of a NAT gateway cannot be disassociated")
    gone = [each for each in gateway.more if each.get("AssociationId") in call.params["AssociationIds"]]
    if len(gone) != len(call.params["AssociationIds"]):
        raise Refusal("InvalidAssociationID.NotFound", "The association ID does not exist")
    for each in gone:
        free(call, each)
        gateway.more.remove(each)
    return {"NatGatewayId": gateway.id, "NatGatewayAddresses": [{**each, "Status": "disassociating"} for each in gone]}


def found(call: Call) -> Gateway:
    id = call.params["NatGatewayId"]
    gateway = backend("ec2", call).nat_gateways.get(id)
    if gateway is None:
        raise Refusal("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
    return gateway


def free(call: Call, each: dict[str, Any]) -> None:
    for address in backend("ec2", call).addresses:
        if address.association_id == each["AssociationId"]:
            address.association_id = address.eni = None
