"""Calls that wait in the middle until a test lets them go on, or drops them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .call import Call

GO_ON, DROP = "go_on", "drop"
BEFORE, AFTER = "before", "after"

# Whoever was to release a call is gone after ten minutes; the call must not keep a thread for ever.
BOUND = 600.0


@dataclass
class Held:
    """A call that waits; `then` is set when it is released."""

    id: str
    call: Call
    at: str
    then: str | None = None

    def shown(self) -> dict[str, Any]:
        """What the control endpoint says of it."""
        call = self.call
        return {
            "id": self.id,
            "service": call.service,
            "operation": call.operation,
            "at": self.at,
            "access_key": call.access_key,
            "region": call.region,
            "request_id": call.request_id,
        }


_held: dict[str, Held] = {}
_changed = threading.Condition()
_numbers = itertools.count(1)


def hold(call: Call, at: str) -> str:
    """Waits until the call is released; what is to become of it."""
    with _changed:
        held = Held(f"held-{next(_numbers)}", call, at)
        _held[held.id] = held
        _changed.notify_all()
        _changed.wait_for(lambda: held.then is not None, BOUND)
        del _held[held.id]
        return held.then or DROP


def waiting(access_key: str | None, seconds: float) -> list[dict[str, Any]]:
    """The calls that are held, of one access key or of all; waits so long for the first."""
    with _changed:
        _changed.wait_for(lambda: any(of(access_key)), seconds)
        return [held.shown() for held in of(access_key)]


def release(id: str | None, access_key: str | None, then: str) -> list[str]:
    """Lets a call go on or drops it, by its id, or all of an access key, or all there are."""
    if then not in (GO_ON, DROP):
        raise ValueError(f"then is {GO_ON!r} or {DROP!r}, not {then!r}")
    with _changed:
        chosen = [held for held in of(access_key) if id in (None, held.id)]
        if id is not None and not chosen:
            raise ValueError(f"no call is held as {id!r}")
        for held in chosen:
            held.then = then
        _changed.notify_all()
        return [held.id for held in chosen]


def of(access_key: str | None) -> Iterator[Held]:
    """The calls that are held and not yet released."""
    return (held for held in _held.values() if held.then is None and access_key in (None, held.call.access_key))
