"""VPC endpoints of both types."""

import pytest


@pytest.fixture
def ec2(client, network):
    ec2 = client("ec2")
    ec2.modify_vpc_attribute(VpcId=network["vpc"], EnableDnsHostnames={"Value": True})
    return ec2


def interface(network, **more):
    return {
        "VpcId": network["vpc"],
        "ServiceName": "com.amazonaws.eu-central-1.ecr.api",
        "VpcEndpointType": "Interface",
        "SubnetIds": network["subnets"][:2],
        "SecurityGroupIds": [network["group"]],
        **more,
    }


def state(ec2, id):
    return [
        seen["State"]
        for seen in ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [id]}])["VpcEndpoints"]
    ]


def test_a_gateway_puts_routes_into_its_tables(ec2, network):
    table = ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"]
    wanted = {"VpcId": network["vpc"], "ServiceName": "com.amazonaws.eu-central-1.s3", "RouteTableIds": [table]}
    id = ec2.create_vpc_endpoint(**wanted)["VpcEndpoint"]["VpcEndpointId"]

    def routes():
        [seen] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return [route["GatewayId"] for route in seen["Routes"] if "DestinationPrefixListId" in route]

    assert routes() == [id]
    ec2.modify_vpc_endpoint(VpcEndpointId=id, RemoveRouteTableIds=[table])
    assert routes() == []
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[table])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
    assert routes() == []


def test_an_interface_takes_time_and_holds_its_subnets(ec2, network, refused, until):
    made = ec2.create_vpc_endpoint(**interface(network))["VpcEndpoint"]
    id = made["VpcEndpointId"]
    assert made["State"] == "pending" and len(made["NetworkInterfaceIds"]) == 2
    until(lambda: state(ec2, id), ["available"])
    [first, _] = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert first["Description"] == f"VPC Endpoint Interface {id}"
    assert refused(ec2.delete_subnet, SubnetId=network["subnets"][0]).startswith("DependencyViolation")
    assert refused(ec2.delete_security_group, GroupId=network["group"]).startswith("DependencyViolation")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
    until(lambda: state(ec2, id), [])
    ec2.delete_subnet(SubnetId=network["subnets"][0])
    ec2.delete_security_group(GroupId=network["group"])


def test_its_subnets_and_groups_change(ec2, network):
    id = ec2.create_vpc_endpoint(**interface(network))["VpcEndpoint"]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=id,
        AddSubnetIds=network["subnets"][2:],
        RemoveSubnetIds=network["subnets"][:1],
        PrivateDnsEnabled=False,
    )
    [seen] = ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"]
    assert seen["SubnetIds"] == network["subnets"][1:] and not seen["PrivateDnsEnabled"]
    held = ec2.describe_network_interfaces(NetworkInterfaceIds=seen["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert {each["SubnetId"] for each in held} == set(network["subnets"][1:])


def test_private_names_are_unique_in_a_network(ec2, network, refused):
    ec2.create_vpc_endpoint(**interface(network))
    assert "conflicting DNS domain" in refused(ec2.create_vpc_endpoint, **interface(network))
    ec2.create_vpc_endpoint(**interface(network, PrivateDnsEnabled=False))


def test_services_and_types_are_checked(ec2, network, refused):
    unknown = interface(network, ServiceName="com.amazonaws.eu-central-1.nothing")
    assert refused(ec2.create_vpc_endpoint, **unknown).startswith("InvalidServiceName")
    gateway = {"VpcId": network["vpc"], "ServiceName": "com.amazonaws.eu-central-1.ecr.api"}
    assert refused(ec2.create_vpc_endpoint, **gateway).startswith("InvalidParameter: Endpoint type (Gateway)")


def test_what_is_not_there_is_unsuccessful(ec2):
    [failed] = ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"
