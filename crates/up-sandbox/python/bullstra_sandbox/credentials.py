"""Access keys: any will do; two special ones are refused, and those of a session need its token, while it lasts."""

from __future__ import annotations

from typing import Any

import moto.backends
from moto.core.utils import utcnow

from . import service
from .call import Call, Refusal

EXPIRED, INVALID = "EXPIRED", "INVALID"

# A tag of a role, in the sandbox alone: how many seconds its sessions last, so that a test need not wait for an hour.
# Zero ends those too that are at work.
SECONDS_TAG = "sandbox:session-seconds"


def check(call: Call) -> None:
    """Raises what AWS answers to credentials that are of no use."""
    if call.access_key == EXPIRED:
        raise expired(call)
    if call.access_key == INVALID:
        raise invalid(call)
    session = session_of(call.access_key)
    if session is None:
        return
    if call.headers.get("X-Amz-Security-Token") != session.session_token:
        raise invalid(call)
    if utcnow() >= session.expiration or seconds(role_of(session.role_arn)) == 0:
        raise expired(call)


def session_of(access_key: str) -> Any:
    """The session that AssumeRole handed this access key out for, if it is one's."""
    # No other keys begin like that, and most calls are made with others.
    if not access_key.startswith("ASIA"):
        return None
    accounts = list(moto.backends.get_backend("sts").values())
    sessions = (session for account in accounts for backend in account.values() for session in backend.assumed_roles)
    return next((session for session in sessions if session.access_key_id == access_key), None)


def role_of(arn: str) -> Any:
    """The role of this ARN, if there is one."""
    partition, account = arn.split(":")[1], arn.split(":")[4]
    roles = moto.backends.get_backend("iam")[account][partition].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def seconds(role: Any) -> float | None:
    """How long a role's sessions last, where it says so."""
    tags = {tag["Key"]: tag["Value"] for tag in role.tags} if role else {}
    return float(tags[SECONDS_TAG]) if SECONDS_TAG in tags else None


def expired(call: Call) -> Refusal:
    """The refusal of a session that is over, in the service's own words."""
    if own := service.of(call.service).expired:
        return own.refusal()
    message = "The security token included in the request is expired"
    if call.protocol in ("json", "rest-json"):
        return Refusal("ExpiredTokenException", message, 400 if call.protocol == "json" else 403)
    return Refusal("ExpiredToken", message, 403)


def invalid(call: Call) -> Refusal:
    """The refusal of an access key nobody has, in the service's own words."""
    if own := service.of(call.service).unknown_key:
        return own.refusal()
    message = "The security token included in the request is invalid."
    if call.protocol in ("json", "rest-json"):
        return Refusal("UnrecognizedClientException", message, 400 if call.protocol == "json" else 403)
    return Refusal("InvalidClientTokenId", message, 403)
