"""Associations that failed: of route tables, of blocks, of addresses beside a NAT gateway's first.

EC2's model has a state for each (`RouteTableAssociationStateCode`, `SubnetCidrBlockStateCode`, `VpcCidrBlockStateCode` and
`NatGatewayAddressStatus` have `failed`), beside a message; the resource itself goes on. They are described until they are
disassociated, and the same is associated anew by another call.
"""

from __future__ import annotations

from typing import Any

from ...call import Call
from ...failing import REASON, fails
from ...world import backend, store
from . import EC2
from .nat_gateway_addresses import free

FAILED = "ec2.failed_associations"


@fails("ec2", "AssociateRouteTable")
def of_a_route_table(call: Call, answer: dict[str, Any]) -> None:
    id, table = answer["AssociationId"], backend("ec2", call).get_route_table(call.params["RouteTableId"])
    table._associations.pop(id, None)
    target = {name: call.params[name] for name in ("SubnetId", "GatewayId") if call.get(name)}
    store(FAILED, call)[id] = {"RouteTableAssociationId": id, "RouteTableId": table.id, "Main": False, **target}


@EC2.around("DescribeRouteTables")
def failed_associations(call: Call, proceed: Any) -> dict[str, Any] | None:
    failed = store(FAILED, call).values()
    if not failed:
        proceed()
        return None
    answer = proceed()
    for table in answer["RouteTables"]:
        state = {"State": "failed", "StatusMessage": REASON}
        mine = [{**each, "AssociationState": state} for each in failed if each["RouteTableId"] == table["RouteTableId"]]
        table["Associations"] = [*table.get("Associations", []), *mine]
    return answer


@EC2.around("DisassociateRouteTable")
def forget_one(call: Call, proceed: Any) -> dict[str, Any] | None:
    if store(FAILED, call).pop(call.params["AssociationId"], None):
        return {}
    proceed()
    return None


@EC2.around("DeleteRouteTable")
def forget_all(call: Call, proceed: Any) -> None:
    proceed()
    failed = store(FAILED, call)
    for id in [id for id, each in failed.items() if each["RouteTableId"] == call.params["RouteTableId"]]:
        del failed[id]


@fails("ec2", "AssociateSubnetCidrBlock")
def of_a_subnet(call: Call, answer: dict[str, Any]) -> None:
    id = answer["Ipv6CidrBlockAssociation"]["AssociationId"]
    association = backend("ec2", call).get_subnet(call.params["SubnetId"]).ipv6_cidr_block_associations[id]
    association["ipv6CidrBlockState"] = {"State": "failed", "StatusMessage": REASON}


@fails("ec2", "AssociateVpcCidrBlock")
def of_a_vpc(call: Call, answer: dict[str, Any]) -> None:
    made = answer.get("CidrBlockAssociation") or answer["Ipv6CidrBlockAssociation"]
    association = backend("ec2", call).get_vpc(call.params["VpcId"])._cidr_block_association_set[made["AssociationId"]]
    association["cidr_block_state"] = {"state": "failed", "StatusMessage": REASON}


@fails("ec2", "AssociateNatGatewayAddress")
def of_a_nat_gateway(call: Call, _: dict[str, Any]) -> None:
    for address in backend("ec2", call).nat_gateways[call.params["NatGatewayId"]].more:
        if address["AllocationId"] in call.params["AllocationIds"]:
            free(call, address)
            del address["AssociationId"]
            address |= {"Status": "failed", "FailureMessage": REASON}


@EC2.around("DescribeSubnets")
def failed_blocks(call: Call, proceed: Any) -> dict[str, Any] | None:
    """moto describes only blocks that are associated."""
    ec2 = backend("ec2", call)
    failed = {
        subnet.id: [it for it in subnet.ipv6_cidr_block_associations.values() if is_failed(it)]
        for subnet in ec2.describe_subnets()
    }
    answer = proceed()
    if not any(failed.values()):
        return None
    for subnet in answer["Subnets"]:
        mine = [
            {
                "AssociationId": it["associationId"],
                "Ipv6CidrBlock": it["ipv6CidrBlock"],
                "Ipv6CidrBlockState": it["ipv6CidrBlockState"],
            }
            for it in failed[subnet["SubnetId"]]
        ]
        subnet["Ipv6CidrBlockAssociationSet"] = [*subnet.get("Ipv6CidrBlockAssociationSet", []), *mine]
    return answer


def is_failed(association: dict[str, Any]) -> bool:
    return bool(association["ipv6CidrBlockState"]["State"] == "failed")
