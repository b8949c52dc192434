"""Security groups: rules as AWS keeps and compares them, and groups that cannot go while something refers to them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule

from ...call import Call, Refusal
from ...world import backend
from ..interfaces import group_in_use
from . import EC2
from .common import forget_tags

MOST_RULES = 60
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}\Z")
TEXT_RULE = (
    "Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
)


class Rule(SecurityGroupRule):
    """A rule that keeps its description whatever its peer is; moto keeps it for addresses only."""

    text: str | None = None

    @property
    def description(self) -> str | None:  # type: ignore[override]
        return self.text or self.ip_range.get("Description") or self.source_group.get("Description")


def key_of(rule: SecurityGroupRule) -> tuple[Any, ...]:
    """What makes two rules the same: everything but their description and tags."""
    peer = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.source_group.get("GroupId") or rule.prefix_list_id
    return rule.ip_protocol, rule.from_port, rule.to_port, peer


def group_of(call: Call) -> SecurityGroup:
    ec2 = backend("ec2", call)
    named = call.get("GroupId") or call.get("GroupName")
    group = ec2.get_security_group_by_name_or_id(named) if named else None
    if group is None:
        raise Refusal("InvalidGroup.NotFound", f"The security group '{named}' does not exist")
    return group


@EC2.around("CreateSecurityGroup")
def names_and_descriptions(call: Call, proceed: Any) -> None:
    name = call.params["GroupName"]
    if name == "default":
        raise Refusal("InvalidParameterValue", "Cannot use reserved security group name: default")
    if name.startswith("sg-"):
        message = f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        raise Refusal("InvalidParameterValue", message)
    if not TEXT.match(call.params["Description"]):
        raise Refusal("InvalidParameterValue", f"Invalid security group description. {TEXT_RULE}")
    vpc_id = call.get("VpcId")
    ec2 = backend("ec2", call)
    if vpc_id:
        ec2.get_vpc(vpc_id)
    # moto takes a group of the same name in another VPC for this one's.
    if any(group.name == name for group in ec2.groups[vpc_id].values()):
        raise Refusal("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc_id}'")
    proceed()


@EC2.around("DeleteSecurityGroup")
def group_with_dependents(call: Call, proceed: Any) -> dict[str, Any]:
    group = group_of(call)
    if group.is_default:
        message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise Refusal("CannotDelete", message)
    ec2 = backend("ec2", call)
    # "... is referenced by another security group in the same VPC" (API reference, DeleteSecurityGroup): a rule of a peered
    # network becomes stale.
    others = (other for other in ec2.groups[group.vpc_id].values() if other.id != group.id)
    rules = (rule for other in others for rule in other.ingress_rules + other.egress_rules)
    if group_in_use(ec2, group.id) or any(rule.source_group.get("GroupId") == group.id for rule in rules):
        raise Refusal("DependencyViolation", f"resource {group.id} has a dependent object")
    proceed()
    for rule in group.ingress_rules + group.egress_rules:
        forget_tags(call, rule.id)
    forget_tags(call, group.id)
    return {"Return": True, "GroupId": group.id}


@EC2.around("DescribeSecurityGroups")
def prefix_lists_described(call: Call, proceed: Any) -> dict[str, Any] | None:
    answer, changed = proceed(), False
    for seen in answer["SecurityGroups"]:
        group = backend("ec2", call).get_security_group_from_id(seen["GroupId"])
        rules = (rule for rule in group.ingress_rules + group.egress_rules if rule.prefix_list_id)
        texts = {key_of(rule): rule.description for rule in rules if rule.description}
        for permission in seen.get("IpPermissions", []) + seen.get("IpPermissionsEgress", []) if texts else []:
            ends = permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort")
            for entry in permission.get("PrefixListIds", []):
                if text := texts.get((*ends, entry["PrefixListId"])):
                    entry["Description"], changed = text, True
    return answer if changed else None


@EC2.around("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def authorize(call: Call, proceed: Any) -> dict[str, Any]:
    group, rules = group_of(call), rules_of(call)
    wanted = list(given_rules(call, group))
    known = {key_of(rule) for rule in rules}
    for rule in wanted:
        if key_of(rule) in known:
            raise Refusal("InvalidPermission.Duplicate", f"the specified rule {spelled(rule)} already exists")
        known.add(key_of(rule))
    if len(known) > MOST_RULES:
        message = "The maximum number of rules per security group has been reached."
        raise Refusal("RulesPerSecurityGroupLimitExceeded", message)
    tags = [tag for given in call.get("TagSpecifications", default=[]) for tag in given.get("Tags", [])]
    for rule in wanted:
        rule.add_tags({tag["Key"]: tag.get("Value", "") for tag in tags})
    rules.extend(wanted)
    return {"Return": True, "SecurityGroupRules": [described(rule) for rule in wanted]}


@EC2.around("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
def revoke(call: Call, proceed: Any) -> dict[str, Any]:
    group, rules = group_of(call), rules_of(call)
    ids = call.get("SecurityGroupRuleIds", default=[])
    gone = [rule_with_id(rules, id) for id in ids]
    if not ids:
        present = {key_of(rule): rule for rule in rules}
        keys = [key_of(rule) for rule in given_rules(call, group, checked=False)]
        if any(key not in present for key in keys):
            message = "The specified rule does not exist in this security group."
            raise Refusal("InvalidPermission.NotFound", message)
        gone = [present[key] for key in keys]
    for rule in gone:
        rules.remove(rule)
        forget_tags(call, rule.id)
    revoked = [{name: value for name, value in described(rule).items() if name != "Tags"} for rule in gone]
    for rule in revoked:
        if "ReferencedGroupInfo" in rule:
            rule["ReferencedGroupId"] = rule.pop("ReferencedGroupInfo")["GroupId"]
    return {"Return": True, "RevokedSecurityGroupRules": revoked}


@EC2.around("UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress")
def update_descriptions(call: Call, proceed: Any) -> dict[str, Any]:
    group, rules = group_of(call), rules_of(call)
    by_id = call.get("SecurityGroupRuleDescriptions", default=[])
    changes = [(rule_with_id(rules, given["SecurityGroupRuleId"]), given.get("Description")) for given in by_id]
    if not by_id:
        present = {key_of(rule): rule for rule in rules}
        for given in given_rules(call, group):
            if key_of(given) not in present:
                message = "The specified rule does not exist in this security group."
                raise Refusal("InvalidPermission.NotFound", message)
            changes.append((present[key_of(given)], given.description))
    for rule, text in changes:
        describe_as(rule, text)
    return {"Return": True}


@EC2.around("ModifySecurityGroupRules")
def modify(call: Call, proceed: Any) -> dict[str, Any]:
    group = group_of(call)
    for change in call.params["SecurityGroupRules"]:
        id, given = change["SecurityGroupRuleId"], change["SecurityGroupRule"]
        rules = next((side for side in (group.ingress_rules, group.egress_rules) if any(r.id == id for r in side)), [])
        old = rule_with_id(rules, id)
        permission = {name: given[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in given}
        text = {"Description": given["Description"]} if "Description" in given else {}
        permission |= {
            "IpRanges": [{"CidrIp": given["CidrIpv4"], **text}] if given.get("CidrIpv4") else [],
            "Ipv6Ranges": [{"CidrIpv6": given["CidrIpv6"], **text}] if given.get("CidrIpv6") else [],
            "PrefixListIds": [{"PrefixListId": given["PrefixListId"], **text}] if given.get("PrefixListId") else [],
            "UserIdGroupPairs": [{"GroupId": given["ReferencedGroupId"], **text}]
            if given.get("ReferencedGroupId")
            else [],
        }
        [new] = rules_in(call, group, permission, checked=True, egress=old.is_egress)
        if any(key_of(rule) == key_of(new) for rule in rules if rule is not old):
            raise Refusal("InvalidPermission.Duplicate", f"the specified rule {spelled(new)} already exists")
        new.id = old.id
        rules[rules.index(old)] = new
    return {"Return": True}


def rules_of(call: Call) -> list[SecurityGroupRule]:
    group = group_of(call)
    return group.egress_rules if call.operation.endswith("Egress") else group.ingress_rules


def rule_with_id(rules: list[SecurityGroupRule], id: str) -> SecurityGroupRule:
    for rule in rules:
        if rule.id == id:
            return rule
    raise Refusal("InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{id}' does not exist")


def given_rules(call: Call, group: SecurityGroup, checked: bool = True) -> Iterator[Rule]:
    """The rules of a request, one for each peer; unchecked where they only name what is there."""
    permissions = call.get("IpPermissions", default=[])
    if not permissions and call.get("IpProtocol"):
        one = {name: call.params[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in call.params}
        permissions = [one | ({"IpRanges": [{"CidrIp": call.get("CidrIp")}]} if call.get("CidrIp") else {})]
    if not permissions:
        raise Refusal(
            "MissingParameter", "The request must contain the parameter IpPermissions or SecurityGroupRuleIds"
        )
    for permission in permissions:
        yield from rules_in(call, group, permission, checked, call.operation.endswith("Egress"))


def rules_in(
    call: Call, group: SecurityGroup, permission: dict[str, Any], checked: bool, egress: bool
) -> Iterator[Rule]:
    ec2 = backend("ec2", call)
    protocol = str(permission.get("IpProtocol", "-1")).lower()
    protocol = PROTOCOLS.get(protocol, protocol)
    ports = permission.get("FromPort"), permission.get("ToPort")
    if protocol in ("tcp", "udp") and None in ports:
        raise Refusal(
            "InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."
        )
    if protocol in ("tcp", "udp") and not 0 <= ports[0] <= ports[1] <= 65535:
        raise Refusal("InvalidParameterValue", f"Invalid TCP/UDP port range ({ports[0]}:{ports[1]})")
    ends = (
        ("-1", group.id, None, None)
        if protocol == "-1"
        else (protocol, group.id, *(-1 if p is None else p for p in ports))
    )
    for given in permission.get("IpRanges", []) + permission.get("Ipv6Ranges", []):
        yield described_as(Rule(ec2, *ends, canonical(given), is_egress=egress), given)
    for given in permission.get("UserIdGroupPairs", []):
        if checked:
            refuse_foreign_group(ec2, group, given)
        peer = {"GroupId": given.get("GroupId"), "UserId": given.get("UserId") or call.account}
        yield described_as(Rule(ec2, *ends, None, peer, is_egress=egress), given)
    for given in permission.get("PrefixListIds", []):
        if checked and given["PrefixListId"] not in ec2.managed_prefix_lists:
            message = f"The prefix list ID '{given['PrefixListId']}' does not exist"
            raise Refusal("InvalidPrefixListID.NotFound", message)
        yield described_as(Rule(ec2, *ends, None, None, given, is_egress=egress), given)


def canonical(given: dict[str, Any]) -> dict[str, str]:
    """An address range with its host bits cleared, as EC2 does."""
    member = "CidrIp" if given.get("CidrIp") else "CidrIpv6"
    block = given.get(member, "")
    try:
        network = ipaddress.ip_network(block, strict=False)
        if "/" not in block or network.version != (4 if member == "CidrIp" else 6):
            raise ValueError
    except ValueError:
        raise Refusal("InvalidParameterValue", f"CIDR block {block} is malformed") from None
    return {member: str(network)}


def refuse_foreign_group(ec2: Any, group: SecurityGroup, given: dict[str, Any]) -> None:
    peer = ec2.get_security_group_from_id(given.get("GroupId"))
    if peer is None:
        raise Refusal("InvalidGroup.NotFound", f"The security group '{given.get('GroupId')}' does not exist")
    peerings = getattr(ec2, "vpc_pcxs", {}).values()
    if peer.vpc_id != group.vpc_id and not any(
        {p.vpc.id, p.peer_vpc.id} == {peer.vpc_id, group.vpc_id} for p in peerings
    ):
        raise Refusal("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")


def described_as(rule: Rule, given: dict[str, Any]) -> Rule:
    text = given.get("Description")
    if text and not TEXT.match(text):
        raise Refusal("InvalidParameterValue", f"Invalid rule description. {TEXT_RULE}")
    return describe_as(rule, text)


def describe_as(rule: Any, text: str | None) -> Any:
    """moto reads the description of addresses and groups from the peer itself."""
    rule.text = text
    for peer in (rule.ip_range, rule.source_group):
        peer.pop("Description", None)
        if peer and text:
            peer["Description"] = text
    return rule


def described(rule: SecurityGroupRule) -> dict[str, Any]:
    """A rule as DescribeSecurityGroupRules has it."""
    seen = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": rule.group_id,
        "GroupOwnerId": rule.owner_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "ReferencedGroupInfo": {
            name: rule.source_group[name] for name in ("GroupId", "UserId") if name in rule.source_group
        },
        "Description": rule.description,
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in rule.get_tags()],
    }
    return {name: value for name, value in seen.items() if value not in (None, {})}


def spelled(rule: SecurityGroupRule) -> str:
    """A rule in the words of EC2's refusals."""
    protocol, first, last, peer = key_of(rule)
    if protocol == "-1":
        return f'"peer: {peer}, ALL, ALLOW"'
    return f'"peer: {peer}, {str(protocol).upper()}, from port: {first}, to port: {last}, ALLOW"'
