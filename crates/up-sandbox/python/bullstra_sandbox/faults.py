"""Faults: what goes wrong with calls on purpose, set by a control endpoint.

A fault says which calls it is about, how often it acts, and what it does (`fault_actions.py`). The faults that match a
call lie around it like layers, the first outermost. Chance is drawn from the seed, the fault's place in the list, the
operation and how often the fault has met that operation: what other operations run at the same time changes nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from . import failing, fault_actions, pages, service, wire
from .call import Call
from .record import is_mutating

FIELDS = ("match", "skip", "times", "probability", "do")
MATCHES = {"service": str, "operation": str, "mutating": bool}

# Inside everything else: a world set back must not be waited in, and pages are cut from one reading of the world.
INNER = {"pages": 1, "stale": 2}

EVERYBODY = ""


@dataclass
class Fault:
    """One fault, and how often it met a call and acted."""

    given: dict[str, Any]
    kind: str
    settings: Any
    seed: str
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    acted: int = 0

    def matches(self, call: Call) -> bool:
        """Whether the fault is about a call."""
        wanted = self.given.get("match", {})
        mutating = is_mutating(call)
        return bool(
            fnmatchcase(call.service, wanted.get("service", "*"))
            and fnmatchcase(call.operation, wanted.get("operation", "*"))
            and wanted.get("mutating", mutating) == mutating
            and (self.kind not in fault_actions.FOR_READS or not mutating)
            and (self.kind not in fault_actions.FOR_WRITES or (mutating and service.of(call.service).unknown_ids))
            and (self.kind != "pages" or pages.can_be_cut(call))
            and (self.kind != "fail_later" or failing.can_fail(call))
        )

    def chance(self, call: Call) -> Random | None:
        """The dice for what the fault does to a call it has met; None where it leaves the call alone."""
        with _lock:
            met = self.met.total()
            self.met[call.service, call.operation] += 1
            nth = self.met[call.service, call.operation]
            dice = Random(f"{self.seed}/{call.service}.{call.operation}/{nth}")
            acts = (
                met >= self.given.get("skip", 0)
                and self.acted < self.given.get("times", float("inf"))
                and dice.random() < self.given.get("probability", 1.0)
            )
            self.acted += acts
            return dice if acts else None

    def shown(self) -> dict[str, Any]:
        """The fault as it was given, and its counts."""
        return {**self.given, "met": self.met.total(), "acted": self.acted}


_faults: dict[str, list[Fault]] = {}
_seeds: dict[str, Any] = {}
_lock = threading.Lock()


def use(access_key: str | None, wanted: Any) -> None:
    """Replaces the faults of an access key, or those for everybody."""
    fault_actions.refuse_unknown("the body", wanted, ("seed", "faults"))
    if not isinstance(wanted.get("faults"), list):
        raise ValueError('faults are {"seed": …, "faults": [ … ]}')
    seed = wanted.get("seed", 0)
    made = [read(given, f"{seed}/{index}", f"fault {index}") for index, given in enumerate(wanted["faults"])]
    key = access_key or EVERYBODY
    with _lock:
        _faults.pop(key, None)
        if made:
            _faults[key], _seeds[key] = made, seed


def read(given: Any, seed: str, where: str) -> Fault:
    """A fault as the control endpoint got it; raises `ValueError` where it cannot be meant."""
    if not isinstance(given, dict) or not isinstance(given.get("do"), dict) or len(given["do"]) != 1:
        raise ValueError(f"{where}: do is an object with one member, one of {', '.join(fault_actions.ACTIONS)}")
    fault_actions.refuse_unknown(where, given, FIELDS)
    match = given.get("match", {})
    fault_actions.refuse_unknown(f"{where}: match", match, MATCHES)
    for name, value in match.items():
        if not isinstance(value, MATCHES[name]):
            raise ValueError(f"{where}: match: {name} is not {value!r}")
    for name in ("skip", "times"):
        fault_actions.number(f"{where}: {name}", given.get(name, 0), whole=True)
    if fault_actions.number(f"{where}: probability", given.get("probability", 1)) > 1:
        raise ValueError(f"{where}: probability is 1 at most")
    kind, settings = next(iter(given["do"].items()))
    fault_actions.refuse_unknown(f"{where}: do", given["do"], fault_actions.ACTIONS)
    return Fault(given, kind, fault_actions.ACTIONS[kind].check(f"{where}: {kind}", settings), seed)


def shown() -> Any:
    """All faults, by access key."""
    with _lock:
        found = [(key, _seeds[key], list(faults)) for key, faults in _faults.items()]
    return [
        {"access_key": key or None, "seed": seed, "faults": [fault.shown() for fault in faults]}
        for key, seed, faults in found
    ]


def forget(access_key: str) -> None:
    """Drops the faults of an access key."""
    with _lock:
        _faults.pop(access_key, None)
        _seeds.pop(access_key, None)


def clear() -> None:
    """Drops all faults."""
    with _lock:
        _faults.clear()
        _seeds.clear()


def of(call: Call) -> list[Fault]:
    """The faults a call meets, the outermost first."""
    found = _faults.get(EVERYBODY, []) + _faults.get(call.access_key, [])
    return sorted((fault for fault in found if fault.matches(call)), key=lambda fault: INNER.get(fault.kind, 0))


def stale_seconds(call: Call, its: str) -> float | None:
    """How far back reads of a service in the call's account may have to look; None: not at all."""
    callers = [key for key in list(_faults) if key == EVERYBODY or wire.account_of(key) == call.account]
    wanted = [
        fault.settings["seconds"]
        for key in callers
        for fault in _faults.get(key, [])
        if fault.kind == "stale" and concerns(fault, its)
    ]
    return max(wanted, default=None)


def concerns(fault: Fault, its: str) -> bool:
    """Whether a stale fault may read a service; the tagging API reads all of them."""
    wanted = fault.given.get("match", {}).get("service", "*")
    readers = (each.name for each in service.every() if each.reads_all)
    return any(fnmatchcase(name, wanted) for name in (its, *readers))


def run(call: Call, proceed: Callable[[Call], wire.Answer]) -> wire.Answer:
    """Answers a call through the faults it meets. Raises `Refusal`, or `Cut` where there is to be no answer."""
    met = of(call)
    if pages.token_of(call) and not any(fault.kind == "pages" for fault in met):
        return pages.act(call, proceed, None, Random(0))
    return layers(met, call, proceed)


def layers(rest: list[Fault], call: Call, proceed: Callable[[Call], wire.Answer]) -> wire.Answer:
    """The answer of the first fault around the others."""
    if not rest:
        return proceed(call)
    fault, inner = rest[0], rest[1:]

    def inside(call: Call) -> wire.Answer:
        return layers(inner, call, proceed)

    dice = fault.chance(call)
    if dice is None and not (fault.kind == "pages" and pages.token_of(call)):
        return inside(call)
    call.trace.faults.append(fault.kind)
    return fault_actions.ACTIONS[fault.kind].act(call, inside, fault.settings, dice or Random(fault.seed))
