"""Token buckets: how many calls an account has left, and what a service answers when none is."""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .buckets import ALSO, ROWS, UNFILTERED, Row
from .call import Call, Refusal
from .names import GLOBAL

MODELLED = re.compile(r"Throttl(ed|ing)\w*|TooManyRequests\w*")
# Members that make a list of instances and the like a cheap one.
NARROWING = (
    "Filters",
    "GroupIds",
    "GroupNames",
    "InstanceIds",
    "MaxResults",
    "NetworkInterfaceIds",
    "NextToken",
    "VolumeIds",
)


@dataclass
class Bucket:
    """The tokens left at a time."""

    tokens: float
    at: float

    def fill(self, row: Row, scale: float, now: float) -> None:
        """Adds what has come in since."""
        now = max(now, self.at)
        self.tokens = min(capacity(row, scale), self.tokens + (now - self.at) * row.refill * scale)
        self.at = now


_scale: float | None = None
_buckets: dict[tuple[str, str, Row], Bucket] = {}
_lock = threading.Lock()


def capacity(row: Row, scale: float) -> float:
    """How many calls a bucket holds; one at least, or it would never let a call through."""
    return max(1.0, row.capacity * scale)


def use(value: Any) -> None:
    """Sets the buckets' scale: `{"scale": 0.5}` halves capacity and refill, None switches them off."""
    global _scale
    with _lock:
        _scale = None if value is None else checked(value)
        _buckets.clear()


def checked(value: Any) -> float:
    """The scale in a setting."""
    scale = value.get("scale", 1.0) if isinstance(value, dict) and set(value) <= {"scale"} else None
    if not isinstance(scale, (int, float)) or isinstance(scale, bool) or scale <= 0:
        raise ValueError(f'buckets is {{"scale": a number above 0}} or null, not {value!r}')
    return float(scale)


def used() -> Any:
    """The setting."""
    return None if _scale is None else {"scale": _scale}


def take(call: Call) -> None:
    """Takes a token from each bucket of a call; raises the service's throttling where one is empty.

    What counts is when the call arrived, as at AWS: how long the sandbox makes it wait says nothing of who sent it.
    """
    scale = _scale
    if scale is None:
        return
    region = "" if call.service in GLOBAL else call.region
    unfiltered = (call.service, call.operation) in UNFILTERED and not any(map(call.params.get, NARROWING))
    with _lock:
        taken = []
        for row in rows(call.service, call.operation + (" unfiltered" if unfiltered else "")):
            bucket = _buckets.setdefault((call.account, region, row), Bucket(capacity(row, scale), call.arrived))
            bucket.fill(row, scale, call.arrived)
            taken.append(bucket)
        if any(bucket.tokens < 1 for bucket in taken):
            raise throttled(call)
        for bucket in taken:
            bucket.tokens -= 1


@functools.cache
def rows(service: str, operation: str) -> list[Row]:
    """The rows of an operation; a row without a shared name becomes the operation's own."""
    first = next(row for row in ROWS if matches(row, service, operation))
    found = (first, *(row for row in ALSO if matches(row, service, operation)))
    named = [row._replace(service=service, operation="*" if row.shared else operation) for row in found]
    return list(dict.fromkeys(named))


def matches(row: Row, service: str, operation: str) -> bool:
    """Whether a row is about an operation."""
    positive = not row.operation.startswith("!")
    return fnmatchcase(service, row.service) and fnmatchcase(operation, row.operation.lstrip("!")) == positive


def throttled(call: Call) -> Refusal:
    """The service's own throttling error."""
    if call.service == "ec2":
        return Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
    if call.service == "s3":
        return Refusal("SlowDown", "Please reduce your request rate.", 503)
    if call.service == "elbv2":
        return Refusal("ThrottlingException", "Rate exceeded", 400)
    if call.protocol in ("query", "rest-xml"):
        return Refusal("Throttling", "Rate exceeded", 400)
    modelled = [shape for shape in call.model.service_model.error_shapes if MODELLED.fullmatch(shape.name)]
    if modelled:
        status = modelled[0].metadata.get("error", {}).get("httpStatusCode")
        return Refusal(modelled[0].name, "Rate exceeded", status or 400)
    status = 400 if call.protocol == "json" else 429
    return Refusal("ThrottlingException", "Rate exceeded", status)


def forget(account: str) -> None:
    """Drops an account's buckets."""
    with _lock:
        for key in [key for key in _buckets if key[0] == account]:
            del _buckets[key]


def clear() -> None:
    """Fills every bucket again, and switches them off."""
    use(None)
