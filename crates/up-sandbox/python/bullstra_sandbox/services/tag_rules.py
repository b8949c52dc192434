"""What each service refuses in the tags of a request."""

import re
from typing import Any

from ..call import Refusal

# RDS, IAM, ECS, ELB and others allow letters, digits, spaces and these signs; EC2 takes any character.
PLAIN = re.compile(r"[\w\s.:/=+\-@]*\Z")


def check(
    tags: list[dict[str, Any]],
    *,
    code: str,
    duplicate: str | None = None,
    key: str = "Key",
    value: str = "Value",
    plain: bool = True,
    most: int = 50,
    too_many: str | None = None,
) -> None:
    """Refuses reserved, repeated and malformed tags with `code`, or the service's own code where it has one."""
    keys = [tag.get(key) or "" for tag in tags]
    for name in keys:
        if name.lower().startswith("aws:"):
            raise Refusal(code, "aws: prefixed tag key names are not allowed for external use.")
        if keys.count(name) > 1:
            raise Refusal(duplicate or code, f"Duplicate tag keys found: {name}")
    if len(tags) > most:
        raise Refusal(too_many or code, f"The number of tags exceeds the maximum of {most}.")
    if not plain:
        return
    for text in (tag.get(name) or "" for tag in tags for name in (key, value)):
        if not PLAIN.match(text):
            allowed = "letters, spaces, numbers and _ . : / = + - @"
            raise Refusal(code, f"The tag '{text}' contains characters that are not allowed: use {allowed}")


def as_list(tags: dict[str, str] | None) -> list[dict[str, str]]:
    """The list form of the tags of services that take them as a map."""
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
