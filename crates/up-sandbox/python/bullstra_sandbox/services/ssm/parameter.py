"""SSM's parameters: names, tiers, patterns, and secrets that are shown encrypted."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from moto.ssm.models import Parameter, ParameterDict
from moto.ssm.utils import parameter_arn

from ...call import Call, Refusal
from ...dump import Place
from ...service import Found
from ...world import backend
from .. import query, tag_rules
from . import SSM

SECRET = "SecureString"
NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")
# "Standard: 4 KB, advanced: 8 KB" (Systems Manager user guide, "Managing parameter tiers").
LONGEST = {"Standard": 4096, "Advanced": 8192}
DEEPEST = 15


def encrypted(parameter: Parameter) -> str:
    """What a secret shows without decryption: bytes that tell nothing of it."""
    digest = hashlib.sha512(f"{parameter.keyid} {parameter.version} {parameter.value}".encode()).digest()
    return "AQICAHh" + base64.b64encode(digest).decode()


motos_answer = Parameter.response_object


def answer(parameter: Parameter, decrypt: bool = False, region: str | None = None) -> dict[str, Any]:
    """moto shows a secret behind the words `kms:KEY:`."""
    shown = motos_answer(parameter, decrypt, region)
    hidden = parameter.parameter_type == SECRET and not decrypt
    return {**shown, "Value": encrypted(parameter)} if hidden else shown


Parameter.response_object = answer  # type: ignore[method-assign]


def copied(parameters: ParameterDict, memory: dict[int, Any]) -> ParameterDict:
    """A copy for reads of the past: what is in the dict may be changed, and no version of a parameter ever is."""
    copy = ParameterDict(parameters.account_id, parameters.region_name)
    copy.__dict__.update(parameters.__dict__)
    memory[id(parameters)] = copy
    for name, versions in dict.items(parameters):
        dict.__setitem__(copy, name, list(versions))
    return copy


ParameterDict.__deepcopy__ = copied  # type: ignore[attr-defined]


def present(call: Call, name: str) -> Any:
    """The newest version of a parameter, if there is one; names and ARNs are as good."""
    return backend("ssm", call).get_parameter(name)


def refuse_bad_name(name: str) -> None:
    """Refuses a name that Parameter Store does not take (API reference, PutParameter)."""
    if "/" in name and not name.startswith("/"):
        raise Refusal("ValidationException", "Parameter name must be a fully qualified name.")
    if not NAME.fullmatch(name) or name.endswith("/") or "//" in name:
        message = (
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
        raise Refusal("ValidationException", message)
    if name.count("/") > DEEPEST:
        message = f"A parameter name can have at most {DEEPEST} levels in its hierarchy."
        raise Refusal("HierarchyLevelLimitExceededException", message)


def tier_of(call: Call, old: Any) -> str:
    """The tier that a parameter gets; there is no way back from the advanced one.

    Seen on AWS: https://github.com/go-to-k/cdk-real-drift/pull/408, and "Managing parameter tiers".
    """
    had = old.tier if old else None
    wanted = call.get("Tier") or had or "Standard"
    if wanted == "Intelligent-Tiering":
        dear = had == "Advanced" or call.get("Policies") or len(call.params["Value"]) > LONGEST["Standard"]
        wanted = "Advanced" if dear else "Standard"
    if had == "Advanced" and wanted == "Standard":
        message = (
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter."
        )
        raise Refusal("ValidationException", message)
    return wanted


def refuse_bad_value(value: str, tier: str, pattern: str | None) -> None:
    """Refuses a value that is too long, names other parameters, or does not match its pattern."""
    if len(value.encode()) > LONGEST[tier]:
        message = f"{tier} tier parameters support a maximum parameter value of {LONGEST[tier]} characters."
        if tier == "Standard":
            message += (
                " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For "
                "more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                "parameter-store-advanced-parameters.html"
            )
        raise Refusal("ValidationException", message)
    if "{{" in value:
        raise Refusal("ValidationException", 'Can\'t nest another parameter. Do not use "{{}}" in the value.')
    if not pattern:
        return
    try:
        matches = re.search(pattern, value)
    except re.error:
        message = f"The request does not meet the regular expression requirement: {pattern}"
        raise Refusal("InvalidAllowedPatternException", message) from None
    if not matches:
        message = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        raise Refusal("ParameterPatternMismatchException", message)


@SSM.around("PutParameter")
def put(call: Call, proceed: Any) -> dict[str, Any]:
    name, kind = call.params["Name"], call.get("Type")
    refuse_bad_name(name)
    tag_rules.check(call.get("Tags", default=[]), code="ValidationException", too_many="TooManyTagsError")
    old = present(call, name)
    if old and call.get("Overwrite") and kind and kind != old.parameter_type:
        # The words of the API reference's HierarchyTypeMismatchException.
        message = (
            "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a "
            "parameter from a String type to a SecureString type. You must create a new, unique parameter."
        )
        raise Refusal("HierarchyTypeMismatchException", message)
    if call.get("KeyId") and (kind or (old and old.parameter_type)) != SECRET:
        raise Refusal("ValidationException", "KeyId is required for SecureString type parameter only.")
    tier = tier_of(call, old)
    pattern = call.get("AllowedPattern", default=old.allowed_pattern if old and call.get("Overwrite") else None)
    if call.params["Value"]:
        refuse_bad_value(call.params["Value"], tier, pattern)
    return {**proceed({**call.params, "Tier": tier}), "Tier": tier}


@SSM.around("DescribeParameters")
def pages(call: Call, proceed: Any) -> dict[str, Any]:
    """The parameters that match, in pages of the size asked for; moto has pages of ten, and lacks two filters."""
    ours = {"Tier": "Tier", "DataType": "DataType"}
    filters = call.get("ParameterFilters", default=[])
    asked = {"ParameterFilters": [each for each in filters if each["Key"] not in ours]}
    if call.get("Filters"):
        asked["Filters"] = call.get("Filters")
    found: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        answer = proceed({**asked, **({"NextToken": token} if token else {})})
        found += answer["Parameters"]
        token = answer.get("NextToken")
    for each in filters:
        if each["Key"] in ours:
            found = [one for one in found if one.get(ours[each["Key"]]) in each.get("Values", [])]
    if call.get("Shared"):
        found = []
    for one in found:
        one["ARN"] = parameter_arn(call.account, call.region, one["Name"])
        one["LastModifiedUser"] = f"arn:{call.partition}:iam::{call.account}:user/sandbox"
        one.setdefault("Policies", [])
    # AWS's own default is not documented; it was seen to be ten at least.
    shown, following = query.page(found, call.get("NextToken"), call.get("MaxResults"), default=10)
    return {"Parameters": shown, **({"NextToken": following} if following else {})}


@SSM.around("AddTagsToResource")
def tags(call: Call, proceed: Any) -> None:
    tag_rules.check(call.get("Tags", default=[]), code="ValidationException", too_many="TooManyTagsError")
    if call.params["ResourceType"] == "Parameter" and present(call, call.params["ResourceId"]):
        held = backend("ssm", call).list_tags_for_resource("Parameter", call.params["ResourceId"])
        if len({*held, *(tag["Key"] for tag in call.params["Tags"])}) > 50:
            raise Refusal("TooManyTagsError", "The Tags parameter includes too many tags.")
    proceed()


@SSM.inventory
def parameters(place: Place) -> Iterator[Found]:
    """The parameters of the account; of a secret the value as well, which no client of the tests asks for."""
    for found in place.every("ssm", "DescribeParameters", "Parameters", MaxResults=50):
        name = found["Name"]
        value = place.ask("ssm", "GetParameter", Name=name, WithDecryption=True)["Parameter"]["Value"]
        tags = place.ask("ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId=name).get("TagList")
        yield "ssm.parameter", name, tags, {**found, "Value": value}
