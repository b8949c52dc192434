"""Reads that see a service as it was some seconds ago.

Before a call changes anything, what its service keeps is copied: moto's backend, the stores and the lifecycle phases.
A stale read puts the copy of that time in the place of the present, sets the clock back, and puts all back again. A
copy refers to the very backends there are, so that what it leads to besides its own content is the present.
"""

from __future__ import annotations

import contextlib
import copy
import copyreg
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from . import hooks, service as kit, wire, world
from .call import Call
from .record import is_mutating

log = logging.getLogger(__name__)

Place = tuple[str, str, str]


@dataclass
class Past:
    """What a service kept until a time."""

    until: float
    backend: dict[str, Any]
    stores: dict[tuple[str, str, str], dict[Any, Any]]
    phases: dict[tuple[str, str, str, str], tuple[str, float]]


_history: dict[Place, deque[Past]] = {}

# A copy has locks of its own.
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))  # type: ignore[arg-type]
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))  # type: ignore[arg-type]


def keep(call: Call, seconds_of: Callable[[Call, str], float | None]) -> None:
    """Copies what a call may change, where reads have to look back: `seconds_of(call, service)` seconds."""
    its = kit.of(call.service)
    if not is_mutating(call) or its.keeps_nothing:
        return
    for service in services(call, its.changes):
        seconds = seconds_of(call, service)
        if seconds is None:
            _history.pop(place(call, service), None)
            continue
        history = _history.setdefault(place(call, service), deque())
        while history and history[0].until < world.clock() - seconds:
            history.popleft()
        past = copied(call, service)
        if past:
            history.append(past)


def act(call: Call, proceed: Callable[[Call], wire.Answer], settings: Any, _: Random) -> wire.Answer:
    """Answers a read from the past."""
    if kit.of(call.service).keeps_nothing:
        return proceed(call)
    with hooks.lock, contextlib.ExitStack() as swaps:
        then = world.clock() - settings["seconds"]
        for service in services(call, ()):
            past = next((past for past in _history.get(place(call, service), ()) if past.until >= then), None)
            if past:
                swaps.enter_context(in_place(call, service, past))
        swaps.enter_context(world.set_back(settings["seconds"]))
        return proceed(call)


def services(call: Call, others: tuple[str, ...]) -> list[str]:
    """The services a call is about: its own and `others`, or all that were ever used."""
    if not kit.of(call.service).reads_all:
        return [call.service, *others]
    used = {service for account, _, service in world.visited if account == call.account}
    return sorted(name for name in used if not (kit.of(name).keeps_nothing or kit.of(name).reads_all))


def place(call: Call, service: str) -> Place:
    """Where a service keeps what a call is about."""
    return call.account, call.partition if kit.is_global(service) else call.region, service


def backend_of(call: Call, service: str) -> Any:
    """moto's backend of a service, if it has one."""
    try:
        return world.backend(service, call)
    except (ImportError, AttributeError, KeyError):
        return None


def copied(call: Call, service: str) -> Past | None:
    """What a service keeps at present, as a copy."""
    backend = backend_of(call, service)
    kept = (vars(backend) if backend else {}, world.stores_of(call, service))
    try:
        fields, stores = copy.deepcopy(kept, shared(call.account))
    except Exception:
        # What cannot be copied is read as it is at present.
        log.exception("what %s keeps cannot be copied", service)
        return None
    return Past(world.clock(), fields, stores, world.lifecycle.of_service(call, service))


def shared(account: str) -> dict[int, Any]:
    """What copies have in common with the present: the backends themselves, and what AWS gives to everybody."""
    same: list[Any] = []
    for backends in world.backends_of(account):
        same.append(backends)
        for backend in backends.values():
            same.append(backend)
            same += kit.of(backends.service_name).shared(backend)
    return {id(one): one for one in same}


@contextlib.contextmanager
def in_place(call: Call, service: str, past: Past) -> Iterator[None]:
    """Has a service keep what it kept in the past."""
    backend = backend_of(call, service)
    fields = vars(backend) if backend else {}
    present, stores = dict(fields), world.stores_of(call, service)
    phases = world.lifecycle.of_service(call, service)
    replace(fields, past.backend)
    world.put_stores(call, service, past.stores)
    world.lifecycle.put(call, service, past.phases)
    try:
        yield
    finally:
        # A read may tidy up what is over: the copy goes on from there.
        past.backend, past.stores = dict(fields), world.stores_of(call, service)
        past.phases = world.lifecycle.of_service(call, service)
        replace(fields, present)
        world.put_stores(call, service, stores)
        world.lifecycle.put(call, service, phases)


def replace(content: dict[Any, Any], by: dict[Any, Any]) -> None:
    """Gives a dict other content; who looks into it meanwhile, finds everything that is in both."""
    content.update(by)
    for key in set(content) - set(by):
        del content[key]


def forget(account: str) -> None:
    """Drops an account's past."""
    for key in [key for key in _history if key[0] == account]:
        del _history[key]


def clear() -> None:
    """Drops all of the past."""
    _history.clear()
