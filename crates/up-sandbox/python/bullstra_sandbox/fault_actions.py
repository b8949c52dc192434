"""What a fault does to a call: one pair of functions each, the one reads its settings and the other acts."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from random import Random
from typing import Any, NamedTuple

from waitress.channel import ClientDisconnected

from . import failing, garble, held, late, pages, service, stale, throttling, wire
from .call import Call, Refusal

Proceed = Callable[[Call], wire.Answer]

# Kinds that make no sense for a call that changes something.
FOR_READS = ("pages", "replay", "stale")

# Kinds that are about what changes something in a service that says what it answers to an id that it does not know.
FOR_WRITES = ("late",)


class Cut(ClientDisconnected):
    """The connection is to end without an answer: waitress closes it silently on this error of its own."""


class Action(NamedTuple):
    """A kind of fault: `check(where, settings)` reads what was asked for, `act` does it."""

    check: Callable[[str, Any], Any]
    act: Callable[[Call, Proceed, Any, Random], wire.Answer]


def latency(call: Call, proceed: Proceed, settings: Any, dice: Random) -> wire.Answer:
    time.sleep((settings.get("fixed_ms", 0) + dice.random() * settings.get("random_ms", 0)) / 1000)
    return proceed(call)


def refuse(call: Call, _: Proceed, settings: Any, __: Random) -> wire.Answer:
    status = settings.get("status", 500)
    code = settings.get("code") or service.of(call.service).failures[status == 503]
    message = settings.get("message") or "The service could not answer; the sandbox was told to say so."
    raise Refusal(code, message, status)


def say(_: Call, __: Proceed, settings: Any, ___: Random) -> wire.Answer:
    raise Refusal(settings["code"], settings["message"], 400)


def refuse_after(call: Call, proceed: Proceed, settings: Any, dice: Random) -> wire.Answer:
    answered(call, proceed)
    return refuse(call, proceed, settings, dice)


def throttle(call: Call, _: Proceed, __: Any, ___: Random) -> wire.Answer:
    raise throttling.throttled(call)


def cut(call: Call, proceed: Proceed, at: str, _: Random) -> wire.Answer:
    if at == held.AFTER:
        answered(call, proceed)
    raise Cut


def hold(call: Call, proceed: Proceed, at: str, _: Random) -> wire.Answer:
    given = answered(call, proceed) if at == held.AFTER else None
    if held.hold(call, at) == held.DROP:
        raise Cut
    return given or proceed(call)


def damaged(call: Call, proceed: Proceed, how: str, dice: Random) -> wire.Answer:
    return garble.WAYS[how](answered(call, proceed), dice)


def date(call: Call, proceed: Proceed, settings: Any, _: Random) -> wire.Answer:
    """An answer with another time in `Date`: AWS's clock, as clients see it. RFC 9110, 6.6.1."""
    status, headers, body = answered(call, proceed)
    kept = {name: value for name, value in headers.items() if name.lower() != "date"}
    kept["Date"] = formatdate(time.time() + settings["seconds"], usegmt=True)
    return status, kept, body


def replay(call: Call, proceed: Proceed, past: dict[Any, wire.Answer], _: Random) -> wire.Answer:
    asked = (call.account, call.service, call.operation, call.environ["RAW_URI"], call.body)
    if asked not in past:
        past[asked] = answered(call, proceed)
    return past[asked]


def answered(call: Call, proceed: Proceed) -> wire.Answer:
    """The bytes a call would have been answered with, a refusal's too."""
    try:
        given = proceed(call)
    except Refusal as refusal:
        given = wire.answer(call, refusal)
    return wire.with_request_id(given, call)


def one_of(*known: str) -> Callable[[str, Any], str]:
    """Reads a setting that is one of some words."""

    def check(where: str, given: Any) -> str:
        if given not in known:
            raise ValueError(f"{where} is one of {', '.join(known)}, not {given!r}")
        return given

    return check


def numbers(*known: str) -> Callable[[str, Any], Any]:
    """Reads settings that are numbers."""

    def check(where: str, given: Any) -> Any:
        refuse_unknown(where, given, known)
        for name, value in given.items():
            number(f"{where}: {name}", value)
        return given

    return check


def failure(where: str, given: Any) -> Any:
    """Reads a status of 400 to 599, a code and a message; only a failure of the service has a code of its own."""
    refuse_unknown(where, given, ("status", "code", "message"))
    status = number(f"{where}: status", given.get("status", 500), whole=True)
    if status not in range(400, 600):
        raise ValueError(f"{where}: status is 400 to 599")
    if status < 500 and not given.get("code"):
        raise ValueError(f"{where}: a status below 500 needs a code")
    if not all(isinstance(given.get(name, ""), str) for name in ("code", "message")):
        raise ValueError(f"{where}: code and message are texts")
    return given


def words(where: str, given: Any) -> Any:
    """Reads a code and a message: what a service says to a request that it does not carry out."""
    refuse_unknown(where, given, ("code", "message"))
    for name in ("code", "message"):
        if not isinstance(given.get(name), str):
            raise ValueError(f"{where}: {name} is a text")
    return given


def memory(where: str, given: Any) -> dict[Any, wire.Answer]:
    """A fault that takes no settings, and remembers answers."""
    refuse_unknown(where, given, ())
    return {}


def age(where: str, given: Any) -> Any:
    """Reads how many seconds old an answer is."""
    numbers("seconds")(where, given)
    if not given.get("seconds"):
        raise ValueError(f"{where}: seconds is a number above 0")
    return given


def shift(where: str, given: Any) -> Any:
    """Reads by how many seconds a time differs, backwards too."""
    refuse_unknown(where, given, ("seconds",))
    number(f"{where}: seconds", abs(given.get("seconds", 0)))
    if not given.get("seconds"):
        raise ValueError(f"{where}: seconds is a number other than 0")
    return given


def number(where: str, given: Any, whole: bool = False) -> float:
    """A number of at least 0."""
    if isinstance(given, bool) or not isinstance(given, int if whole else (int, float)) or given < 0:
        raise ValueError(f"{where} is a {'whole ' if whole else ''}number of at least 0, not {given!r}")
    return given


def refuse_unknown(where: str, given: Any, known: Any) -> None:
    """Raises `ValueError` for what is no object, or has members nobody knows."""
    if not isinstance(given, dict):
        raise ValueError(f"{where} is an object, not {given!r}")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(map(repr, unknown))}; there are {', '.join(known)}")


ACTIONS = {
    "latency": Action(numbers("fixed_ms", "random_ms"), latency),
    "refuse": Action(failure, refuse),
    "refuse_after": Action(failure, refuse_after),
    "say": Action(words, say),
    "throttle": Action(numbers(), throttle),
    "cut": Action(one_of(held.BEFORE, held.AFTER), cut),
    "hold": Action(one_of(held.BEFORE, held.AFTER), hold),
    "garble": Action(one_of(*garble.WAYS), damaged),
    "pages": Action(one_of(*pages.WAYS), pages.act),
    "date": Action(shift, date),
    "replay": Action(memory, replay),
    "stale": Action(age, stale.act),
    "late": Action(age, late.act),
    "fail_later": Action(numbers(), failing.act),
}
