"""What AWS accepts in EC2 and cannot carry out, a middlebox on the VPC's own route, and GuardDuty in other people's VPCs."""

from __future__ import annotations

import pytest

KEY = "111122223333"


@pytest.fixture
def ec2(sandbox):
    return sandbox.client("ec2", KEY)


@pytest.fixture
def failing(sandbox):
    """Has what the next call of an operation makes fail."""

    def use(operation):
        fault = {"match": {"service": "ec2", "operation": operation}, "times": 1, "do": {"fail_later": {}}}
        sandbox.control(f"faults?access_key={KEY}", {"seed": 7, "faults": [fault]})

    return use


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]


def test_an_association_of_a_route_table_fails(ec2, vpc, failing):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    def associations():
        seen = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"]
        return [(each["SubnetId"], each["AssociationState"]["State"]) for each in seen]

    failing("AssociateRouteTable")
    failed = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert associations() == [(subnet, "failed")]
    ec2.disassociate_route_table(AssociationId=failed)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    assert associations() == [(subnet, "associated")]


def test_blocks_fail(ec2, vpc, failing):
    def block():
        seen = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]
        return [it["CidrBlockState"]["State"] for it in seen if it["CidrBlock"] == "10.1.0.0/16"]

    failing("AssociateVpcCidrBlock")
    failed = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]["AssociationId"]
    assert block() == ["failed"]
    ec2.disassociate_vpc_cidr_block(AssociationId=failed)
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")
    assert block() == ["associated"]

    ipv6 = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    ipv6 = ipv6.replace("/56", "/64")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

    def blocks():
        seen = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["Ipv6CidrBlockAssociationSet"]
        return [it["Ipv6CidrBlockState"]["State"] for it in seen]

    failing("AssociateSubnetCidrBlock")
    made = ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=ipv6)["Ipv6CidrBlockAssociation"]
    assert blocks() == ["failed"]
    ec2.disassociate_subnet_cidr_block(AssociationId=made["AssociationId"])
    ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=ipv6)
    assert "associated" in blocks() and "failed" not in blocks()


def test_a_further_address_of_a_nat_gateway_fails(sandbox, ec2, vpc, failing):
    sandbox.control("config", {"time_scale": 0})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    first, more = (ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in range(2))
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=first)["NatGateway"]["NatGatewayId"]

    def seen():
        gateway = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]
        return gateway["State"], [(it["AllocationId"], it["Status"]) for it in gateway["NatGatewayAddresses"]]

    failing("AssociateNatGatewayAddress")
    ec2.associate_nat_gateway_address(NatGatewayId=nat, AllocationIds=[more])
    assert seen() == ("available", [(first, "succeeded"), (more, "failed")])
    ec2.associate_nat_gateway_address(NatGatewayId=nat, AllocationIds=[more])
    assert seen() == ("available", [(first, "succeeded"), (more, "succeeded")])


def test_the_vpcs_own_route_leads_elsewhere_and_back_and_never_goes(ec2, vpc, refused):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    own = {"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"}

    def route():
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        [found] = [route for route in routes if route.get("DestinationCidrBlock") == "10.0.0.0/16"]
        return found.get("GatewayId"), found.get("NetworkInterfaceId"), found["Origin"]

    assert refused(ec2.create_route, NetworkInterfaceId=interface, **own).startswith("RouteAlreadyExists")
    ec2.replace_route(NetworkInterfaceId=interface, **own)
    assert route() == (None, interface, "CreateRouteTable")
    assert "cannot remove local route" in refused(ec2.delete_route, **own)
    ec2.replace_route(LocalTarget=True, **own)
    assert route() == ("local", None, "CreateRouteTable")
    assert "cannot remove local route" in refused(ec2.delete_route, **own)


def test_guardduty_holds_subnet_and_vpc(sandbox, ec2, vpc, refused):
    """https://github.com/hashicorp/terraform-provider-aws/issues/46747"""
    sandbox.control("config", {"time_scale": 0})
    managed = [{"Key": "GuardDutyManaged", "Value": "true"}]
    for attribute in ("EnableDnsHostnames", "EnableDnsSupport"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(
        GroupName=f"GuardDutyManagedSecurityGroup-{vpc}",
        Description="Associated with VPC",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": managed}],
    )["GroupId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.eu-central-1.guardduty-data",
        VpcEndpointType="Interface",
        SubnetIds=subnets,
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": managed}],
    )["VpcEndpoint"]["VpcEndpointId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "tag:GuardDutyManaged", "Values": ["true"]}]
    assert [it["VpcEndpointId"] for it in ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]] == [endpoint]
    assert refused(ec2.delete_subnet, SubnetId=subnets[0]).startswith("DependencyViolation")
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=subnets[:1])
    ec2.delete_subnet(SubnetId=subnets[0])
    assert refused(ec2.delete_security_group, GroupId=group).startswith("DependencyViolation")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_subnet(SubnetId=subnets[1])
    assert refused(ec2.delete_vpc, VpcId=vpc).startswith("DependencyViolation")
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def test_defaults_of_a_vpc_and_prefix_lists_are_found(ec2, vpc):
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    groups = ec2.describe_security_groups(Filters=[*of_vpc, {"Name": "group-name", "Values": ["default"]}])
    assert [group["VpcId"] for group in groups["SecurityGroups"]] == [vpc]
    ec2.create_route_table(VpcId=vpc)
    main = ec2.describe_route_tables(Filters=[*of_vpc, {"Name": "association.main", "Values": ["true"]}])
    assert [table["Associations"][0]["Main"] for table in main["RouteTables"]] == [True]
    named = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-central-1.s3"]}]
    [found] = ec2.describe_managed_prefix_lists(Filters=named)["PrefixLists"]
    assert found["PrefixListId"].startswith("pl-")
