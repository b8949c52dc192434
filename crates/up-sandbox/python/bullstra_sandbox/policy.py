"""AccessDenied, once a policy is set: proves that the permissions we print are enough, and that none is too many.

Which actions a call needs is more than its own name: tags given in a create call need the permission to tag, and
a role handed to a service needs `iam:PassRole`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

from . import service as kit
from .call import Call, Refusal

_statements: list[dict[str, Any]] | None = None
_document: Any = None

TAG_MEMBERS = ("Tags", "tags", "TagSpecifications", "tagList")
ROLE = re.compile(r"arn:aws[\w-]*:iam::\d+:role/.+")
PASSES_ROLES = re.compile(r"(Create|Update|Register|Run|Put|Start|Modify|Associate|Replace|Add)")


def allow(document: Any) -> None:
    """Sets the IAM policy that decides from now on; None allows everything."""
    global _statements, _document
    if document is None:
        _statements = _document = None
        return
    statements = document.get("Statement") if isinstance(document, dict) else None
    if statements is None:
        raise ValueError("policy is an IAM policy document with a Statement, or null")
    _statements = statements if isinstance(statements, list) else [statements]
    _document = document


def allowed() -> Any:
    """The policy that is set."""
    return _document


def actions(call: Call) -> list[str]:
    """The IAM actions a call needs."""
    service = kit.of(call.service)
    needed = [f"{service.prefix}:{service.actions.get(call.operation, call.operation)}"]
    creates = not call.operation.startswith(("Tag", "AddTags", "CreateTags", "CreateOrUpdateTags"))
    if creates and any(call.params.get(member) for member in TAG_MEMBERS):
        tagging = service.tagging_action(call.operation)
        if tagging and not reads(call.operation):
            needed.append(tagging)
    if passed_roles(call):
        needed.append("iam:PassRole")
    return needed


def check(call: Call) -> None:
    """Raises the service's own AccessDenied where the policy does not allow a call."""
    if _statements is None:
        return
    always = kit.of(call.service).always_allowed
    for action in actions(call):
        resources = passed_roles(call) if action == "iam:PassRole" else arns(call.params)
        if action not in always and not permitted(action, resources):
            raise denied(call, action)


def permitted(action: str, resources: list[str]) -> bool:
    """Whether the policy allows an action; an explicit deny wins. Conditions are taken as fulfilled."""
    verdicts = [
        statement.get("Effect", "Deny")
        for statement in _statements or []
        if covers_action(statement, action) and covers_resources(statement, resources)
    ]
    return "Allow" in verdicts and "Deny" not in verdicts


def covers_action(statement: dict[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(like(pattern, action) for pattern in listed(statement["NotAction"]))
    return any(like(pattern, action) for pattern in listed(statement.get("Action", [])))


def covers_resources(statement: dict[str, Any], resources: list[str]) -> bool:
    """Whether a statement is about what a call names; a call that names nothing by ARN is about anything."""
    patterns = listed(statement.get("Resource", "*"))
    return not resources or all(any(like(pattern, arn) for pattern in patterns) for arn in resources)


def like(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def reads(operation: str) -> bool:
    return operation.startswith(("Describe", "List", "Get"))


def passed_roles(call: Call) -> list[str]:
    """The roles a call hands to a service."""
    if kit.of(call.service).is_about_roles or not PASSES_ROLES.match(call.operation):
        return []
    return sorted({text for text in strings(call.params) if ROLE.fullmatch(text)})


def arns(params: Any) -> list[str]:
    """The ARNs at the top of a call's parameters: what it is about, not what it refers to."""
    named = (value for name, value in params.items() if isinstance(value, str) and name.lower().endswith("arn"))
    return [value for value in named if value.startswith("arn:") and not ROLE.fullmatch(value)]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def denied(call: Call, action: str) -> Refusal:
    """AccessDenied in the service's own words."""
    who = f"arn:{call.partition}:sts::{call.account}:user/moto"
    message = (
        f"User: {who} is not authorized to perform: {action} on resource: * because no identity-based policy allows "
        f"the {action} action"
    )
    if own := kit.of(call.service).denied:
        return own.refusal(message)
    if call.protocol == "json":
        return Refusal("AccessDeniedException", message, 400)
    if call.protocol == "rest-json":
        return Refusal("AccessDeniedException", message, 403)
    return Refusal("AccessDenied", message, 403)
