"""What holds for all of EC2: client tokens, tags in the create call, pages, and the words of "not found"."""

from __future__ import annotations

import copy
import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models.core import TaggedEC2Resource

from ... import late, wire
from ...call import Call, Refusal
from ...world import backend, store
from .. import query
from ..interfaces import sweep
from . import EC2
from . import filters as ec2_filters

# What DescribeTags calls a type otherwise than moto does.
TYPES = {
    "managed-prefix-list": "prefix-list",
    "nat-gateway": "natgateway",
    "spot-instance-request": "spot-instances-request",
    "vpc-elastic-ip": "elastic-ip",
}


def own_tags(resource: Any) -> list[dict[str, str]]:
    """The tags of one resource; moto's own function searches those of all resources, for each it describes."""
    tags = resource.ec2_backend.tags.get(resource.id, {}) if resource.id else {}
    return [{"resource_id": resource.id, "key": key, "value": value} for key, value in tags.items()]


TaggedEC2Resource.get_tags = own_tags  # type: ignore[method-assign]


def taking(member: str) -> list[str]:
    """EC2's operations that take a parameter of this name."""
    model = wire.service_model("ec2")
    assert model is not None, "botocore has EC2"
    inputs = ((name, model.operation_model(name).input_shape) for name in model.operation_names)
    return [name for name, shape in inputs if shape and member in shape.members]


NOT_FOUND = {
    "InvalidVpcID.NotFound": "The vpc ID '{}' does not exist",
    "InvalidSubnetID.NotFound": "The subnet ID '{}' does not exist",
    "InvalidGroup.NotFound": "The security group '{}' does not exist",
    "InvalidInternetGatewayID.NotFound": "The internetGateway ID '{}' does not exist",
    "InvalidRouteTableID.NotFound": "The routeTable ID '{}' does not exist",
    "InvalidAllocationID.NotFound": "The allocation ID '{}' does not exist",
    "InvalidAssociationID.NotFound": "The association ID '{}' does not exist",
    "InvalidNetworkInterfaceID.NotFound": "The networkInterface ID '{}' does not exist",
    "InvalidVpcEndpointId.NotFound": "The Vpc Endpoint Id '{}' does not exist",
}
ID = re.compile(r"\b[a-z]+-[0-9a-z]+\b")

# The type each create call makes, and where its answer names what was made.
MADE = {
    "AllocateAddress": ("elastic-ip", "AllocationId"),
    "CreateDhcpOptions": ("dhcp-options", "DhcpOptions.DhcpOptionsId"),
    "CreateEgressOnlyInternetGateway": (
        "egress-only-internet-gateway",
        "EgressOnlyInternetGateway.EgressOnlyInternetGatewayId",
    ),
    "CreateInternetGateway": ("internet-gateway", "InternetGateway.InternetGatewayId"),
    "CreateKeyPair": ("key-pair", "KeyPairId"),
    "CreateLaunchTemplate": ("launch-template", "LaunchTemplate.LaunchTemplateId"),
    "CreateManagedPrefixList": ("prefix-list", "PrefixList.PrefixListId"),
    "CreateNatGateway": ("natgateway", "NatGateway.NatGatewayId"),
    "CreateNetworkAcl": ("network-acl", "NetworkAcl.NetworkAclId"),
    "CreateNetworkInterface": ("network-interface", "NetworkInterface.NetworkInterfaceId"),
    "CreateRouteTable": ("route-table", "RouteTable.RouteTableId"),
    "CreateSecurityGroup": ("security-group", "GroupId"),
    "CreateSubnet": ("subnet", "Subnet.SubnetId"),
    "CreateVolume": ("volume", "VolumeId"),
    "CreateVpc": ("vpc", "Vpc.VpcId"),
    "CreateVpcEndpoint": ("vpc-endpoint", "VpcEndpoint.VpcEndpointId"),
    "CreateVpcPeeringConnection": ("vpc-peering-connection", "VpcPeeringConnection.VpcPeeringConnectionId"),
    "ImportKeyPair": ("key-pair", "KeyPairId"),
}


# One function for what concerns every call: each level of hooks reads the whole answer once more.
@EC2.around("*")
def every_call(call: Call, proceed: Any) -> dict[str, Any] | None:
    sweep(call)
    token, size = call.get("NextToken"), call.get("MaxResults")
    paged = call.operation.startswith("Describe") and (size or query.is_token(token))
    filters = ec2_filters.ours(call)
    asked = {name: value for name, value in call.params.items() if not (paged and name in ("NextToken", "MaxResults"))}
    if filters:
        asked["Filters"] = [each for each in call.params["Filters"] if each not in filters]
    try:
        answer = proceed(asked if paged or filters else None)
    except (Refusal, ServiceException) as refusal:
        raise in_ec2s_words(refusal) from None
    if filters:
        answer = ec2_filters.select(call, answer, filters)
    return page_of(answer, token, size) if paged else answer if filters else None


def in_ec2s_words(refusal: Any) -> Refusal:
    """A refusal that names the id as EC2 does; a hook that asks moto's backend itself gets moto's exceptions."""
    found = ID.search(refusal.message)
    if refusal.code in NOT_FOUND and found:
        return Refusal(refusal.code, NOT_FOUND[refusal.code].format(found.group()))
    return refusal if isinstance(refusal, Refusal) else Refusal(refusal.code, refusal.message)


def page_of(answer: dict[str, Any], token: str | None, size: int | None) -> dict[str, Any]:
    lists = [name for name, value in answer.items() if isinstance(value, list)]
    if len(lists) != 1:
        return answer
    items, following = query.page(answer[lists[0]], token, size)
    return {lists[0]: items, **({"NextToken": following} if following else {})}


@EC2.around(*(name for name in taking("ClientToken") if not name.startswith("Describe")))
def a_client_token_answers_with_the_first_answer(call: Call, proceed: Any) -> dict[str, Any] | None:
    token = call.get("ClientToken")
    if not token:
        proceed()
        return None
    asked = {name: value for name, value in call.params.items() if name != "ClientToken"}
    answered = store("ec2.tokens", call)
    first = answered.get((call.operation, token))
    if first is None:
        first = answered[call.operation, token] = (copy.deepcopy(asked), proceed())
    elif first[0] != asked:
        message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
        raise Refusal("IdempotentParameterMismatch", message)
    return copy.deepcopy({**first[1], "ClientToken": token})


@EC2.around(*MADE, "RunInstances")
def tags_in_the_create_call(call: Call, proceed: Any) -> dict[str, Any] | None:
    specifications = call.get("TagSpecifications", default=[])
    kind, path = MADE.get(call.operation, (None, ""))
    for given in specifications:
        refuse_bad_tags(given.get("Tags", []))
        if kind and given.get("ResourceType") != kind:
            message = f"'{given.get('ResourceType')}' is not a valid taggable resource type for this operation."
            raise Refusal("InvalidParameterValue", message)
    answer = proceed()
    if not kind:
        return None
    *to, last = path.split(".")
    made = answer
    for member in to:
        made = made[member]
    late.made(call, made[last])
    if not specifications:
        return None
    tags = [tag for given in specifications for tag in given.get("Tags", [])]
    backend("ec2", call).create_tags([made[last]], {tag["Key"]: tag.get("Value", "") for tag in tags})
    return {**answer, to[0]: {**made, "Tags": tags}} if to else answer


@EC2.around("CreateTags")
def tags_on_their_own(call: Call, proceed: Any) -> None:
    refuse_bad_tags(call.get("Tags", default=[]))
    proceed()


@EC2.around("DescribeTags")
def types_of_tagged_resources(call: Call, proceed: Any) -> dict[str, Any]:
    filters = call.get("Filters", default=[])
    wanted = [value for each in filters if each["Name"] == "resource-type" for value in each.get("Values", [])]
    kept = [each for each in filters if each["Name"] != "resource-type"]
    tags = proceed({**call.params, "Filters": kept} if wanted else None)["Tags"]
    tags = [{**tag, "ResourceType": TYPES.get(tag["ResourceType"], tag["ResourceType"])} for tag in tags]
    return {"Tags": [tag for tag in tags if not wanted or tag["ResourceType"] in wanted]}


def refuse_bad_tags(tags: list[dict[str, str]]) -> None:
    """EC2's rules: any characters, but no reserved prefix and no key twice."""
    keys = [tag.get("Key", "") for tag in tags]
    for key in keys:
        if key.lower().startswith("aws:"):
            raise Refusal("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if keys.count(key) > 1:
            raise Refusal("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
    if len(keys) > 50:
        raise Refusal("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")


def forget_tags(call: Call, id: str) -> None:
    """Tags go with their resource; moto keeps them."""
    backend("ec2", call).tags.pop(id, None)
