"""Filtering and paging of a describe call's answer, for what moto filters or pages wrongly or not at all."""

import base64
import binascii
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from ..call import Refusal

Item = dict[str, Any]


def select(
    items: Iterable[Item], filters: list[Item] | None, names: dict[str, Callable[[Item], Any] | str]
) -> list[Item]:
    """Items that match every EC2-style filter; `names` maps a filter to a member or to a function of the item."""
    kept = list(items)
    for wanted in filters or []:
        name, values = wanted["Name"], wanted.get("Values", [])
        read = _reader(name, names)
        kept = [item for item in kept if _matches(read(item), values)]
    return kept


def _reader(name: str, names: dict[str, Callable[[Item], Any] | str]) -> Callable[[Item], Any]:
    if name.startswith("tag:"):
        key = name[len("tag:") :]
        return lambda item: [tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == key]
    if name == "tag-key":
        return lambda item: [tag["Key"] for tag in item.get("Tags", [])]
    if name not in names:
        raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
    member = names[name]
    return member if callable(member) else lambda item: item.get(member)


def _matches(found: Any, values: list[str]) -> bool:
    candidates = found if isinstance(found, (list, tuple, set)) else [found]
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in candidates if value is not None]
    return any(fnmatchcase(text, pattern) for text in texts for pattern in values)


def page(items: list[Item], token: str | None, size: int | None, default: int = 1000) -> tuple[list[Item], str | None]:
    """One page of `items` and the token of the next one."""
    start = read_token(token) if token else 0
    end = start + int(size or default)
    return items[start:end], token_at(end) if end < len(items) else None


def token_at(offset: int) -> str:
    return base64.b64encode(f"from:{offset}".encode()).decode()


def is_token(token: str | None) -> bool:
    """True for a token of ours; moto has its own for the few calls it pages."""
    try:
        return base64.b64decode(token or "", validate=True).startswith(b"from:")
    except (binascii.Error, ValueError):
        return False


def read_token(token: str) -> int:
    if not is_token(token):
        raise Refusal("InvalidParameterValue", "Unable to parse pagination token")
    return int(base64.b64decode(token).decode().removeprefix("from:"))
