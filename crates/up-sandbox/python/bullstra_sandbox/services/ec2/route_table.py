"""Route tables: what a route may point at, routes whose target has gone, and associations."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import EC2
from .common import forget_tags
from .nat_gateway import Gateway


@EC2.around("CreateRoute", "ReplaceRoute")
def route_targets(call: Call, proceed: Any) -> None:
    ec2 = backend("ec2", call)
    table = ec2.get_route_table(call.params["RouteTableId"])
    gateway_id, nat_id = call.get("GatewayId", default=""), call.get("NatGatewayId")
    if nat_id and nat_id not in ec2.nat_gateways:
        raise Refusal("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_id}' does not exist")
    if gateway_id.startswith("igw-"):
        attached = ec2.get_internet_gateway(gateway_id).vpc
        if not attached or attached.id != table.vpc_id:
            message = f"route table {table.id} and network gateway {gateway_id} belong to different networks"
            raise Refusal("InvalidParameterValue", message)
    prefix_list = call.get("DestinationPrefixListId")
    if prefix_list and prefix_list not in ec2.managed_prefix_lists:
        raise Refusal("InvalidPrefixListID.NotFound", f"The prefix list ID '{prefix_list}' does not exist")
    local = local_route(call, table)
    if local and call.operation == "CreateRoute":
        to = call.get("DestinationCidrBlock") or call.get("DestinationIpv6CidrBlock")
        raise Refusal("RouteAlreadyExists", f"The route identified by {to} already exists.")
    wanted = call.get("DestinationIpv6CidrBlock") or prefix_list
    if call.operation == "CreateRoute" and wanted in destinations(table):
        raise Refusal("RouteAlreadyExists", f"The route identified by {wanted} already exists.")
    proceed()
    if local:
        # The VPC's own route may lead through something in between, and back to `local` (AWS's page "Replace or restore the
        # target for a local route"); it stays the table's own.
        local.is_own, local.local = True, bool(call.get("LocalTarget"))


def local_route(call: Call, table: Any) -> Any:
    """The route that a table was made with to the destination of a call, wherever it leads by now."""
    wanted = call.get("DestinationCidrBlock"), call.get("DestinationIpv6CidrBlock")
    own = (route for route in table.routes if route.local or getattr(route, "is_own", False))
    for route in own:
        block = route.destination_cidr_block or route.destination_ipv6_cidr_block
        if block in wanted:
            return route
    return None


def destinations(table: Any) -> set[str]:
    """What the routes of a table lead to, but for plain addresses, which moto compares itself."""
    return {
        destination
        for route in table.routes
        for destination in (route.destination_ipv6_cidr_block, route.destination_prefix_list_id)
        if destination
    }


@EC2.around("DescribeRouteTables")
def black_holes(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    for table in answer["RouteTables"]:
        table.setdefault("PropagatingVgws", [])
        own = {to for route in backend("ec2", call).route_tables[table["RouteTableId"]].routes for to in own_block(route)}
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") in own or route.get("DestinationIpv6CidrBlock") in own:
                route["Origin"] = "CreateRouteTable"
            if leads_nowhere(call, route, table["VpcId"]):
                route["State"] = "blackhole"
    return answer


def own_block(route: Any) -> list[str]:
    """What a route of the table's own leads to, where it does not lead to `local` any more."""
    if not getattr(route, "is_own", False) or route.local:
        return []
    return [route.destination_cidr_block or route.destination_ipv6_cidr_block]


def leads_nowhere(call: Call, route: dict[str, Any], vpc_id: str) -> bool:
    ec2 = backend("ec2", call)
    gateway_id = route.get("GatewayId", "")
    if gateway_id.startswith("igw-"):
        gateway = ec2.internet_gateways.get(gateway_id)
        return not (gateway and gateway.vpc and gateway.vpc.id == vpc_id)
    if "NatGatewayId" in route:
        nat = ec2.nat_gateways.get(route["NatGatewayId"])
        return not isinstance(nat, Gateway) or nat.state_in(call) in ("deleting", "deleted", "failed")
    if "NetworkInterfaceId" in route:
        return route["NetworkInterfaceId"] not in ec2.enis
    return False


@EC2.around("AssociateRouteTable")
def one_table_a_subnet(call: Call, proceed: Any) -> None:
    table_id, target = call.params["RouteTableId"], call.get("SubnetId") or call.get("GatewayId")
    ec2 = backend("ec2", call)
    table = ec2.get_route_table(table_id)
    if call.get("SubnetId") and ec2.get_subnet(target).vpc_id != table.vpc_id:
        message = f"Route table {table_id} and subnet {target} belong to different networks"
        raise Refusal("InvalidParameterValue", message)
    for other in ec2.route_tables.values():
        if other.id != table_id and target in other._associations.values():
            message = f"the specified association for route table {table_id} conflicts with an existing association"
            raise Refusal("Resource.AlreadyAssociated", message)
    proceed()


@EC2.around("DisassociateRouteTable")
def the_main_association_stays(call: Call, proceed: Any) -> None:
    id = call.params["AssociationId"]
    for table in backend("ec2", call).route_tables.values():
        if table.main_association_id == id:
            message = f"cannot disassociate the main route table association {id}"
            raise Refusal("InvalidParameterValue", message)
    proceed()


@EC2.around("DeleteRouteTable")
def route_table_in_use(call: Call, proceed: Any) -> None:
    ec2 = backend("ec2", call)
    table = ec2.get_route_table(call.params["RouteTableId"])
    if table.main_association_id or table._associations:
        message = f"The routeTable '{table.id}' has dependencies and cannot be deleted."
        raise Refusal("DependencyViolation", message)
    proceed()
    for endpoint in ec2.vpc_end_points.values():
        endpoint.route_table_ids = [id for id in endpoint.route_table_ids if id != table.id]
    forget_tags(call, table.id)


@EC2.around("DeleteRoute")
def local_routes_stay(call: Call, proceed: Any) -> None:
    table = backend("ec2", call).get_route_table(call.params["RouteTableId"])
    if local_route(call, table):
        wanted = call.get("DestinationCidrBlock") or call.get("DestinationIpv6CidrBlock")
        raise Refusal("InvalidParameterValue", f"cannot remove local route {wanted} in route table {table.id}")
    proceed()
