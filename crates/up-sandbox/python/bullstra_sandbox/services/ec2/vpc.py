"""VPCs, subnets, internet gateways and elastic addresses."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from ...call import Call, Refusal
from ...world import GONE, backend, lifecycle
from ..interfaces import subnet_in_use
from . import EC2
from .common import forget_tags
from .security_group import Rule


@EC2.around("CreateVpc")
def vpc_as_made(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed(canonical(call))
    vpc_id = answer["Vpc"]["VpcId"]
    ec2 = backend("ec2", call)
    default = ec2.get_default_security_group(vpc_id)
    if default:
        itself = {"GroupId": default.id, "UserId": call.account}
        default.ingress_rules.append(Rule(ec2, "-1", default.id, None, None, None, itself, is_egress=False))
    return {**answer, "Vpc": with_dhcp_options(call, answer["Vpc"])}


@EC2.around("DescribeVpcs")
def vpc_as_described(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    return {**answer, "Vpcs": [with_dhcp_options(call, vpc) for vpc in answer["Vpcs"]]}


def with_dhcp_options(call: Call, vpc: dict[str, Any]) -> dict[str, Any]:
    """Every region has default DHCP options with an id, which moto calls "default"."""
    if vpc.get("DhcpOptionsId") != "default":
        return vpc
    digest = hashlib.sha256(f"{call.account}{call.region}".encode()).hexdigest()
    return {**vpc, "DhcpOptionsId": f"dopt-{digest[:17]}"}


@EC2.around("ModifyVpcAttribute")
def one_vpc_attribute_at_a_time(call: Call, proceed: Any) -> None:
    given = [name[0].lower() + name[1:] for name in call.params if name != "VpcId"]
    if len(given) > 1:
        message = f"Fields for multiple attribute types specified: {', '.join(sorted(given))}"
        raise Refusal("InvalidParameterCombination", message)
    proceed()


@EC2.around("DeleteVpc")
def vpc_in_use(call: Call, proceed: Any) -> None:
    vpc_id = call.params["VpcId"]
    ec2 = backend("ec2", call)
    ec2.get_vpc(vpc_id)
    acls = [acl for acl in ec2.network_acls.values() if acl.vpc_id == vpc_id]
    dependents = (
        any(subnet.vpc_id == vpc_id for subnet in ec2.describe_subnets()),
        any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.internet_gateways.values()),
        any(not group.is_default for group in ec2.groups[vpc_id].values()),
        any(endpoint.vpc_id == vpc_id and exists(call, endpoint) for endpoint in ec2.vpc_end_points.values()),
        any(gateway.vpc_id == vpc_id for gateway in ec2.egress_only_internet_gateways.values()),
        any(acl.default != "true" and acl.default is not True for acl in acls),
        any(eni.vpc_id == vpc_id for eni in ec2.enis.values()),
    )
    if any(dependents):
        raise Refusal("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    proceed()
    for acl in acls:
        ec2.network_acls.pop(acl.id, None)
    forget_tags(call, vpc_id)


def exists(call: Call, endpoint: Any) -> bool:
    return lifecycle.phase(call, "ec2.vpc_endpoint", endpoint.id) != GONE


@EC2.around("CreateSubnet")
def subnet_as_made(call: Call, proceed: Any) -> dict[str, Any]:
    params = canonical(call)
    zones = [zone.name for zone in RegionsAndZonesBackend.zones.get(call.region, [])]
    if not (params.get("AvailabilityZone") or params.get("AvailabilityZoneId")):
        params["AvailabilityZone"] = zones[0]
    wanted = params.get("AvailabilityZone")
    if wanted and wanted not in zones:
        message = (
            f"Value ({wanted}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
            f"the following availability zones: {', '.join(zones)}."
        )
        raise Refusal("InvalidParameterValue", message)
    block = params.get("CidrBlock")
    if block and not 16 <= ipaddress.ip_network(block).prefixlen <= 28:
        raise Refusal("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    answer = proceed(params)
    # moto takes the first subnet of a zone for the default VPC's.
    subnet = backend("ec2", call).get_subnet(answer["Subnet"]["SubnetId"])
    subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return {**answer, "Subnet": described(subnet, answer["Subnet"])}


def canonical(call: Call) -> dict[str, Any]:
    """The parameters with the block's host bits cleared, as EC2 does."""
    block = call.get("CidrBlock")
    if not block:
        return dict(call.params)
    try:
        network = ipaddress.IPv4Network(block, strict=False)
    except ValueError:
        message = f"Value ({block}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        raise Refusal("InvalidParameterValue", message) from None
    return {**call.params, "CidrBlock": str(network)}


@EC2.around("DescribeSubnets")
def subnet_as_described(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    subnets = {subnet.id: subnet for subnet in backend("ec2", call).describe_subnets()}
    return {**answer, "Subnets": [described(subnets[seen["SubnetId"]], seen) for seen in answer["Subnets"]]}


def described(subnet: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """The members of a subnet that moto leaves out."""
    settings = {
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "EnableDns64": False,
        "MapCustomerOwnedIpOnLaunch": False,
    }
    return {**seen, **settings, **getattr(subnet, "settings", {})}


@EC2.around("ModifySubnetAttribute")
def subnet_attributes(call: Call, proceed: Any) -> dict[str, Any]:
    subnet = backend("ec2", call).get_subnet(call.params["SubnetId"])
    given = {name: value for name, value in call.params.items() if name != "SubnetId"}
    if len(given) != 1:
        raise Refusal("InvalidParameterCombination", "Only one subnet attribute can be modified at a time")
    [(name, value)] = given.items()
    value = value.get("Value") if isinstance(value, dict) else value
    on_launch = subnet.private_dns_name_options_on_launch
    if name == "PrivateDnsHostnameTypeOnLaunch":
        on_launch["HostnameType"] = value
    elif name == "EnableResourceNameDnsARecordOnLaunch":
        on_launch["EnableResourceNameDnsARecord"] = value
    elif name == "EnableResourceNameDnsAAAARecordOnLaunch":
        on_launch["EnableResourceNameDnsAAAARecord"] = value
    elif name == "MapPublicIpOnLaunch":
        subnet.map_public_ip_on_launch = value
    elif name == "AssignIpv6AddressOnCreation":
        subnet.assign_ipv6_address_on_creation = value
    else:
        subnet.settings = {**getattr(subnet, "settings", {}), name: value}
    return {}


@EC2.around("DeleteSubnet")
def subnet_with_interfaces(call: Call, proceed: Any) -> None:
    subnet_id = call.params["SubnetId"]
    ec2 = backend("ec2", call)
    if subnet_in_use(ec2, subnet_id):
        raise Refusal("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    proceed()
    for table in ec2.route_tables.values():
        for association in [id for id, target in table._associations.items() if target == subnet_id]:
            del table._associations[association]
    forget_tags(call, subnet_id)


@EC2.around("AttachInternetGateway")
def one_internet_gateway_a_vpc(call: Call, proceed: Any) -> None:
    gateway_id, vpc_id = call.params["InternetGatewayId"], call.params["VpcId"]
    for gateway in backend("ec2", call).internet_gateways.values():
        if gateway.id == gateway_id and gateway.vpc:
            message = f"resource {gateway_id} is already attached to network {gateway.vpc.id}"
            raise Refusal("Resource.AlreadyAssociated", message)
        if gateway.vpc and gateway.vpc.id == vpc_id:
            raise Refusal("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    proceed()


@EC2.around("DetachInternetGateway")
def mapped_public_addresses(call: Call, proceed: Any) -> None:
    vpc_id = call.params["VpcId"]
    if any(eni.public_ip and eni.vpc_id == vpc_id for eni in backend("ec2", call).enis.values()):
        message = (
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
        raise Refusal("DependencyViolation", message)
    proceed()


@EC2.around("DeleteInternetGateway")
def attached_internet_gateway(call: Call, proceed: Any) -> None:
    gateway_id = call.params["InternetGatewayId"]
    if backend("ec2", call).get_internet_gateway(gateway_id).vpc:
        message = f"The internetGateway '{gateway_id}' has dependencies and cannot be deleted."
        raise Refusal("DependencyViolation", message)
    proceed()
    forget_tags(call, gateway_id)


@EC2.around("AllocateAddress")
def address_as_made(call: Call, proceed: Any) -> dict[str, Any]:
    return {**proceed(), "PublicIpv4Pool": "amazon", "NetworkBorderGroup": call.region}


@EC2.around("DescribeAddresses")
def address_as_described(call: Call, proceed: Any) -> dict[str, Any]:
    common = {"PublicIpv4Pool": "amazon", "NetworkBorderGroup": call.region}
    seen = ({name: value for name, value in address.items() if value != ""} for address in proceed()["Addresses"])
    return {"Addresses": [{**address, **common} for address in seen]}


@EC2.around("ReleaseAddress")
def address_in_use(call: Call, proceed: Any) -> None:
    for address in backend("ec2", call).addresses:
        named = address.allocation_id == call.get("AllocationId") or address.public_ip == call.get("PublicIp")
        if named and address.association_id and getattr(address.eni, "requester_managed", False):
            # So while a NAT gateway or another service has it (kops, pkg/resources/aws/errors.go).
            raise Refusal("AuthFailure", "You do not have permission to access the specified resource.")
        if named and address.association_id:
            raise Refusal("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    proceed()
    forget_tags(call, call.get("AllocationId", default=""))


@EC2.around("DisassociateAddress")
def address_of_a_service(call: Call, proceed: Any) -> None:
    for address in backend("ec2", call).addresses:
        named = address.association_id and address.association_id == call.get("AssociationId")
        if named and getattr(address.eni, "requester_managed", False):
            raise Refusal("AuthFailure", "You do not have permission to access the specified resource.")
    proceed()
