"""The record of every call, which tests read instead of trusting what the client says it did."""

from __future__ import annotations

import re
import threading
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Any

from . import service
from .call import Call

KEPT = 200_000

READS = re.compile(r"(Describe|List|Get|BatchGet|Head|Search|Lookup|Filter)")

# Members that name what a call is about, in requests and in the top of answers.
NAMING = re.compile(r"(Id|Ids|Arn|Arns|ARN|Name|Names|Identifier|Path|name|Names|arn|Arn|cluster|service|family)$")


@dataclass
class Entry:
    """One call."""

    sequence: int
    time: float
    service: str
    operation: str
    mutating: bool
    follows: bool
    region: str
    resources: list[str]
    actions: list[str]
    status: int
    error: str | None
    message: str | None
    request_id: str
    access_key: str
    account: str
    caller: str
    milliseconds: float
    faults: list[str]
    done: bool


@dataclass
class Record:
    """The last calls, oldest first; those of each access key once more, to be found without a search."""

    _entries: deque[Entry] = field(default_factory=deque)
    _of_key: dict[str, deque[Entry]] = field(default_factory=lambda: defaultdict(deque))
    _sequence: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **what: Any) -> None:
        """Adds a call."""
        with self._lock:
            self._sequence += 1
            entry = Entry(sequence=self._sequence, **what)
            self._entries.append(entry)
            self._of_key[entry.access_key].append(entry)
            if len(self._entries) > KEPT:
                self._of_key[self._entries.popleft().access_key].popleft()

    @property
    def last(self) -> int:
        """The number of the last call."""
        return self._sequence

    def since(self, sequence: int, access_key: str | None = None) -> dict[str, Any]:
        """The calls after `sequence`, of one access key or of all, and the number to ask with next time."""
        with self._lock:
            entries = self._entries if access_key is None else self._of_key.get(access_key, deque())
            newest_first = list(takewhile(lambda entry: entry.sequence > sequence, reversed(entries)))
            last = self._sequence
        return {"last": last, "calls": [asdict(entry) for entry in reversed(newest_first)]}

    def forget(self, access_key: str) -> None:
        """Forgets the calls of an access key."""
        with self._lock:
            if self._of_key.pop(access_key, None):
                self._entries = deque(entry for entry in self._entries if entry.access_key != access_key)

    def clear(self) -> None:
        """Forgets the calls; the numbers go on, so that who asks with an old one misses nothing."""
        with self._lock:
            self._entries.clear()
            self._of_key.clear()


def is_mutating(call: Call) -> bool:
    """Whether a call changes anything: the name of its operation says so, or its service."""
    return READS.match(call.operation) is None and call.operation not in service.of(call.service).reads


def resources_of(call: Call) -> list[str]:
    """The ids, ARNs and names that a call's parameters carry at the top."""
    found: list[str] = []
    for name, value in call.params.items():
        if NAMING.search(name):
            found.extend(str(item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    return found


record = Record()
