"""Route tables into which virtual private gateways put routes."""

from __future__ import annotations

from typing import Any

from ...call import Call, Refusal
from ...world import backend
from . import EC2


@EC2.around("EnableVgwRoutePropagation", "DisableVgwRoutePropagation")
def propagation(call: Call, proceed: Any) -> dict[str, Any]:
    ec2 = backend("ec2", call)
    table, gateway_id = ec2.get_route_table(call.params["RouteTableId"]), call.params["GatewayId"]
    gateway = ec2.vpn_gateways.get(gateway_id)
    if gateway is None:
        raise Refusal("InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
    if table.vpc_id not in gateway.attachments:
        message = f"route table {table.id} and network gateway {gateway_id} belong to different networks"
        raise Refusal("Gateway.NotAttached", message)
    kept = [id for id in propagating(table) if id != gateway_id]
    table.propagating = kept + ([gateway_id] if call.operation.startswith("Enable") else [])
    return {}


@EC2.around("DescribeRouteTables")
def propagating_gateways(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    tables = backend("ec2", call).route_tables
    for seen in answer["RouteTables"]:
        seen["PropagatingVgws"] = [{"GatewayId": id} for id in propagating(tables[seen["RouteTableId"]])]
    return answer


def propagating(table: Any) -> list[str]:
    return getattr(table, "propagating", [])
