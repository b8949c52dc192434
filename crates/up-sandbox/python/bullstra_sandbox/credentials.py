"""Access keys: any will do, and two special ones are refused so that clients can be tried on it."""

from __future__ import annotations

from .call import Call, Refusal

EXPIRED, INVALID = "EXPIRED", "INVALID"


def check(call: Call) -> None:
    """Raises what AWS answers to credentials that are of no use."""
    if call.access_key == EXPIRED:
        raise expired(call)
    if call.access_key == INVALID:
        raise invalid(call)


def expired(call: Call) -> Refusal:
    """The refusal of a session that is over, in the service's own words."""
    message = "The security token included in the request is expired"
    if call.protocol in ("json", "rest-json"):
        return Refusal("ExpiredTokenException", message, 400 if call.protocol == "json" else 403)
    if call.service == "ec2":
        return Refusal("RequestExpired", "Request has expired.", 400)
    if call.service == "s3":
        return Refusal("ExpiredToken", "The provided token has expired.", 400)
    return Refusal("ExpiredToken", message, 403)


def invalid(call: Call) -> Refusal:
    """The refusal of an access key nobody has, in the service's own words."""
    if call.service == "ec2":
        return Refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    if call.service == "s3":
        return Refusal("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
    message = "The security token included in the request is invalid."
    if call.protocol in ("json", "rest-json"):
        return Refusal("UnrecognizedClientException", message, 400 if call.protocol == "json" else 403)
    return Refusal("InvalidClientTokenId", message, 403)
