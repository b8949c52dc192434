"""IPv6 blocks of subnets: EC2's own state for each, and what it refuses about them."""

from __future__ import annotations

import ast
from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import EC2


@EC2.around("CreateSubnet", "DescribeSubnets")
def states_of_blocks(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    subnets = answer["Subnets"] if "Subnets" in answer else [answer["Subnet"]]
    for association in (each for subnet in subnets for each in subnet.get("Ipv6CidrBlockAssociationSet", [])):
        association["Ipv6CidrBlockState"] = plain(association["Ipv6CidrBlockState"])
    return answer


@EC2.around("AssociateSubnetCidrBlock", "DisassociateSubnetCidrBlock")
def state_of_a_block(call: Call, proceed: Any) -> dict[str, Any]:
    if call.operation == "AssociateSubnetCidrBlock":
        refuse_a_second_block(call)
    else:
        refuse_while_assigned_from(call)
    answer = proceed()
    association = answer["Ipv6CidrBlockAssociation"]
    association["Ipv6CidrBlockState"] = plain(association["Ipv6CidrBlockState"])
    return answer


def plain(state: dict[str, str]) -> dict[str, str]:
    """moto answers with the text of a table that holds the state."""
    text = state["State"]
    return ast.literal_eval(text) if text.startswith("{") else state


def blocks(subnet: Any) -> list[dict[str, Any]]:
    associations = subnet.ipv6_cidr_block_associations.values()
    return [each for each in associations if each["ipv6CidrBlockState"]["State"] == "associated"]


def refuse_a_second_block(call: Call) -> None:
    subnet = backend("ec2", call).get_subnet(call.params["SubnetId"])
    if blocks(subnet):
        message = f"The subnet {subnet.id} already has an IPv6 CIDR block associated with it."
        raise Refusal("InvalidSubnet.Conflict", message)


def refuse_while_assigned_from(call: Call) -> None:
    subnet = backend("ec2", call).get_subnet_from_ipv6_association(call.params["AssociationId"])
    if subnet is not None and str(subnet.assign_ipv6_address_on_creation).lower() == "true":
        message = f"The subnet {subnet.id} assigns IPv6 addresses on creation; turn that off first."
        raise Refusal("InvalidParameterValue", message)
