"""Members of requests that nobody reads, neither moto nor a hook: what they mean to AWS is lost on the sandbox.

While a call is answered, its parameters note which of them are looked up, and so does what moto makes of the request.
A member is unread where calls with it succeed and none of them ever looked it up; those that a service lists as
`ignored`, with a reason, do not count. Only the members of the body and of the query are followed, and only the
outermost. A reset forgets nothing of it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from moto.core.parse import XFormedDict
from moto.core.responses import BaseResponse

from . import service
from .call import Call

# Whose members are read: the account, service, operation and name.
Member = tuple[str, str, str, str]


@dataclass
class Reading:
    """What was looked up while a call was answered."""

    body: bytes
    read: set[str] = field(default_factory=set)
    # A hook took all there is, and did not pass it on: it answers by what it has kept.
    took_all: bool = False
    reached_moto: bool = False
    # What is refused early is not read to its end.
    succeeded: bool = False


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)
_sent: Counter[Member] = Counter()
_read: set[Member] = set()
_lock = threading.Lock()


class Noting(dict[str, Any]):
    """Parameters that note which of them are looked up."""

    def __init__(self, content: Any, reading: Reading, is_motos: bool):
        super().__init__(content)
        self._reading, self._is_motos = reading, is_motos
        # What Python looks up next where it copies the whole dict, as `{**params}` does.
        self._copied: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if self._copied and self._copied[0] == name:
            del self._copied[0]
        else:
            self._copied = []
            self._reading.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._reading.read.add(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        self._reading.read.add(name)
        return super().pop(name, *default)

    def __contains__(self, name: object) -> bool:
        self._reading.read.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()

    def keys(self) -> Any:
        self._all()
        return super().keys()

    def values(self) -> Any:
        self._all()
        return super().values()

    def items(self) -> Any:
        self._all()
        return super().items()

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __deepcopy__(self, memory: dict[int, Any]) -> dict[str, Any]:
        return copy.deepcopy(dict(self.items()), memory)

    def _all(self) -> None:
        # Hooks go through all parameters to pass them on; moto, to keep them.
        if self._is_motos:
            self._reading.read.update(super().keys())
        else:
            self._reading.took_all = True
            self._copied = list(super().keys())


class NotingEitherCase(XFormedDict):
    """The same of moto's parameters that can be looked up in two spellings."""

    _reading: Reading

    def __getitem__(self, key: str) -> Any:
        self._reading.read.add(self._store.get(self._xformed(key), (key,))[0])
        return super().__getitem__(key)

    def __iter__(self) -> Any:
        self._reading.read.update(name for name, _ in self._store.values())
        return super().__iter__()

    def original_dict(self) -> dict[str, Any]:
        self._reading.read.update(name for name, _ in self._store.values())
        return super().original_dict()


def of_moto(params: Any, reading: Reading) -> Any:
    """Parameters as moto has parsed them, which note what is looked up."""
    if not isinstance(params, XFormedDict):
        return Noting(params, reading, is_motos=True)
    noting = NotingEitherCase()
    noting._store, noting._reading = params._store, reading
    return noting


@contextlib.contextmanager
def following(call: Call) -> Iterator[Reading]:
    """Follows what is looked up of a call's parameters."""
    reading = Reading(call.body)
    given, call.params = call.params, Noting(call.params, reading, is_motos=False)
    token = _reading.set(reading)
    try:
        yield reading
    finally:
        _reading.reset(token)
        call.params = given
    if reading.succeeded:
        note(call, reading)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """A call that the sandbox makes itself."""
    token = _reading.set(None)
    try:
        yield
    finally:
        _reading.reset(token)


def noting(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters that a hook passes on, followed as those of the call."""
    reading = _reading.get()
    return Noting(params, reading, is_motos=False) if reading else params


def reached_moto(body: bytes) -> None:
    """The call is moto's to answer, in a request with this body."""
    if reading := _reading.get():
        reading.reached_moto, reading.body = True, body


def note(call: Call, reading: Reading) -> None:
    """Adds what a call that succeeded was sent with, and what was read of it."""
    shape = call.model.input_shape
    members = shape.members if shape else {}
    all_of_it = reading.took_all and not reading.reached_moto
    with _lock:
        for name in call.params:
            where = members[name].serialization.get("location", "") if name in members else "uri"
            if where not in ("", "querystring") or name == (shape and shape.serialization.get("payload")):
                continue
            member = (call.account, call.service, call.operation, name)
            _sent[member] += 1
            if all_of_it or spellings(name, members[name]) & reading.read:
                _read.add(member)


def spellings(name: str, shape: Any) -> set[str]:
    """A member's name, and what it is called in a request."""
    return {name, shape.serialization.get("name", name)}


def found(account: str | None = None) -> list[dict[str, Any]]:
    """The members that nobody has read, of one account or of all."""
    with _lock:
        counts: Counter[tuple[str, str, str]] = Counter()
        read: set[tuple[str, str, str]] = set()
        for member, count in _sent.items():
            if account in (None, member[0]):
                counts[member[1:]] += count
                read |= {member[1:]} if member in _read else set()
    unread = sorted(set(counts) - read)
    return [
        {"service": its, "operation": operation, "member": name, "sent": counts[its, operation, name]}
        for its, operation, name in unread
        if f"{operation}.{name}" not in service.of(its).ignored
    ]


def forget(account: str) -> None:
    """Forgets an account's calls."""
    with _lock:
        for member in [member for member in _sent if member[0] == account]:
            del _sent[member]
            _read.discard(member)


def watch_moto() -> None:
    """Has moto note what it looks up: in parameters that it parses, by name, in a query, and in a body that it reads."""
    setup, parse, param = BaseResponse.setup_class, BaseResponse.parse_parameters, BaseResponse._get_param
    loads = json.loads

    def setup_class(self: BaseResponse, *args: Any, **options: Any) -> None:
        setup(self, *args, **options)
        reading = _reading.get()
        if reading and not self.automated_parameter_parsing:
            self.querystring = self.data = Noting(self.querystring, reading, is_motos=True)

    def parse_parameters(self: BaseResponse, request: Any) -> None:
        parse(self, request)
        if reading := _reading.get():
            self.params = of_moto(self.params, reading)

    def get_param(self: BaseResponse, param_name: str, if_none: Any = None) -> Any:
        if reading := _reading.get():
            reading.read.add(param_name.partition(".")[0])
        # What this looks up in the body is no sign that the rest of it is read.
        with nobody():
            return param(self, param_name, if_none)

    def load(text: Any, *args: Any, **options: Any) -> Any:
        value = loads(text, *args, **options)
        reading = _reading.get()
        if reading and isinstance(value, dict) and reading.body and is_same(text, reading.body):
            return Noting(value, reading, is_motos=True)
        return value

    BaseResponse.setup_class = setup_class  # type: ignore[method-assign]
    BaseResponse.parse_parameters = parse_parameters  # type: ignore[method-assign]
    BaseResponse._get_param = get_param  # type: ignore[method-assign]
    json.loads = load


def is_same(text: Any, body: bytes) -> bool:
    """Whether a text is a request's body."""
    return (text.encode() if isinstance(text, str) else bytes(text)) == body
