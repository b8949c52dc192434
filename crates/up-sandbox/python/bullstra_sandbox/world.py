"""The sandbox's own state beside moto's: time, lifecycles, and what services keep that moto does not."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import moto.backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from .call import Call
from .service import every, of

# Seconds that creating takes in AWS, where its service does not say; a deletion is taken to last a third of it.
DEFAULT_DURATION = 2.0
DELETION_SHARE = 1 / 3

# 600 makes a NAT gateway take 0.19 s and an MSK cluster 2.3 s: long enough to be waited for, short enough for tests.
DEFAULT_TIME_SCALE = 600.0

CREATING, MODIFYING, READY, DELETING, GONE = "creating", "modifying", "ready", "deleting", "gone"


def durations() -> dict[str, float]:
    """The seconds that creating takes in AWS, by kind, where a service says so."""
    return {kind: seconds for service in every() for kind, seconds in service.durations.items()}


def duration(kind: str) -> float:
    """The seconds that creating something of a kind takes in AWS."""
    return of(kind.partition(".")[0]).durations.get(kind) or durations().get(kind, DEFAULT_DURATION)


def backend(service: str, call: Call) -> Any:
    """moto's backend of a service in the call's account and region; a global service has one for all regions."""
    backends = moto.backends.get_backend(service)[call.account]  # type: ignore[call-overload]
    return backends[call.region if call.region in backends.regions else call.partition]


_behind: ContextVar[float] = ContextVar("behind", default=0.0)


def clock() -> float:
    """Now, in seconds since the epoch."""
    return time.time() - _behind.get()


@contextlib.contextmanager
def set_back(seconds: float) -> Iterator[None]:
    """Sets this thread's clock back."""
    token = _behind.set(seconds)
    try:
        yield
    finally:
        _behind.reset(token)


@dataclass
class Lifecycle:
    """How far creating, changing or deleting a resource has come.

    A service begins a phase when AWS would, and asks for the phase when it describes the resource. What was never
    begun is `ready`: the sandbox's default account did not have to be waited for.
    """

    time_scale: float = DEFAULT_TIME_SCALE
    _phases: dict[tuple[str, str, str, str], tuple[str, float]] = field(default_factory=dict)

    def seconds(self, kind: str, share: float = 1.0) -> float:
        """How long a phase of `kind` lasts here."""
        return 0.0 if self.time_scale <= 0 else duration(kind) * share / self.time_scale

    def creating(self, call: Call, kind: str, id: str) -> None:
        """`id` is being created from now on."""
        self._begin(call, kind, id, CREATING, 1.0)

    def modifying(self, call: Call, kind: str, id: str, share: float = 0.5) -> None:
        """`id` is being changed from now on, for a share of what creating it takes."""
        self._begin(call, kind, id, MODIFYING, share)

    def deleting(self, call: Call, kind: str, id: str) -> None:
        """`id` is being deleted from now on."""
        self._begin(call, kind, id, DELETING, DELETION_SHARE)

    def phase(self, call: Call, kind: str, id: str) -> str:
        """`creating`, `modifying`, `ready`, `deleting` or `gone`."""
        phase, until = self._phases.get(self._key(call, kind, id), (READY, 0.0))
        if clock() < until:
            return phase
        return GONE if phase == DELETING else READY

    def forget(self, call: Call, kind: str, id: str) -> None:
        """Nothing is under way with `id` any more."""
        self._phases.pop(self._key(call, kind, id), None)

    def of_kind(self, call: Call, kind: str) -> Iterator[tuple[str, str]]:
        """Every id of `kind` that ever began a phase, with the phase it is in."""
        for account, region, its_kind, id in list(self._phases):
            if (account, region, its_kind) == (call.account, call.region, kind):
                yield id, self.phase(call, kind, id)

    def of_service(self, call: Call, service: str) -> dict[tuple[str, str, str, str], tuple[str, float]]:
        """The phases of everything of a service in the call's account and region."""
        return {key: phase for key, phase in self._phases.items() if self._is_of(key, call, service)}

    def put(self, call: Call, service: str, phases: dict[tuple[str, str, str, str], tuple[str, float]]) -> None:
        """Replaces what `of_service` gives."""
        for key in self.of_service(call, service):
            del self._phases[key]
        self._phases.update(phases)

    def forget_account(self, account: str) -> None:
        """Nothing is under way in an account any more."""
        for key in [key for key in self._phases if key[0] == account]:
            del self._phases[key]

    def clear(self) -> None:
        """Forgets everything but the scale of time."""
        self._phases.clear()

    def _begin(self, call: Call, kind: str, id: str, phase: str, share: float) -> None:
        self._phases[self._key(call, kind, id)] = (phase, clock() + self.seconds(kind, share))

    @staticmethod
    def _is_of(key: tuple[str, str, str, str], call: Call, service: str) -> bool:
        return key[:2] == (call.account, call.region) and key[2].startswith(f"{service}.")

    @staticmethod
    def _key(call: Call, kind: str, id: str) -> tuple[str, str, str, str]:
        return call.account, call.region, kind, id


lifecycle = Lifecycle()

_stores: dict[tuple[str, str, str], dict[Any, Any]] = defaultdict(dict)

# The account, region and service of everything ever asked: what a dump has to look at.
visited: set[tuple[str, str, str]] = set()


def store(name: str, call: Call) -> dict[Any, Any]:
    """A dict of the service's own, per account and region, emptied by a reset; e.g. `store("kafka", call)`."""
    return _stores[call.account, call.region, name]


def stores_of(call: Call, service: str) -> dict[tuple[str, str, str], dict[Any, Any]]:
    """A service's stores in the call's account and region, without what answers calls that are made again."""
    prefix, place = f"{service}.", (call.account, call.region)
    return {
        key: kept
        for key, kept in _stores.items()
        if key[:2] == place and f"{key[2]}.".startswith(prefix) and not key[2].endswith(".tokens")
    }


def put_stores(call: Call, service: str, stores: dict[tuple[str, str, str], dict[Any, Any]]) -> None:
    """Replaces what `stores_of` gives."""
    for key in stores_of(call, service):
        del _stores[key]
    _stores.update(stores)


def backends_of(account: str) -> list[Any]:
    """moto's backends of an account: for each service, those of all regions."""
    return [dict.__getitem__(backends, account) for backends in BackendDict._instances if account in backends]


def forget(account: str) -> None:
    """Drops an account, with all that is in it."""
    for backends in BackendDict._instances:
        if account in backends:
            # moto's caches keep the outer dict alive, not what was in it.
            backends.pop(account).clear()
    lifecycle.forget_account(account)
    for key in [key for key in _stores if key[0] == account]:
        del _stores[key]
    visited.difference_update([place for place in visited if place[0] == account])


def reset() -> None:
    """Empties the world: moto's and ours."""
    # moto's own reset fills every backend anew before it lets go of it; the next call makes a fresh one anyway.
    for backends in BackendDict._instances:
        for regions in backends.values():
            # moto's caches keep the outer dict alive, not what was in it.
            regions.clear()
        backends.clear()
    BackendDict._instances.clear()
    reset_model_data()
    lifecycle.clear()
    _stores.clear()
    visited.clear()
