"""The record of every call, which tests read instead of trusting what the client says it did."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from .call import Call

KEPT = 200_000

# A session is nothing that exists: taking on a role changes no resource.
READS = re.compile(r"(Describe|List|Get|BatchGet|Head|Search|Lookup|Filter|AssumeRole)")

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
    region: str
    resources: list[str]
    actions: list[str]
    status: int
    error: str | None
    message: str | None
    request_id: str
    access_key: str
    account: str
    milliseconds: float


@dataclass
class Record:
    """The last calls, oldest first."""

    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    _sequence: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **what: Any) -> None:
        """Adds a call."""
        with self._lock:
            self._sequence += 1
            self._entries.append(Entry(sequence=self._sequence, **what))

    @property
    def last(self) -> int:
        """The number of the last call."""
        return self._sequence

    def since(self, sequence: int) -> dict[str, Any]:
        """The calls after `sequence`, and the number to ask with next time."""
        with self._lock:
            missing = self._sequence - sequence
            entries = list(self._entries)[-missing:] if missing > 0 else []
            return {"last": self._sequence, "calls": [asdict(entry) for entry in entries]}

    def clear(self) -> None:
        """Forgets the calls; the numbers go on, so that who asks with an old one misses nothing."""
        with self._lock:
            self._entries.clear()


def is_mutating(operation: str) -> bool:
    """Whether an operation changes anything, by its name."""
    return READS.match(operation) is None


def resources_of(call: Call) -> list[str]:
    """The ids, ARNs and names that a call's parameters carry at the top."""
    found: list[str] = []
    for name, value in call.params.items():
        if NAMING.search(name):
            found.extend(str(item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    return found


record = Record()
