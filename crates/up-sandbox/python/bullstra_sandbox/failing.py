"""Calls that AWS accepts and then cannot carry out: what they were to make is described as failed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from . import hooks, wire
from .call import Call

REASON = "The sandbox was told to let it fail."

# What a service does to what a call has just made, given its answer.
Fail = Callable[[Call, dict[str, Any]], None]

_fails: dict[tuple[str, str], Fail] = {}


def fails(service: str, operation: str) -> Callable[[Fail], Fail]:
    """Registers how what an operation makes fails."""

    def register(fail: Fail) -> Fail:
        _fails[service, operation] = fail
        return fail

    return register


def can_fail(call: Call) -> bool:
    """Whether what a call makes can fail afterwards."""
    return (call.service, call.operation) in _fails


def act(call: Call, proceed: Callable[[Call], wire.Answer], _: Any, __: Random) -> wire.Answer:
    """Has a call accepted, and what it makes fail."""
    with hooks.lock:
        given = proceed(call)
        if given[0] < 400:
            _fails[call.service, call.operation](call, wire.result(call, given))
        return given
