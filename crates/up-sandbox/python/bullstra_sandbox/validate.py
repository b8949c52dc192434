"""Refuses requests that break botocore's model of their operation, in each service's own words.

moto accepts almost anything; AWS checks required members, enums, lengths, ranges and patterns before it looks at
the world, and so does this.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.model import Shape

from . import service as kit
from .call import Call, Refusal

# Patterns of botocore's models that Python cannot read; they are not checked.
skipped: set[str] = set()

MISSING = "missing"

# What services answer to a broken constraint and to a missing member, unless they have codes of their own.
BY_PROTOCOL = {
    "query": ("ValidationError",) * 2,
    "json": ("ValidationException",) * 2,
    "rest-json": ("ValidationException",) * 2,
    "rest-xml": ("InvalidInput",) * 2,
    "ec2": ("InvalidParameterValue", "MissingParameter"),
}

# Java's classes of characters, which Python has not; none of these is narrower than AWS's.
JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Nd}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{Zs}": r"\s",
    r"\p{M}": r"\u0300-\u036f",
    r"\p{P}": r"!-/:-@\[-`{-~",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Alpha}": "a-zA-Z",
    r"\p{Digit}": "0-9",
    r"\p{Punct}": r"!-/:-@\[-`{-~",
    r"\p{Graph}": "!-~",
    r"\p{Print}": " -~",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\z": r"\Z",
    r"\h": r"\t ",
}


@dataclass
class Broken:
    """A constraint that is not met."""

    path: str
    value: Any
    kind: str
    constraint: str


def check(call: Call) -> None:
    """Raises the refusal AWS answers to a request that breaks its operation's model."""
    shape = call.model.input_shape
    if shape is None:
        return
    # Only the first few are told, as by AWS; the rest need not be looked for.
    broken = list(itertools.islice(walk(call, shape, call.params, ""), 10))
    if broken:
        raise refusal(call, broken)


def refusal(call: Call, broken: list[Broken]) -> Refusal:
    """The refusal of broken constraints, in the service's own words."""
    service = kit.of(call.service)
    value_code, missing_code = service.invalid_codes or BY_PROTOCOL[call.protocol]
    first = next((found for found in broken if found.kind == MISSING), broken[0])
    if missing_code == "MissingParameter" and first.kind == MISSING:
        name = first.path if service.tells_path else first.path.rpartition(".")[2]
        return Refusal(missing_code, f"The request must contain the parameter {name}", 400)
    if service.invalid_message and first.kind != MISSING:
        told = {"value": first.value, "path": first.path, "constraint": first.constraint}
        return Refusal(value_code, service.invalid_message.format(**told), 400)
    plural = "error" if len(broken) == 1 else "errors"
    each = "; ".join(
        f"Value {'null' if found.kind == MISSING else repr(str(found.value))} at '{found.path}' failed to satisfy "
        f"constraint: {found.constraint}"
        for found in broken
    )
    return Refusal(value_code, f"{len(broken)} validation {plural} detected: {each}", 400)


def walk(call: Call, shape: Shape, value: Any, path: str) -> Iterator[Broken]:
    """Every constraint of `shape` that `value` breaks."""
    if shape.type_name == "structure":
        if not getattr(shape, "is_document_type", False) and isinstance(value, dict):
            yield from walk_structure(call, shape, value, path)
    elif shape.type_name == "list" and isinstance(value, list):
        yield from within(shape, len(value), path, value, "length")
        for index, item in enumerate(value):
            yield from walk(call, shape.member, item, f"{path}.{index + 1}")  # type: ignore[attr-defined]
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from within(shape, len(value), path, value, "length")
        for key, item in value.items():
            yield from walk(call, shape.key, key, f"{path}.key")  # type: ignore[attr-defined]
            yield from walk(call, shape.value, item, f"{path}.{key}")  # type: ignore[attr-defined]
    elif shape.type_name == "string" and isinstance(value, str):
        yield from walk_string(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double") and isinstance(value, (int, float)):
        yield from within(shape, value, path, value, "value")


def walk_structure(call: Call, shape: Shape, value: dict[str, Any], path: str) -> Iterator[Broken]:
    members, unchecked = shape.members, kit.of(call.service).unchecked  # type: ignore[attr-defined]
    for name in shape.required_members:  # type: ignore[attr-defined]
        if value.get(name) is None and not supplied(members[name]):
            yield Broken(spelled(call, path, name), None, MISSING, "Member must not be null")
    for name, given in value.items():
        if given is not None and name in members and name not in unchecked:
            yield from walk(call, members[name], given, spelled(call, path, name))


def supplied(shape: Shape) -> bool:
    """Whether the other side supplies a member that a client leaves out."""
    return bool(shape.metadata.get("idempotencyToken")) or bool(shape.serialization.get("hostLabel"))


def walk_string(shape: Shape, value: str, path: str) -> Iterator[Broken]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield Broken(path, value, "enum", f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    yield from within(shape, len(value), path, value, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not matches(pattern, value):
        yield Broken(path, value, "pattern", f"Member must satisfy regular expression pattern: {pattern}")


def within(shape: Shape, size: float, path: str, value: Any, what: str) -> Iterator[Broken]:
    """Whether a length or a value is in the model's range."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    have = "have length" if what == "length" else "have value"
    if least is not None and size < float(least):
        yield Broken(path, value, what, f"Member must {have} greater than or equal to {least}")
    # A few models carry 2147483647 and the like: no limit at all.
    if most is not None and size > float(most):
        yield Broken(path, value, what, f"Member must {have} less than or equal to {most}")


def spelled(call: Call, path: str, name: str) -> str:
    """A member's name as the service spells it in messages: the query services' are in camel case."""
    if call.protocol == "query" and not kit.of(call.service).spells_as_modelled:
        name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def matches(pattern: str, value: str) -> bool:
    """Whether AWS would take `value` for a pattern; true where Python cannot tell."""
    compiled, how = compile_pattern(pattern)
    return compiled is None or getattr(compiled, how)(value) is not None


@functools.cache
def compile_pattern(pattern: str) -> tuple[re.Pattern[str] | None, str]:
    """A model's pattern for Python, and how it is applied.

    Services match the whole value, anchored or not. A pattern that is anchored on one side only was written by
    someone who thought otherwise, so that it is taken at its word.
    """
    translated = pattern
    for java, python in JAVA_CLASSES.items():
        translated = translated.replace(java, python)
    # Java takes a hyphen after a class of characters for itself.
    translated = re.sub(r"(\\[dsw])-(?!\])", r"\1\\-", translated)
    anchored = (pattern.lstrip("(").startswith("^"), pattern.rstrip(")").endswith("$"))
    how = {(True, False): "match", (False, True): "search"}.get(anchored, "fullmatch")
    try:
        return re.compile(translated), how
    except re.error:
        skipped.add(pattern)
        return None, how
