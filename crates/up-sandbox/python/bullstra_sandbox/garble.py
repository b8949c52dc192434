"""Answers that are damaged on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from xml.etree import ElementTree

from .wire import Answer

# What the answer claims as its length although it is shorter; taken out again before it is sent.
CLAIMED_LENGTH = "x-sandbox-claimed-length"

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"

WRONG: tuple[Any, ...] = (None, 0, -1, "", "null", True, [], {}, [None])
WRONG_TEXTS = ("", "null", "0", "-1", "true", "NaN", "2026-13-45T99:99:99Z")


def truncate(given: Answer, dice: Random) -> Answer:
    """The first half, in one case of two under the length of the whole."""
    status, headers, body = given
    claimed = {CLAIMED_LENGTH: str(len(body))} if dice.random() < 0.5 else {}
    return status, {**headers, **claimed}, body[: len(body) // 2]


def flip(given: Answer, dice: Random) -> Answer:
    """One byte of fifty is another one."""
    status, headers, body = given
    changed = bytearray(body)
    for _ in range(max(1, len(body) // 50) if body else 0):
        changed[dice.randrange(len(body))] ^= dice.randrange(1, 256)
    return status, headers, bytes(changed)


def html(_: Answer, dice: Random) -> Answer:
    """The page of some proxy, with its own status or as if all were well."""
    return dice.choice((200, 502)), {"Content-Type": "text/html"}, PAGE


def empty(given: Answer, _: Random) -> Answer:
    """Nothing under the status there was."""
    return given[0], given[1], b""


def null(given: Answer, dice: Random) -> Answer:
    """One member of five, one at least, is missing or something else than it should be."""
    status, headers, body = given
    try:
        return status, headers, json.dumps(damaged_json(json.loads(body), dice)).encode()
    except ValueError:
        pass
    try:
        return status, headers, damaged_xml(body, dice)
    except ElementTree.ParseError:
        return given


def damaged_json(value: Any, dice: Random) -> Any:
    """A JSON value with wrong members in it."""
    members = list(members_of(value))
    for holder, key in chosen(members, dice):
        if isinstance(holder, dict) and dice.random() < 0.4:
            holder.pop(key, None)
        else:
            holder[key] = dice.choice(WRONG)
    return value if members else None


def members_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every object and list in a JSON value."""
    if isinstance(value, (dict, list)):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from members_of(inner)


def damaged_xml(body: bytes, dice: Random) -> bytes:
    """An XML document with wrong elements in it."""
    root = ElementTree.fromstring(body)
    if root.tag.startswith("{"):
        ElementTree.register_namespace("", root.tag[1:].partition("}")[0])
    elements = [(holder, element) for holder in root.iter() for element in holder]
    for parent, child in chosen(elements, dice):
        if dice.random() < 0.4 and child in list(parent):
            parent.remove(child)
        else:
            child[:] = []
            child.text = dice.choice(WRONG_TEXTS)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def chosen(members: list[Any], dice: Random) -> list[Any]:
    """The members to damage."""
    return dice.sample(members, max(1, len(members) // 5)) if members else []


WAYS: dict[str, Callable[[Answer, Random], Answer]] = {
    "truncate": truncate,
    "flip": flip,
    "html": html,
    "empty": empty,
    "null": null,
}
