"""AssumeRole: whom a role trusts, for how long its keys are good, and what their owner may no longer do after that."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow

from ... import credentials
from ...call import Call, Refusal
from . import STS

# The one code that no device of the sandbox ever shows.
WRONG_CODE = "000000"


@STS.around("AssumeRole")
def assume(call: Call, proceed: Any) -> dict[str, Any]:
    role = credentials.role_of(call.params["RoleArn"])
    caller = call.ask("sts", "GetCallerIdentity")["Arn"]
    _check_code(call)
    if role is None or not any(_trusts(statement, call, caller) for statement in _statements(role)):
        arn = call.params["RoleArn"]
        raise Refusal(
            "AccessDenied", f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}", 403
        )
    answer = proceed()
    session = credentials.session_of(answer["Credentials"]["AccessKeyId"])
    if (seconds := credentials.seconds(role)) is not None:
        session.expiration = utcnow() + timedelta(seconds=seconds)
    return {**answer, "Credentials": {**answer["Credentials"], "Expiration": session.expiration}}


def _check_code(call: Call) -> None:
    """The refusal of a code that the caller's device does not show."""
    serial, code = call.get("SerialNumber"), call.get("TokenCode")
    if serial is None and code is None:
        return
    if not (serial or "").startswith(f"arn:{call.partition}:iam::{call.account}:mfa/") or code is None:
        raise Refusal("AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.", 403)
    if code == WRONG_CODE:
        raise Refusal("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ", 403)


def _statements(role: Any) -> list[dict[str, Any]]:
    document = role.assume_role_policy_document
    statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _trusts(statement: dict[str, Any], call: Call, caller: str) -> bool:
    """Whether a statement of a trust policy lets the caller in."""
    if statement["Effect"] != "Allow" or "sts:AssumeRole" not in _list(statement["Action"]):
        return False
    principal = statement.get("Principal", {})
    trusted = ["*"] if principal == "*" else _list(principal.get("AWS", []))
    known = {"*", call.account, f"arn:{call.partition}:iam::{call.account}:root", caller}
    if not known.intersection(trusted):
        return False
    given = {
        "sts:ExternalId": call.get("ExternalId"),
        "aws:MultiFactorAuthPresent": "true" if call.get("TokenCode") else "false",
    }
    conditions = [wanted for each in statement.get("Condition", {}).values() for wanted in each.items()]
    return all(given.get(name) in _list(values) for name, values in conditions)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
