"""CloudWatch Logs' groups: class, key, retention and deletion protection, as asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..call import Call, Refusal
from ..dump import Place
from ..service import Found, Limit, Service, Tagged
from ..world import backend
from . import query, tag_rules

LOGS = Service(
    "logs",
    tagging="logs:TagResource",
    # The quotas of CloudWatch Logs.
    limits=(
        Limit("CreateLogGroup", 10, 10),
        Limit("DescribeLogGroups", 10, 10),
        Limit("PutRetentionPolicy", 10, 10, guess=True),
        Limit("DeleteRetentionPolicy", 10, 10, guess=True),
        Limit("DeleteLogGroup", 10, 10, guess=True),
        Limit("*", 10, 5, guess=True),
    ),
    invalid_codes=("InvalidParameterException", "InvalidParameterException"),
    failures=("InternalFailure", "ServiceUnavailableException"),
    ignored={"DescribeLogGroups.accountIdentifiers": "no account shares its groups with another one"},
)

DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def name_of(identifier: str) -> str:
    """The name in a name or an ARN."""
    return identifier.split(":log-group:")[-1].removesuffix(":*")


def find(call: Call, name: str) -> Any:
    """The group of a name or an ARN."""
    group = backend("logs", call).groups.get(name_of(name))
    if group is None:
        raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
    return group


@LOGS.around("CreateLogGroup")
def create(call: Call, proceed: Any) -> None:
    tag_rules.check(tag_rules.as_list(call.get("tags")), code="InvalidParameterException")
    proceed()
    group = find(call, call.params["logGroupName"])
    group.kind = call.get("logGroupClass", default="STANDARD")
    group.protected = call.get("deletionProtectionEnabled", default=False)


def refuse_delivery(group: Any, what: str) -> None:
    """Groups of the class DELIVERY keep lines for two days, whatever is asked for.

    Seen on AWS: https://github.com/hashicorp/terraform-provider-aws/issues/42657
    """
    if getattr(group, "kind", "STANDARD") == "DELIVERY":
        raise Refusal("ValidationException", f"{what} is not supported for Delivery log class")


@LOGS.around("DescribeLogGroups")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    """The groups that match, by name; names that there are not are left out. moto knows of the prefix alone.

    API reference, DescribeLogGroups: identifiers go with no other filter, a prefix not with a pattern, and a pattern
    shows less of each group.
    """
    prefix, pattern = call.get("logGroupNamePrefix"), call.get("logGroupNamePattern")
    identifiers, wanted = call.get("logGroupIdentifiers"), call.get("logGroupClass")
    if identifiers and (prefix or pattern or wanted):
        raise Refusal("InvalidParameterException", "logGroupIdentifiers cannot be used together with other filters")
    if prefix and pattern:
        message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive"
        raise Refusal("InvalidParameterException", message)
    # Nobody shares groups with the account.
    call.get("includeLinkedAccounts")
    names = {name_of(each) for each in identifiers or []}
    found = [
        shown(group)
        for name, group in sorted(backend("logs", call).groups.items())
        if name.startswith(prefix or "") and (pattern or "") in name and (not names or name in names)
        if is_of_class(group, wanted)
    ]
    if pattern:
        found = [{name: each[name] for name in ("arn", "creationTime", "logGroupName")} for each in found]
    groups, following = query.page(found, call.get("nextToken"), call.get("limit"), default=50)
    return {"logGroups": groups, **({"nextToken": following} if following else {})}


def is_of_class(group: Any, wanted: str | None) -> bool:
    """Whether a group is of a class; one of the two cheap classes stands for both."""
    cheap = ("INFREQUENT_ACCESS", "ESSENTIALS")
    kind = getattr(group, "kind", "STANDARD")
    return wanted in (None, kind) or (wanted in cheap and kind in cheap)


def shown(group: Any) -> dict[str, Any]:
    """A group as it is described."""
    kind = getattr(group, "kind", "STANDARD")
    kept = {"retentionInDays": 2} if kind == "DELIVERY" else {}
    protected = getattr(group, "protected", False)
    return {**group.to_describe_dict(), **kept, "logGroupClass": kind, "deletionProtectionEnabled": protected}


@LOGS.around("PutRetentionPolicy", "DeleteRetentionPolicy")
def retention(call: Call, proceed: Any) -> None:
    refuse_delivery(find(call, call.params["logGroupName"]), call.operation)
    if call.operation == "PutRetentionPolicy" and call.params["retentionInDays"] not in DAYS:
        allowed = ", ".join(map(str, DAYS))
        message = f"Invalid retention value. Valid values are: [{allowed}]"
        raise Refusal("InvalidParameterException", message)
    proceed()


@LOGS.around("AssociateKmsKey", "DisassociateKmsKey")
def key(call: Call, proceed: Any) -> dict[str, Any]:
    group = find(call, call.get("logGroupName") or call.get("resourceIdentifier", default=""))
    group.kms_key_id = call.get("kmsKeyId")
    return {}


@LOGS.around("PutLogGroupDeletionProtection")
def protect(call: Call, proceed: Any) -> dict[str, Any]:
    find(call, call.params["logGroupIdentifier"]).protected = call.params["deletionProtectionEnabled"]
    return {}


@LOGS.around("DeleteLogGroup")
def delete(call: Call, proceed: Any) -> None:
    if getattr(find(call, call.params["logGroupName"]), "protected", False):
        message = "Log group has deletion protection enabled. Disable deletion protection before you delete it."
        raise Refusal("ValidationException", message)
    proceed()


@LOGS.around("ListTagsForResource", "TagResource", "UntagResource")
def tags(call: Call, proceed: Any) -> None:
    if ":log-group:" in call.params["resourceArn"]:
        find(call, call.params["resourceArn"])
    tag_rules.check(tag_rules.as_list(call.get("tags")), code="InvalidParameterException")
    proceed()


@LOGS.inventory
def groups(place: Place) -> Iterator[Found]:
    for found in place.every("logs", "DescribeLogGroups", "logGroups"):
        arn = found["arn"].removesuffix(":*")
        yield (
            "logs.log_group",
            found["logGroupName"],
            place.maybe("logs", "ListTagsForResource", resourceArn=arn).get("tags"),
            found,
        )


@LOGS.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    logs = backend("logs", call)
    for group in logs.groups.values():
        arn = group.arn.removesuffix(":*")
        yield arn, logs.list_tags_for_resource(arn)
