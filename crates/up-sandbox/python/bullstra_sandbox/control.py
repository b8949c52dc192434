"""The control endpoints under `/_sandbox/`."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from . import __version__, dump, faults, held, hooks, policy, stale, throttling, unread, validate, wire, world
from .call import Refusal
from .record import record

STARTED = world.clock()

QUERY = {"access_key", "account", "region", "since", "wait"}


def answer(environ: dict[str, Any], body: bytes) -> wire.Answer:
    """Answers a control request, always in JSON."""
    name = environ["PATH_INFO"].removeprefix("/_sandbox/").strip("/")
    handler = HANDLERS.get((environ["REQUEST_METHOD"], name))
    if handler is None:
        known = ", ".join(f"{method} {path}" for method, path in HANDLERS)
        return as_json(404, {"error": f"no control endpoint {name!r}; there are {known}"})
    query = {key: values[-1] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    try:
        wanted = json.loads(body) if body else {}
        # A misspelt access_key must not mean everybody.
        for unknown in set(query) - QUERY:
            raise ValueError(f"unknown {unknown!r} in the query; there are {', '.join(sorted(QUERY))}")
        if not isinstance(wanted, dict):
            raise ValueError("the body is a JSON object")
        return as_json(200, handler(query, wanted))
    except (ValueError, TypeError) as error:
        return as_json(400, {"error": str(error)})
    except Refusal as refusal:
        return as_json(500, {"error": f"{refusal.code}: {refusal.message}"})


def as_json(status: int, value: Any) -> wire.Answer:
    """A JSON answer."""
    return status, {"Content-Type": "application/json"}, json.dumps(value, default=str).encode()


def health(_: dict[str, str], __: Any) -> Any:
    return {
        "status": "ok",
        "version": __version__,
        "pid": os.getpid(),
        "started": STARTED,
        "calls": record.last,
        "patterns_skipped": sorted(validate.skipped),
    }


def calls(query: dict[str, str], _: Any) -> Any:
    return record.since(int(query.get("since", "0")), query.get("access_key"))


def dumped(query: dict[str, str], _: Any) -> Any:
    with hooks.lock:
        return dump.everything(query.get("account"), query.get("region"))


def unread_members(query: dict[str, str], _: Any) -> Any:
    access_key = query.get("access_key")
    return {"unread": unread.found(wire.account_of(access_key) if access_key else None)}


def reset(_: dict[str, str], __: Any) -> Any:
    faults.clear()
    held.release(None, None, held.DROP)
    throttling.clear()
    with hooks.lock:
        stale.clear()
        world.reset()
        record.clear()
        policy.allow(None)
        world.lifecycle.time_scale = world.DEFAULT_TIME_SCALE
    return configuration()


def forget(query: dict[str, str], _: Any) -> Any:
    access_key = query.get("access_key")
    if not access_key:
        raise ValueError("forget wants an access_key")
    account = wire.account_of(access_key)
    faults.forget(access_key)
    held.release(None, access_key, held.DROP)
    throttling.forget(account)
    with hooks.lock:
        stale.forget(account)
        world.forget(account)
        record.forget(access_key)
        unread.forget(account)
    # moto's objects refer to each other in circles.
    gc.collect()
    return {"account": account}


def set_faults(query: dict[str, str], wanted: Any) -> Any:
    faults.use(query.get("access_key"), wanted)
    return show_faults()


def show_faults(*_: Any) -> Any:
    return {"faults": faults.shown()}


def show_held(query: dict[str, str], _: Any) -> Any:
    seconds = min(float(query.get("wait", "0")), held.BOUND)
    return {"held": held.waiting(query.get("access_key"), seconds)}


def release(query: dict[str, str], wanted: Any) -> Any:
    for unknown in set(wanted) - {"id", "then", "access_key"}:
        raise ValueError(f"unknown {unknown!r}; there are id, then, access_key")
    access_key = wanted.get("access_key", query.get("access_key"))
    return {"released": held.release(wanted.get("id"), access_key, wanted.get("then", held.GO_ON))}


def configure(_: dict[str, str], wanted: Any) -> Any:
    unknown = set(wanted) - set(SETTERS)
    if unknown:
        raise ValueError(f"unknown setting {sorted(unknown)[0]!r}; there are {', '.join(SETTERS)}")
    with hooks.lock:
        for name, value in wanted.items():
            SETTERS[name](value)
    return configuration()


def configuration(*_: Any) -> Any:
    return {
        "time_scale": world.lifecycle.time_scale,
        "policy": policy.allowed(),
        "buckets": throttling.used(),
        "durations": {**world.durations(), "": world.DEFAULT_DURATION},
        "deletion_share": world.DELETION_SHARE,
    }


def set_time_scale(value: Any) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
        raise ValueError(f"time_scale is a number of at least 0, not {value!r}")
    world.lifecycle.time_scale = float(value)


SETTERS: dict[str, Callable[[Any], None]] = {
    "time_scale": set_time_scale,
    "policy": policy.allow,
    "buckets": throttling.use,
}

HANDLERS: dict[tuple[str, str], Callable[[dict[str, str], Any], Any]] = {
    ("GET", "health"): health,
    ("GET", "calls"): calls,
    ("GET", "dump"): dumped,
    ("GET", "config"): configuration,
    ("GET", "faults"): show_faults,
    ("GET", "held"): show_held,
    ("GET", "unread"): unread_members,
    ("POST", "reset"): reset,
    ("POST", "config"): configure,
    ("POST", "faults"): set_faults,
    ("POST", "release"): release,
    ("POST", "forget"): forget,
}
