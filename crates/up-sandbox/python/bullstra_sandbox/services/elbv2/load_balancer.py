"""Elastic Load Balancing v2, load balancers: unique by name, in time, with AWS's attributes and interfaces."""

from __future__ import annotations

import zlib
from typing import Any

from moto.ec2.utils import random_public_ip

from ...call import Call, Refusal
from ...world import CREATING, backend, lifecycle
from .. import query, tag_rules
from ..interfaces import held_by, keep
from . import ELBV2

KIND = "elbv2.load_balancer"
SETTINGS = ("Scheme", "VpcId", "Type", "IpAddressType", "AvailabilityZones", "SecurityGroups")

HOSTED_ZONES = {
    "eu-central-1": ("Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
    "eu-west-1": ("Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
    "us-east-1": ("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    "us-west-2": ("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
}

LOGS = {"access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": ""}
COMMON = {**LOGS, "deletion_protection.enabled": "false", "zonal_shift.config.enabled": "false"}
ATTRIBUTES = {
    "application": {
        **COMMON,
        "client_keep_alive.seconds": "3600",
        "connection_logs.s3.enabled": "false",
        "connection_logs.s3.bucket": "",
        "connection_logs.s3.prefix": "",
        "health_check_logs.s3.enabled": "false",
        "health_check_logs.s3.bucket": "",
        "health_check_logs.s3.prefix": "",
        "idle_timeout.timeout_seconds": "60",
        "ipv6.deny_all_igw_traffic": "false",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
    },
    "network": {
        **COMMON,
        "dns_record.client_routing_policy": "any_availability_zone",
        "ipv6.deny_all_igw_traffic": "false",
        "load_balancing.cross_zone.enabled": "false",
        "secondary_ips.auto_assigned.per_subnet": "0",
    },
    "gateway": {**COMMON, "load_balancing.cross_zone.enabled": "false"},
}


@ELBV2.around("CreateLoadBalancer")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    kind = call.get("Type", default="application")
    scheme = call.get("Scheme", default="internet-facing")
    subnets = places(call, kind)
    refuse_bad_name(call.params["Name"])
    if scheme == "internet-facing" and kind != "gateway":
        refuse_without_gateway(call, subnets[0].vpc_id)
    groups = groups_of(call, kind, subnets[0].vpc_id)
    params = {**call.params, "Scheme": scheme, "Type": kind, "SecurityGroups": groups}
    elb = backend("elbv2", call)
    same_name = next((old for old in elb.load_balancers.values() if old.name == call.params["Name"]), None)
    proceed(params)
    # moto has made it, with AWS's defaults filled in: only now can it be compared with the one there may be.
    made = elb.load_balancers.popitem()[1]
    if same_name:
        elb.tagging_service.delete_all_tags_for_resource(made.arn)
        existing, wanted = described(call, same_name), described(call, made)
        if any(existing.get(name) != wanted.get(name) for name in SETTINGS):
            message = f"A load balancer with the same name '{made.name}' exists, but with different settings"
            raise Refusal("DuplicateLoadBalancerName", message)
        return {"LoadBalancers": [existing]}
    settle(call, made)
    return {"LoadBalancers": [described(call, made)]}


def settle(call: Call, made: Any) -> None:
    """Gives a new load balancer the ARN, names and interfaces that AWS gives it."""
    elb = backend("elbv2", call)
    tags = elb.tagging_service.get_tag_dict_for_resource(made.arn)
    elb.tagging_service.delete_all_tags_for_resource(made.arn)
    network = made.type == "network"
    short = {"network": "net", "gateway": "gwy"}.get(made.type, "app")
    made.arn = made.arn.replace("loadbalancer/app/", f"loadbalancer/{short}/")
    number = zlib.crc32(made.arn.encode())
    inside = "internal-" if made.scheme == "internal" else ""
    made.dns_name = (
        f"{made.name}-{made.arn[-16:]}.elb.{call.region}.amazonaws.com"
        if network
        else f"{inside}{made.name}-{number}.{call.region}.elb.amazonaws.com"
    )
    made.canonical_hosted_zone_id = HOSTED_ZONES.get(call.region, HOSTED_ZONES["eu-central-1"])[network]
    made.attrs = dict(ATTRIBUTES[made.type])
    elb.load_balancers[made.arn] = made
    elb.tagging_service.tag_resource(made.arn, tag_rules.as_list(tags))
    lifecycle.creating(call, KIND, made.arn)
    hold_interfaces(call, made)
    give_addresses(call, made)


def give_addresses(call: Call, balancer: Any) -> None:
    """Gives a load balancer's interfaces the public addresses that a request maps to their subnets."""
    ec2 = backend("ec2", call)
    for mapping in call.get("SubnetMappings", default=[]):
        for eni in held_by(ec2, balancer.arn):
            if mapping.get("AllocationId") and eni.subnet_id == mapping["SubnetId"]:
                ec2.associate_address(eni=eni, allocation_id=mapping["AllocationId"])


def hold_interfaces(call: Call, balancer: Any) -> None:
    ec2 = backend("ec2", call)
    keep(
        ec2,
        [subnet.id for subnet in balancer.subnets],
        holder=balancer.arn,
        holder_kind=KIND,
        description=f"ELB {balancer.arn.partition('loadbalancer/')[2]}",
        requester="amazon-elb",
        interface_type="network_load_balancer" if balancer.type == "network" else "interface",
        groups=balancer.security_groups,
    )
    if balancer.scheme == "internet-facing":
        for eni in held_by(ec2, balancer.arn):
            eni.public_ip = eni.public_ip or random_public_ip()


def places(call: Call, kind: str) -> list[Any]:
    """The subnets of a request, refused where AWS would not put a load balancer."""
    mapped = [mapping["SubnetId"] for mapping in call.get("SubnetMappings", default=[])]
    known = {subnet.id: subnet for subnet in backend("ec2", call).describe_subnets()}
    ids = call.get("Subnets") or mapped
    if not ids:
        raise Refusal("ValidationError", "At least one subnet must be specified")
    for id in ids:
        if id not in known:
            raise Refusal("SubnetNotFound", f"The subnet ID '{id}' does not exist")
    subnets = [known[id] for id in ids]
    if len({subnet.availability_zone for subnet in subnets}) < len(subnets):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise Refusal("InvalidConfigurationRequest", message)
    if kind == "application" and len(subnets) < 2:
        message = "At least two subnets in two different Availability Zones must be specified"
        raise Refusal("ValidationError", message)
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise Refusal("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    return subnets


def groups_of(call: Call, kind: str, vpc_id: str) -> list[str]:
    """The security groups of a request; an application load balancer without any has the VPC's default."""
    ec2 = backend("ec2", call)
    groups = call.get("SecurityGroups", default=[])
    for id in groups:
        group = ec2.get_security_group_from_id(id)
        if group is None or group.vpc_id != vpc_id:
            raise Refusal("InvalidSecurityGroup", "One or more security groups are invalid")
    default = ec2.get_default_security_group(vpc_id)
    return groups or ([default.id] if kind == "application" and default else [])


def refuse_bad_name(name: str) -> None:
    if len(name) > 32:
        raise Refusal("ValidationError", f"Load balancer name '{name}' cannot be longer than '32' characters")
    if not name.replace("-", "a").isalnum() or not name.isascii():
        message = (
            f"Load balancer name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )
        raise Refusal("ValidationError", message)
    if name.startswith(("-", "internal-")) or name.endswith("-"):
        edge = "begin with 'internal-'" if name.startswith("internal-") else "begin or end with '-'"
        raise Refusal("ValidationError", f"Load balancer name '{name}' cannot {edge}")


def refuse_without_gateway(call: Call, vpc_id: str) -> None:
    gateways = backend("ec2", call).internet_gateways.values()
    default = backend("ec2", call).get_vpc(vpc_id).is_default
    if not default and not any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in gateways):
        raise Refusal("InvalidSubnet", f"VPC {vpc_id} has no internet gateway")


def described(call: Call, balancer: Any) -> dict[str, Any]:
    creating = lifecycle.phase(call, KIND, balancer.arn) == CREATING
    places = sorted(balancer.subnets, key=lambda subnet: subnet.availability_zone)
    seen = {
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneId": balancer.canonical_hosted_zone_id,
        "CreatedTime": balancer.created_time,
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc_id,
        "State": {"Code": "provisioning" if creating else "active"},
        "Type": balancer.type,
        "AvailabilityZones": [
            {
                "ZoneName": subnet.availability_zone,
                "SubnetId": subnet.id,
                "LoadBalancerAddresses": own_addresses(call, balancer, subnet),
            }
            for subnet in places
        ],
        "IpAddressType": balancer.ip_address_type,
    }
    return {**seen, "SecurityGroups": sorted(balancer.security_groups)} if balancer.security_groups else seen


def own_addresses(call: Call, balancer: Any, subnet: Any) -> list[dict[str, str]]:
    """The public addresses of the customer's own that a load balancer has in a subnet."""
    ec2 = backend("ec2", call)
    enis = {eni.id for eni in held_by(ec2, balancer.arn) if eni.subnet_id == subnet.id}
    own = (address for address in ec2.describe_addresses() if address.eni and address.eni.id in enis)
    return [{"IpAddress": address.public_ip, "AllocationId": address.allocation_id} for address in own]


def find(call: Call, arn: str) -> Any:
    balancer = backend("elbv2", call).load_balancers.get(arn)
    if balancer is None:
        raise Refusal("LoadBalancerNotFound", "One or more load balancers not found")
    return balancer


@ELBV2.around("DescribeLoadBalancers")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    balancers = list(backend("elbv2", call).load_balancers.values())
    arns, names = call.get("LoadBalancerArns"), call.get("Names")
    if arns:
        balancers = [find(call, arn) for arn in arns]
    elif names:
        missing = [name for name in names if all(balancer.name != name for balancer in balancers)]
        if missing:
            raise Refusal("LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found")
        balancers = [balancer for balancer in balancers if balancer.name in names]
    return paged(call, "LoadBalancers", [described(call, balancer) for balancer in balancers])


def paged(call: Call, name: str, items: list[Any]) -> dict[str, Any]:
    shown, following = query.page(items, call.get("Marker"), call.get("PageSize"), default=400)
    return {name: shown, **({"NextMarker": following} if following else {})}


@ELBV2.around("ModifyLoadBalancerAttributes")
def modify_attributes(call: Call, proceed: Any) -> dict[str, Any]:
    balancer = find(call, call.params["LoadBalancerArn"])
    return change_attributes(call, balancer.attrs, "Load balancer")


def change_attributes(call: Call, attributes: dict[str, Any], of: str) -> dict[str, Any]:
    given = {each["Key"]: each.get("Value", "") for each in call.params["Attributes"]}
    for key in given:
        if key not in attributes:
            raise Refusal("ValidationError", f"{of} attribute key '{key}' is not recognized")
    attributes.update(given)
    return {"Attributes": [{"Key": key, "Value": str(value)} for key, value in attributes.items()]}


@ELBV2.around("SetSubnets")
def set_subnets(call: Call, proceed: Any) -> dict[str, Any]:
    balancer = find(call, call.params["LoadBalancerArn"])
    subnets = places(call, balancer.type)
    if subnets[0].vpc_id != balancer.vpc_id:
        # ELB API reference, SetSubnets: InvalidConfigurationRequest; a load balancer stays in its VPC.
        raise Refusal("InvalidConfigurationRequest", "The subnets must be in the VPC of the load balancer")
    balancer.subnets = subnets
    balancer.ip_address_type = call.get("IpAddressType", default=balancer.ip_address_type)
    hold_interfaces(call, balancer)
    give_addresses(call, balancer)
    zones = described(call, balancer)["AvailabilityZones"]
    return {"AvailabilityZones": zones, "IpAddressType": balancer.ip_address_type}


@ELBV2.around("SetSecurityGroups")
def set_security_groups(call: Call, proceed: Any) -> dict[str, Any]:
    balancer = find(call, call.params["LoadBalancerArn"])
    if balancer.type == "network" and not balancer.security_groups:
        message = "You cannot add security groups to a Network Load Balancer that was created without security groups"
        raise Refusal("InvalidConfigurationRequest", message)
    balancer.security_groups = groups_of(call, balancer.type, balancer.vpc_id)
    hold_interfaces(call, balancer)
    return {"SecurityGroupIds": balancer.security_groups}


@ELBV2.around("SetIpAddressType")
def set_ip_address_type(call: Call, proceed: Any) -> dict[str, Any]:
    balancer = find(call, call.params["LoadBalancerArn"])
    balancer.ip_address_type = call.params["IpAddressType"]
    return {"IpAddressType": balancer.ip_address_type}


@ELBV2.around("DeleteLoadBalancer")
def delete(call: Call, proceed: Any) -> None:
    elb, arn = backend("elbv2", call), call.params["LoadBalancerArn"]
    balancer = elb.load_balancers.get(arn)
    # Deleting what is not there succeeds.
    if balancer:
        if balancer.attrs.get("deletion_protection.enabled") == "true":
            message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            raise Refusal("OperationNotPermitted", message)
        lifecycle.deleting(call, KIND, arn)
        gone = [
            arn,
            *balancer.listeners,
            *(id for each in balancer.listeners.values() for id in each._non_default_rules),
        ]
        for each in gone:
            elb.tagging_service.delete_all_tags_for_resource(each)
    proceed()


@ELBV2.around("CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "CreateRule", "AddTags")
def tags(call: Call, proceed: Any) -> None:
    given = call.get("Tags", default=[])
    tag_rules.check(given, code="ValidationError", duplicate="DuplicateTagKeys", too_many="TooManyTags")
    proceed()


@ELBV2.around("AddTags")
def add_tags(call: Call, proceed: Any) -> dict[str, Any]:
    elb = backend("elbv2", call)
    for arn in call.params["ResourceArns"]:
        refuse_unknown(call, arn)
        elb.tagging_service.tag_resource(arn, call.params["Tags"])
    return {}


@ELBV2.around("DescribeTags")
def describe_tags(call: Call, proceed: Any) -> None:
    arns = call.params["ResourceArns"]
    if len(arns) > 20:
        raise Refusal("ValidationError", "Up to 20 resources can be described in a single call")
    for arn in arns:
        refuse_unknown(call, arn)
    proceed()


def refuse_unknown(call: Call, arn: str) -> None:
    """Refuses the ARN of nothing; moto knows no default rules."""
    elb = backend("elbv2", call)
    listeners = [listener for balancer in elb.load_balancers.values() for listener in balancer.listeners.values()]
    kinds = {
        "listener-rule": ("RuleNotFound", "rules", {rule.arn for each in listeners for rule in each.rules.values()}),
        "listener": ("ListenerNotFound", "listeners", {each.arn for each in listeners}),
        "targetgroup": ("TargetGroupNotFound", "target groups", set(elb.target_groups)),
    }
    otherwise = ("LoadBalancerNotFound", "load balancers", set(elb.load_balancers))
    code, words, known = kinds.get(arn.rpartition(":")[2].partition("/")[0], otherwise)
    if arn not in known:
        raise Refusal(code, f"One or more {words} not found")
