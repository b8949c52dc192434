"""Everything of EC2, for the dump."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...dump import Place
from ...service import Found
from . import EC2

# What EC2 describes in one call: type, operation, list in the answer, id.
DESCRIBED = (
    ("ec2.vpc", "DescribeVpcs", "Vpcs", "VpcId"),
    ("ec2.subnet", "DescribeSubnets", "Subnets", "SubnetId"),
    ("ec2.internet_gateway", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId"),
    (
        "ec2.egress_only_internet_gateway",
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    ("ec2.eip", "DescribeAddresses", "Addresses", "AllocationId"),
    ("ec2.nat_gateway", "DescribeNatGateways", "NatGateways", "NatGatewayId"),
    ("ec2.route_table", "DescribeRouteTables", "RouteTables", "RouteTableId"),
    ("ec2.security_group", "DescribeSecurityGroups", "SecurityGroups", "GroupId"),
    ("ec2.security_group_rule", "DescribeSecurityGroupRules", "SecurityGroupRules", "SecurityGroupRuleId"),
    ("ec2.vpc_endpoint", "DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2.network_interface", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2.dhcp_options", "DescribeDhcpOptions", "DhcpOptions", "DhcpOptionsId"),
    ("ec2.network_acl", "DescribeNetworkAcls", "NetworkAcls", "NetworkAclId"),
    ("ec2.vpc_peering_connection", "DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId"),
    ("ec2.launch_template", "DescribeLaunchTemplates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2.volume", "DescribeVolumes", "Volumes", "VolumeId"),
    ("ec2.key_pair", "DescribeKeyPairs", "KeyPairs", "KeyPairId"),
    ("ec2.flow_log", "DescribeFlowLogs", "FlowLogs", "FlowLogId"),
)
ENDED = ("deleted", "terminated")


@EC2.inventory
def everything(place: Place) -> Iterator[Found]:
    for type, operation, key, id in DESCRIBED:
        for found in place.every("ec2", operation, key):
            # AWS goes on describing these for an hour.
            if found.get("State") in ENDED or found.get("Status", {}) in ENDED:
                continue
            if type == "ec2.vpc":
                found |= vpc_attributes(place, found["VpcId"])
            yield type, found.get(id, ""), found.get("Tags") or found.get("TagSet"), found
    for reservation in place.every("ec2", "DescribeInstances", "Reservations"):
        for found in reservation["Instances"]:
            if found["State"]["Name"] not in ENDED:
                yield "ec2.instance", found["InstanceId"], found.get("Tags"), found


def vpc_attributes(place: Place, vpc: str) -> dict[str, Any]:
    names = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}
    return {
        name: place.maybe("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute=asked).get(name, {}).get("Value")
        for name, asked in names.items()
    }
