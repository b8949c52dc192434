"""VPCs, subnets, gateways, addresses and route tables, as AWS refuses and shows them."""

import pytest

WORLD = "0.0.0.0/0"


@pytest.fixture
def ec2(client):
    return client("ec2")


@pytest.fixture
def nat(ec2, network, until):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=network["subnets"][0], AllocationId=address)["NatGateway"]
    until(lambda: nat_state(ec2, made["NatGatewayId"]), "available")
    return {"id": made["NatGatewayId"], "address": address}


def nat_state(ec2, id):
    return ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"][0]["State"]


def test_a_vpc_goes_only_when_nothing_is_in_it(ec2, network, refused):
    words = f"DependencyViolation: The vpc '{network['vpc']}' has dependencies and cannot be deleted."
    for subnet in network["subnets"]:
        assert refused(ec2.delete_vpc, VpcId=network["vpc"]) == words
        ec2.delete_subnet(SubnetId=subnet)
    assert refused(ec2.delete_vpc, VpcId=network["vpc"]) == words
    ec2.delete_security_group(GroupId=network["group"])
    assert refused(ec2.delete_vpc, VpcId=network["vpc"]) == words
    ec2.detach_internet_gateway(InternetGatewayId=network["gateway"], VpcId=network["vpc"])
    ec2.delete_vpc(VpcId=network["vpc"])
    assert refused(ec2.describe_vpcs, VpcIds=[network["vpc"]]).startswith("InvalidVpcID.NotFound")


def test_blocks_are_made_canonical_and_checked(ec2, network, refused):
    assert ec2.create_vpc(CidrBlock="10.9.7.5/16")["Vpc"]["CidrBlock"] == "10.9.0.0/16"
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/8").startswith("InvalidVpc.Range")
    in_vpc = {"VpcId": network["vpc"]}
    assert refused(ec2.create_subnet, CidrBlock="10.0.0.128/25", **in_vpc).startswith("InvalidSubnet.Conflict")
    assert refused(ec2.create_subnet, CidrBlock="10.1.0.0/24", **in_vpc).startswith("InvalidSubnet.Range")
    assert refused(ec2.create_subnet, CidrBlock="10.0.9.0/30", **in_vpc).startswith("InvalidSubnet.Range")


def test_subnets_come_in_pages(ec2, network):
    of_vpc = [{"Name": "vpc-id", "Values": [network["vpc"]]}]
    first = ec2.describe_subnets(Filters=of_vpc, MaxResults=5)
    assert len(first["Subnets"]) == 3 and "NextToken" not in first
    pages = list(ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    assert sum(len(page["Vpcs"]) for page in pages) == 2
    for _ in range(6):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    pages = list(ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Vpcs"]) for page in pages] == [5, 3]


def test_subnet_attributes_are_kept(ec2, network):
    subnet = network["subnets"][0]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableDns64={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    [seen] = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert seen["MapPublicIpOnLaunch"] and seen["EnableDns64"]
    assert seen["PrivateDnsNameOptionsOnLaunch"]["HostnameType"] == "resource-name"


def test_vpc_attributes_change_one_at_a_time(ec2, network, refused):
    both = {"EnableDnsSupport": {"Value": True}, "EnableDnsHostnames": {"Value": True}}
    assert refused(ec2.modify_vpc_attribute, VpcId=network["vpc"], **both).startswith("InvalidParameterCombination")
    ec2.modify_vpc_attribute(VpcId=network["vpc"], EnableDnsHostnames={"Value": True})
    seen = ec2.describe_vpc_attribute(VpcId=network["vpc"], Attribute="enableDnsHostnames")
    assert seen["EnableDnsHostnames"]["Value"] is True


def test_a_nat_gateway_takes_time_and_is_remembered_as_deleted(ec2, network, until):
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=network["subnets"][0], AllocationId=address)["NatGateway"]
    assert made["State"] == "pending"
    until(lambda: nat_state(ec2, made["NatGatewayId"]), "available")
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    until(lambda: nat_state(ec2, made["NatGatewayId"]), "deleted")


def test_a_nat_gateway_holds_its_subnet_address_and_gateway(ec2, network, nat, refused, until):
    subnet = network["subnets"][0]
    [interface] = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])[
        "NetworkInterfaces"
    ]
    assert interface["Description"] == f"Interface for NAT Gateway {nat['id']}"
    assert interface["InterfaceType"] == "nat_gateway"
    detach = {"InternetGatewayId": network["gateway"], "VpcId": network["vpc"]}
    assert "has dependencies and cannot be deleted" in refused(ec2.delete_subnet, SubnetId=subnet)
    words = "AuthFailure: You do not have permission to access the specified resource."
    assert refused(ec2.release_address, AllocationId=nat["address"]) == words
    assert "mapped public address(es)" in refused(ec2.detach_internet_gateway, **detach)
    ec2.delete_nat_gateway(NatGatewayId=nat["id"])
    until(lambda: nat_state(ec2, nat["id"]), "deleted")
    ec2.release_address(AllocationId=nat["address"])
    ec2.detach_internet_gateway(**detach)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_nat_gateway_without_an_internet_gateway_fails(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    id = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    [seen] = ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"]
    assert (seen["State"], seen["FailureCode"]) == ("failed", "Gateway.NotAttached")


def test_nat_gateways_are_found_by_tag(ec2, network, nat):
    ec2.create_tags(Resources=[nat["id"]], Tags=[{"Key": "stack", "Value": "one"}])
    found = ec2.describe_nat_gateways(Filters=[{"Name": "tag:stack", "Values": ["one"]}])["NatGateways"]
    assert [gateway["NatGatewayId"] for gateway in found] == [nat["id"]]
    assert not ec2.describe_nat_gateways(Filters=[{"Name": "tag:stack", "Values": ["two"]}])["NatGateways"]


@pytest.mark.parametrize(
    ("operation", "name", "value", "found"),
    [
        ("describe_network_interfaces", "attachment.status", "attached", 1),
        ("describe_network_interfaces", "group-name", "nothing", 0),
        ("describe_route_tables", "route.state", "active", 1),
        ("describe_route_tables", "association.gateway-id", "igw-1", 0),
        ("describe_security_groups", "ip-permission.ipv6-cidr", "::/0", 0),
    ],
)
def test_filters_moto_does_not_have(ec2, network, nat, operation, name, value, found):
    filters = [{"Name": "vpc-id", "Values": [network["vpc"]]}, {"Name": name, "Values": [value]}]
    [listed] = [each for each in getattr(ec2, operation)(Filters=filters).values() if isinstance(each, list)]
    assert len(listed) == found


def test_routes_need_a_target_of_this_network(ec2, network, refused):
    table = ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"]
    stray = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    to_world = {"RouteTableId": table, "DestinationCidrBlock": WORLD}
    assert "belong to different networks" in refused(ec2.create_route, GatewayId=stray, **to_world)
    assert refused(ec2.create_route, NatGatewayId="nat-1", **to_world).startswith("InvalidNatGatewayID.NotFound")
    ec2.create_route(GatewayId=network["gateway"], **to_world)
    assert refused(ec2.create_route, GatewayId=network["gateway"], **to_world).startswith("RouteAlreadyExists")


def test_a_route_to_what_is_gone_is_a_black_hole(ec2, network, nat):
    table = ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=WORLD, NatGatewayId=nat["id"])
    ec2.delete_nat_gateway(NatGatewayId=nat["id"])
    [seen] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert {route["DestinationCidrBlock"]: route["State"] for route in seen["Routes"]}[WORLD] == "blackhole"


def test_a_route_table_in_use_stays(ec2, network, refused):
    one, other = (ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"] for _ in range(2))
    association = ec2.associate_route_table(RouteTableId=one, SubnetId=network["subnets"][0])["AssociationId"]
    conflict = refused(ec2.associate_route_table, RouteTableId=other, SubnetId=network["subnets"][0])
    assert conflict.startswith("Resource.AlreadyAssociated")
    assert refused(ec2.delete_route_table, RouteTableId=one).startswith("DependencyViolation")
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=one)


def test_internet_gateways_attach_once(ec2, network, refused):
    gateway, vpc = network["gateway"], network["vpc"]
    again = {"InternetGatewayId": gateway, "VpcId": vpc}
    assert refused(ec2.attach_internet_gateway, **again).startswith("Resource.AlreadyAssociated")
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert "already has an internet gateway" in refused(
        ec2.attach_internet_gateway, InternetGatewayId=second, VpcId=vpc
    )
    assert refused(ec2.delete_internet_gateway, InternetGatewayId=gateway).startswith("DependencyViolation")


def test_the_same_token_answers_with_the_first_answer(ec2, network, nat, refused):
    wanted = {"VpcId": network["vpc"], "ClientToken": "one"}
    first = ec2.create_route_table(**wanted)["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(**wanted)["RouteTable"]["RouteTableId"] == first
    ec2.delete_route_table(RouteTableId=first)
    assert ec2.create_route_table(**wanted)["RouteTable"]["RouteTableId"] == first
    other = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert refused(ec2.create_route_table, **{**wanted, "VpcId": other}).startswith("IdempotentParameterMismatch")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "Duplicate tag key 'a' specified."),
        ([{"Key": "aws:a", "Value": "1"}], "Tag keys starting with 'aws:' are reserved for internal use"),
    ],
)
def test_bad_tags_are_refused(ec2, tags, words, refused):
    given = [{"ResourceType": "vpc", "Tags": tags}]
    assert (
        refused(ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=given) == f"InvalidParameterValue: {words}"
    )


def test_tags_of_another_type_are_refused(ec2, refused):
    given = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "1"}]}]
    assert "not a valid taggable resource type" in refused(ec2.create_internet_gateway, TagSpecifications=given)


def test_every_create_call_takes_tags(ec2, network):
    def tagged(kind):
        return [{"ResourceType": kind, "Tags": [{"Key": "stack", "Value": "one"}]}]

    vpc = {"VpcId": network["vpc"]}
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]
    subnet = network["subnets"][0]
    made = {
        address,
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"],
        ec2.create_subnet(CidrBlock="10.0.9.0/24", TagSpecifications=tagged("subnet"), **vpc)["Subnet"]["SubnetId"],
        ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))["InternetGateway"][
            "InternetGatewayId"
        ],
        ec2.create_route_table(TagSpecifications=tagged("route-table"), **vpc)["RouteTable"]["RouteTableId"],
        ec2.create_security_group(GroupName="t", Description="t", TagSpecifications=tagged("security-group"), **vpc)[
            "GroupId"
        ],
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, TagSpecifications=tagged("natgateway"))[
            "NatGateway"
        ]["NatGatewayId"],
        ec2.create_vpc_endpoint(
            ServiceName="com.amazonaws.eu-central-1.s3", TagSpecifications=tagged("vpc-endpoint"), **vpc
        )["VpcEndpoint"]["VpcEndpointId"],
    }
    seen = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["stack"]}])["Tags"]
    assert {tag["ResourceId"] for tag in seen} == made


def test_everything_is_found_by_the_key_of_a_tag_alone(ec2):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html, tag-key, as in all of EC2's lists."""
    key = {"Key": "bullstra:stack", "Value": "any"}

    def tags(kind):
        return [{"ResourceType": kind, "Tags": [key]}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=tags("subnet"))["Subnet"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")
    ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway"))
    ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table"))
    ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc, TagSpecifications=tags("security-group"))
    ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip"))
    ec2.create_nat_gateway(
        SubnetId=subnet["SubnetId"], ConnectivityType="private", TagSpecifications=tags("natgateway")
    )
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{ec2.meta.region_name}.s3", TagSpecifications=tags("vpc-endpoint")
    )
    ec2.create_key_pair(KeyName="k", TagSpecifications=tags("key-pair"))
    for call, member in [
        ("describe_vpcs", "Vpcs"),
        ("describe_subnets", "Subnets"),
        ("describe_internet_gateways", "InternetGateways"),
        ("describe_route_tables", "RouteTables"),
        ("describe_security_groups", "SecurityGroups"),
        ("describe_addresses", "Addresses"),
        ("describe_nat_gateways", "NatGateways"),
        ("describe_vpc_endpoints", "VpcEndpoints"),
        ("describe_key_pairs", "KeyPairs"),
    ]:
        name = "Filter" if call == "describe_nat_gateways" else "Filters"
        found = getattr(ec2, call)(**{name: [{"Name": "tag-key", "Values": ["bullstra:stack"]}]})[member]
        assert len(found) == 1, (call, found)
        none = getattr(ec2, call)(**{name: [{"Name": "tag-key", "Values": ["bullstra"]}]})[member]
        assert none == [], call
