"""EC2's filters that moto does not have, read from its answer instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...call import Call
from .. import query

Read = Callable[[dict[str, Any]], Any]


def at(*path: str) -> Read:
    """What an item has at a path, through lists as well."""

    def read(item: dict[str, Any]) -> list[Any]:
        found: list[Any] = [item]
        for name in path:
            found = [each[name] for each in found if isinstance(each, dict) and each.get(name) is not None]
            found = [one for each in found for one in (each if isinstance(each, list) else [each])]
        return found

    return read


FILTERS: dict[str, tuple[str, dict[str, Read]]] = {
    "DescribeNetworkInterfaces": (
        "NetworkInterfaces",
        {
            "addresses.association.public-ip": at("Association", "PublicIp"),
            "association.allocation-id": at("Association", "AllocationId"),
            "association.association-id": at("Association", "AssociationId"),
            "association.public-ip": at("Association", "PublicIp"),
            "attachment.device-index": at("Attachment", "DeviceIndex"),
            "attachment.instance-owner-id": at("Attachment", "InstanceOwnerId"),
            "attachment.status": at("Attachment", "Status"),
            "group-name": at("Groups", "GroupName"),
        },
    ),
    "DescribeRouteTables": (
        "RouteTables",
        {
            "association.gateway-id": at("Associations", "GatewayId"),
            "route.destination-ipv6-cidr-block": at("Routes", "DestinationIpv6CidrBlock"),
            "route.destination-prefix-list-id": at("Routes", "DestinationPrefixListId"),
            "route.egress-only-internet-gateway-id": at("Routes", "EgressOnlyInternetGatewayId"),
            "route.instance-id": at("Routes", "InstanceId"),
            "route.origin": at("Routes", "Origin"),
            "route.state": at("Routes", "State"),
        },
    ),
    "DescribeSecurityGroups": (
        "SecurityGroups",
        {
            "egress.ip-permission.ipv6-cidr": at("IpPermissionsEgress", "Ipv6Ranges", "CidrIpv6"),
            "egress.ip-permission.prefix-list-id": at("IpPermissionsEgress", "PrefixListIds", "PrefixListId"),
            "ip-permission.ipv6-cidr": at("IpPermissions", "Ipv6Ranges", "CidrIpv6"),
            "ip-permission.prefix-list-id": at("IpPermissions", "PrefixListIds", "PrefixListId"),
        },
    ),
}


def ours(call: Call) -> list[dict[str, Any]]:
    """The filters of a request that moto has not."""
    _, names = FILTERS.get(call.operation, ("", {}))
    return [each for each in call.get("Filters", default=[]) if each.get("Name") in names]


def select(call: Call, answer: dict[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer without what the filters do not let through."""
    name, readers = FILTERS[call.operation]
    return {**answer, name: query.select(answer[name], filters, readers)}
