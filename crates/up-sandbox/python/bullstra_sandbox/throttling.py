"""Token buckets: how many calls an account has left, and what a service answers when none is."""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from . import service as kit
from .call import Call, Refusal
from .service import DEFAULT_LIMITS, Limit

MODELLED = re.compile(r"Throttl(ed|ing)\w*|TooManyRequests\w*")


@dataclass
class Bucket:
    """The tokens left at a time."""

    tokens: float
    at: float

    def fill(self, limit: Limit, scale: float, now: float) -> None:
        """Adds what has come in since."""
        now = max(now, self.at)
        self.tokens = min(capacity(limit, scale), self.tokens + (now - self.at) * limit.refill * scale)
        self.at = now


_scale: float | None = None
_buckets: dict[tuple[str, str, str, Limit], Bucket] = {}
_lock = threading.Lock()


def capacity(limit: Limit, scale: float) -> float:
    """How many calls a bucket holds; one at least, or it would never let a call through."""
    return max(1.0, limit.capacity * scale)


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
    service = kit.of(call.service)
    region = "" if service.is_global else call.region
    unfiltered = call.operation in service.dear_unfiltered and not any(map(call.params.get, service.narrowing))
    with _lock:
        taken = []
        for limit in limits(call.service, call.operation + (" unfiltered" if unfiltered else "")):
            its = (call.account, region, call.service, limit)
            bucket = _buckets.setdefault(its, Bucket(capacity(limit, scale), call.arrived))
            bucket.fill(limit, scale, call.arrived)
            taken.append(bucket)
        if any(bucket.tokens < 1 for bucket in taken):
            raise throttled(call)
        for bucket in taken:
            bucket.tokens -= 1


@functools.cache
def limits(service: str, operation: str) -> list[Limit]:
    """The limits of an operation; one without a shared name becomes the operation's own."""
    rows = (*kit.of(service).limits, *DEFAULT_LIMITS)
    first = next(limit for limit in rows if not limit.also and matches(limit, operation))
    found = (first, *(limit for limit in rows if limit.also and matches(limit, operation)))
    return list(dict.fromkeys(of_bucket(limit, operation) for limit in found))


def of_bucket(limit: Limit, operation: str) -> Limit:
    """The limit as its bucket has it: two that name one bucket are one."""
    return limit._replace(operation="*" if limit.shared else operation, also=False, guess=False)


def matches(limit: Limit, operation: str) -> bool:
    """Whether a limit is about an operation."""
    positive = not limit.operation.startswith("!")
    return fnmatchcase(operation, limit.operation.lstrip("!")) == positive


def throttled(call: Call) -> Refusal:
    """The service's own throttling error."""
    if own := kit.of(call.service).throttled:
        return own.refusal()
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
