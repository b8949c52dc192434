"""VPC endpoints: gateways put routes into route tables, interfaces hold network interfaces and names."""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.utils import random_vpc_ep_id

from ...call import Call, Refusal
from ...world import CREATING, DELETING, GONE, backend, lifecycle
from .. import query
from ..interfaces import held_by, keep, release
from . import EC2
from .common import forget_tags

KIND = "ec2.vpc_endpoint"
GATEWAYS = ("s3", "dynamodb")
ALLOW_ALL = {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}

FILTERS = {
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-endpoint-state": "State",
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
    "ip-address-type": "IpAddressType",
}


class Endpoint(VPCEndPoint):
    """An endpoint that routes can refer to as one of moto's."""

    def __init__(self, call: Call) -> None:
        self.ec2_backend = backend("ec2", call)
        self.id = random_vpc_ep_id()
        self.vpc_id = call.params["VpcId"]
        self.service_name = call.params["ServiceName"]
        self.vpc_endpoint_type = call.get("VpcEndpointType", default="Gateway")
        self.is_interface = self.vpc_endpoint_type == "Interface"
        self.policy_document = call.get("PolicyDocument") or self.default_policy()
        self.route_table_ids = call.get("RouteTableIds", default=[])
        self.subnet_ids = call.get("SubnetIds", default=[])
        default_group = self.ec2_backend.get_default_security_group(self.vpc_id)
        self.security_group_ids = call.get("SecurityGroupIds") or ([default_group.id] if default_group else [])
        self.private_dns_enabled = self.is_interface and call.get("PrivateDnsEnabled", default=True)
        self.ip_address_type = call.get("IpAddressType", default="ipv4")
        self.dns_options = call.get("DnsOptions", default={"DnsRecordIpType": "ipv4"})
        self.creation_timestamp = utcnow()
        lists = self.ec2_backend.managed_prefix_lists.values()
        named = (entry.id for entry in lists if entry.prefix_list_name == self.service_name)
        self.destination_prefix_list_id = None if self.is_interface else next(named, None)

    def default_policy(self) -> str:
        return json.dumps(ALLOW_ALL if self.is_interface else {"Version": "2008-10-17", **ALLOW_ALL})

    @property
    def short_name(self) -> str:
        return self.service_name.split(".", 3)[-1]

    @property
    def private_name(self) -> str:
        return f"{'.'.join(reversed(self.short_name.split('.')))}.{self.ec2_backend.region_name}.amazonaws.com"

    def connect(self) -> None:
        """Puts routes and interfaces where the settings say."""
        if self.is_interface:
            keep(
                self.ec2_backend,
                self.subnet_ids,
                holder=self.id,
                holder_kind=KIND,
                description=f"VPC Endpoint Interface {self.id}",
                requester="727180483921",
                interface_type="vpc_endpoint",
                groups=self.security_group_ids,
            )
            return
        for table in self.ec2_backend.route_tables.values():
            ours = [id for id, route in table._routes.items() if route.gateway is self]
            if table.id not in self.route_table_ids:
                for id in ours:
                    del table._routes[id]
            elif not ours:
                self.ec2_backend.create_route(
                    table.id, None, gateway_id=self.id, destination_prefix_list_id=self.destination_prefix_list_id
                )

    def state_in(self, call: Call) -> str:
        phase = lifecycle.phase(call, KIND, self.id)
        return {CREATING: "pending", DELETING: "deleting", GONE: "deleted"}.get(phase, "available")

    def described(self, call: Call) -> dict[str, Any]:
        seen: dict[str, Any] = {
            "VpcEndpointId": self.id,
            "VpcEndpointType": self.vpc_endpoint_type,
            "VpcId": self.vpc_id,
            "ServiceName": self.service_name,
            "State": self.state_in(call),
            "PolicyDocument": self.policy_document,
            "RouteTableIds": self.route_table_ids,
            "SubnetIds": self.subnet_ids,
            "Groups": self.groups if self.is_interface else [],
            "PrivateDnsEnabled": bool(self.private_dns_enabled),
            "RequesterManaged": False,
            "NetworkInterfaceIds": [eni.id for eni in held_by(self.ec2_backend, self.id)],
            "DnsEntries": self.names() if self.is_interface else [],
            "CreationTimestamp": self.creation_timestamp,
            "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in self.get_tags()],
            "OwnerId": self.owner_id,
        }
        if self.is_interface:
            seen |= {"IpAddressType": self.ip_address_type, "DnsOptions": self.dns_options}
        return seen

    def names(self) -> list[dict[str, str]]:
        zones = sorted({self.ec2_backend.get_subnet(id).availability_zone for id in self.subnet_ids})
        unique = f"{self.id}-{self.id[-8:]}"
        suffix = f"{self.short_name}.{self.ec2_backend.region_name}.vpce.amazonaws.com"
        names = [f"{unique}.{suffix}", *(f"{unique}-{zone}.{suffix}" for zone in zones)]
        names += [self.private_name] if self.private_dns_enabled else []
        return [{"DnsName": name, "HostedZoneId": "Z273ZU8SZ5RJPC"} for name in names]


def refuse_bad_endpoint(call: Call, endpoint: Endpoint) -> None:
    ec2 = endpoint.ec2_backend
    vpc = ec2.get_vpc(endpoint.vpc_id)
    known = ec2._collect_default_endpoint_services(call.account, call.region)
    if endpoint.service_name not in {service["ServiceName"] for service in known}:
        message = f"The Vpc Endpoint Service '{endpoint.service_name}' does not exist"
        raise Refusal("InvalidServiceName", message)
    types = ["Gateway", "Interface"] if endpoint.short_name in GATEWAYS else ["Interface"]
    if endpoint.vpc_endpoint_type not in types:
        message = (
            f"Endpoint type ({endpoint.vpc_endpoint_type}) does not match available service types "
            f"([{', '.join(types)}])."
        )
        raise Refusal("InvalidParameter", message)
    refuse_bad_places(endpoint)
    if endpoint.private_dns_enabled:
        refuse_private_name(call, endpoint, vpc)


def refuse_bad_places(endpoint: Endpoint) -> None:
    ec2 = endpoint.ec2_backend
    for group in endpoint.security_group_ids if endpoint.is_interface else []:
        if ec2.get_security_group_from_id(group) is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
    zones: set[str] = set()
    for subnet_id in endpoint.subnet_ids:
        zone = ec2.get_subnet(subnet_id).availability_zone
        if zone in zones:
            message = (
                f"Found another VPC endpoint subnet in the availability zone of {subnet_id}. VPC endpoint subnets "
                "should be in different availability zones supported by the VPC endpoint service."
            )
            raise Refusal("DuplicateSubnetsInSameZone", message)
        zones.add(zone)
    for table_id in endpoint.route_table_ids:
        for route in ec2.get_route_table(table_id).routes:
            taken = route.destination_prefix_list_id == endpoint.destination_prefix_list_id is not None
            if taken and route.gateway is not endpoint:
                message = (
                    f"route table {table_id} already has a route with destination-prefix-list-id "
                    f"{endpoint.destination_prefix_list_id}"
                )
                raise Refusal("RouteAlreadyExists", message)


def refuse_private_name(call: Call, endpoint: Endpoint, vpc: Any) -> None:
    if not (vpc.enable_dns_support in (True, "true") and vpc.enable_dns_hostnames in (True, "true")):
        message = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}"
        )
        raise Refusal("InvalidParameter", message)
    for other in endpoint.ec2_backend.vpc_end_points.values():
        same = other.vpc_id == vpc.id and other.service_name == endpoint.service_name
        if same and other is not endpoint and other.private_dns_enabled:
            message = (
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{endpoint.private_name} in the VPC {vpc.id}"
            )
            raise Refusal("InvalidParameter", message)


@EC2.around("CreateVpcEndpoint")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    forget_the_deleted(call)
    backend("ec2", call).get_vpc(call.params["VpcId"])
    endpoint = Endpoint(call)
    refuse_bad_endpoint(call, endpoint)
    endpoint.ec2_backend.vpc_end_points[endpoint.id] = endpoint
    endpoint.connect()
    if endpoint.is_interface:
        lifecycle.creating(call, KIND, endpoint.id)
    return {"VpcEndpoint": endpoint.described(call)}


@EC2.around("DescribeVpcEndpoints")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    forget_the_deleted(call)
    ids = call.get("VpcEndpointIds", default=[])
    endpoints = [find(call, id) for id in ids] or backend("ec2", call).vpc_end_points.values()
    seen = [endpoint.described(call) for endpoint in endpoints]
    return {"VpcEndpoints": query.select(seen, call.get("Filters"), FILTERS)}


@EC2.around("ModifyVpcEndpoint")
def modify(call: Call, proceed: Any) -> dict[str, Any]:
    endpoint = find(call, call.params["VpcEndpointId"])
    before = dict(vars(endpoint))
    endpoint.subnet_ids = changed(endpoint.subnet_ids, call, "SubnetIds")
    endpoint.route_table_ids = changed(endpoint.route_table_ids, call, "RouteTableIds")
    endpoint.security_group_ids = changed(endpoint.security_group_ids, call, "SecurityGroupIds")
    endpoint.private_dns_enabled = call.get("PrivateDnsEnabled", default=endpoint.private_dns_enabled)
    endpoint.ip_address_type = call.get("IpAddressType", default=endpoint.ip_address_type)
    endpoint.dns_options = {**endpoint.dns_options, **call.get("DnsOptions", default={})}
    endpoint.policy_document = call.get("PolicyDocument", default=endpoint.policy_document)
    if call.get("ResetPolicy"):
        endpoint.policy_document = endpoint.default_policy()
    try:
        refuse_bad_endpoint(call, endpoint)
    except Exception:
        vars(endpoint).update(before)
        raise
    endpoint.connect()
    return {"Return": True}


def changed(ids: list[str], call: Call, member: str) -> list[str]:
    removed = call.get(f"Remove{member}", default=[])
    return [id for id in ids if id not in removed] + [
        id for id in call.get(f"Add{member}", default=[]) if id not in ids
    ]


@EC2.around("DeleteVpcEndpoints")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    forget_the_deleted(call)
    failed = []
    for id in call.params["VpcEndpointIds"]:
        endpoint = backend("ec2", call).vpc_end_points.get(id)
        if endpoint is None:
            error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The Vpc Endpoint Id '{id}' does not exist"}
            failed.append({"ResourceId": id, "Error": error})
            continue
        if endpoint.is_interface:
            lifecycle.deleting(call, KIND, id)
        else:
            endpoint.route_table_ids = []
            endpoint.connect()
            forget(call, id)
    return {"Unsuccessful": failed}


def find(call: Call, id: str) -> Endpoint:
    endpoint = backend("ec2", call).vpc_end_points.get(id)
    if endpoint is None:
        raise Refusal("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{id}' does not exist")
    return endpoint


def forget_the_deleted(call: Call) -> None:
    for id, phase in list(lifecycle.of_kind(call, KIND)):
        if phase == GONE:
            forget(call, id)


def forget(call: Call, id: str) -> None:
    ec2 = backend("ec2", call)
    release(ec2, id)
    ec2.vpc_end_points.pop(id, None)
    lifecycle.forget(call, KIND, id)
    forget_tags(call, id)
