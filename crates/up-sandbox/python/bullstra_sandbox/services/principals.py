"""Principals of IAM in what other services are given: a role is not known for some seconds after it was made."""

from __future__ import annotations

import datetime
import json

from ..call import Call
from ..world import backend, clock, lifecycle


def named(text: str) -> list[str]:
    """The AWS principals that a policy names."""
    statements = json.loads(text).get("Statement", [])
    found = []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        given = principal.get("AWS", []) if isinstance(principal, dict) else []
        found += given if isinstance(given, list) else [given]
    return found


def is_known(call: Call, arn: str) -> bool:
    """Whether other services know a principal: all but this account's roles that there are not, or that are fresh."""
    if f":iam::{call.account}:role/" not in arn:
        return True
    roles = {role.arn: role for role in backend("iam", call).roles.values()}
    if arn not in roles:
        return False
    made = roles[arn].create_date.replace(tzinfo=datetime.timezone.utc).timestamp()
    return clock() - made >= lifecycle.seconds("iam.role")
