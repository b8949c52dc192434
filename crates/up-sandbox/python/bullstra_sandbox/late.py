"""Writes that do not know yet what was made a moment ago, in services that say what they answer then (`unknown_ids`).

"Fresh EC2 objects may answer Invalid*.NotFound to the next call (tagging, modify): instance, VPC, subnet, route table,
group, internet gateway" (kubernetes/kops, upup/pkg/fi/cloudup/awsup/aws_utils.go; AWS's page "Eventual consistency in the
Amazon EC2 API" says so of every call and names `InvalidInstanceID.NotFound`). A call that goes to a machine which has not
heard of an id is refused as if there were none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from . import service, wire, world
from .call import Call, Refusal


def made(call: Call, id: str) -> None:
    """Notes that an id was made just now."""
    world.store("made.tokens", call)[id] = world.clock()


def act(call: Call, proceed: Callable[[Call], wire.Answer], settings: Any, _: Random) -> wire.Answer:
    """Refuses a call that names what was made less than so many seconds ago."""
    words = service.of(call.service).unknown_ids
    known = world.store("made.tokens", call)
    for text in texts(call.params):
        kind = text.partition("-")[0]
        if kind in words and known.get(text, 0) > world.clock() - settings["seconds"]:
            code, message = words[kind]
            raise Refusal(code, message.format(text))
    return proceed(call)


def texts(value: Any) -> Iterator[str]:
    """All texts in some parameters."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
