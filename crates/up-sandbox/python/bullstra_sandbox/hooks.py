"""What the sandbox does around moto, one function per behaviour.

    @EC2.around("DeleteSubnet")
    def subnet_in_use(call, proceed):
        if interfaces_in(call):
            raise Refusal("DependencyViolation", "…")
        return proceed()

`proceed()` runs the rest, moto last, and returns the parsed answer with botocore's member names; it raises `Refusal`
where the rest refused. `proceed(params)` runs the rest with other parameters. The function returns the answer as such
a dict, or None to let the rest's answer stand as it is (an empty answer where it never called `proceed`).
Functions of one operation run in the order they were registered, the first outermost; `"*"` stands for all of a
service's operations. The whole chain runs under one lock: nothing else changes meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException, _RESTError

from . import service, unread, wire
from .call import Call, Refusal

Proceed = Callable[..., dict[str, Any]]
Hook = Callable[[Call, Proceed], "dict[str, Any] | None"]

_hooks: dict[tuple[str, str], list[Hook]] = {}
_moto: Callable[[Call], wire.Answer] | None = None

# moto's backends are plain dicts changed in several steps; hooks read and then write.
lock = threading.RLock()


def around(name: str, *operations: str) -> Callable[[Hook], Hook]:
    """Registers a function around the given operations of a service."""

    for operation in operations:
        if operation != "*" and wire.operation_model(name, operation) is None:
            raise ValueError(f"{name} has no operation {operation}")

    def register(hook: Hook) -> Hook:
        for operation in operations:
            _hooks.setdefault((name, operation), []).append(hook)
        return hook

    return register


def load_services() -> None:
    """Imports the services, whose functions register themselves."""
    service.load()


def use(moto: Callable[[Call], wire.Answer]) -> None:
    """Sets what is asked last."""
    global _moto
    _moto = moto


def run(call: Call) -> wire.Answer:
    """Answers a call: moto's own bytes where no hook is concerned. Raises `Refusal`."""
    assert _moto is not None, "hooks.use() comes first"
    hooks = _hooks.get((call.service, "*"), []) + _hooks.get((call.service, call.operation), [])
    with lock:
        return _moto(call) if not hooks else _run(call, hooks)


def result(call: Call) -> dict[str, Any]:
    """What a call answers, parsed. Raises `Refusal`."""
    with unread.nobody():
        return wire.result(call, run(call))


def _run(call: Call, hooks: list[Hook]) -> wire.Answer:
    if not hooks:
        assert _moto is not None
        return _moto(call)
    hook, rest = hooks[0], hooks[1:]
    stands: wire.Answer | None = None

    def proceed(params: dict[str, Any] | None = None) -> dict[str, Any]:
        nonlocal stands
        stands = _run(call if params is None else call.with_params(params), rest)
        return wire.result(call, stands)

    try:
        given = hook(call, proceed)
    except ServiceException as error:
        # A hook that asks moto's backends itself meets moto's own exceptions.
        raise Refusal(error.code, error.message) from error
    except _RESTError as error:
        raise Refusal(error.error_type, error.message, error.code) from error
    if given is None and stands is not None:
        return stands
    return wire.answer(call, given or {})
