"""Lists in very small pages, under page tokens of the sandbox's own, whether or not moto pages.

A token says which page of which division comes next; every page is cut anew from the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from . import wire
from .call import Call, Refusal
from .dump import paginators

PREFIX = "sandbox-page-"

# Whoever lists that much under this fault has a loop of its own.
MOST_PAGES = 1000


class Paging(NamedTuple):
    """How an operation pages: the members for the token, the size and the items."""

    sent: str
    given: str
    limit: str | None
    more: str | None
    items: list[str]


def paging_of(call: Call) -> Paging | None:
    """How the operation pages; None where it does not, or in a way that needs more than one plain token."""
    found = paginators(call.service).get(call.operation)
    if not found:
        return None
    sent, given = only(found.get("input_token")), only(found.get("output_token"))
    keys = found["result_key"] if isinstance(found["result_key"], list) else [found["result_key"]]
    more = found.get("more_results")
    if not sent or not given or not all(plain(key) for key in [sent, given, *keys, more or "x"]):
        return None
    return Paging(sent, given, only(found.get("limit_key")), more, keys)


def follows(call: Call) -> bool:
    """Whether a call asks for a page after the first."""
    paging = paging_of(call)
    return paging is not None and bool(call.params.get(paging.sent))


def can_be_cut(call: Call) -> bool:
    """Whether AWS would page the answer: not where the call lists what it wants."""
    listed = (value for name, value in call.params.items() if name.endswith(("Ids", "Arns", "Names")))
    return paging_of(call) is not None and not any(isinstance(value, list) and value for value in listed)


def only(names: Any) -> str | None:
    """The one name in a paginator's member."""
    if isinstance(names, list):
        return names[0] if len(names) == 1 else None
    return names


def plain(name: str) -> bool:
    """Whether a name is a member at the top of the answer and no expression."""
    return name.isidentifier()


def token_of(call: Call) -> str | None:
    """The token of ours that a call carries."""
    paging = paging_of(call)
    token = call.params.get(paging.sent) if paging else None
    return token if isinstance(token, str) and token.startswith(PREFIX) else None


def act(call: Call, proceed: Callable[[Call], wire.Answer], way: Any, __: Random) -> wire.Answer:
    """Answers one page of a list; the division is the token's, where there is one."""
    paging, token = paging_of(call), token_of(call)
    if paging is None or (token is None and call.params.get(paging.sent)):
        return proceed(call)
    number = 0
    if token:
        way, _, asked = token.removeprefix(PREFIX).partition("-")
        if way not in WAYS or not asked.isdigit():
            raise Refusal("InvalidNextToken", f"{token} is no token", 400)
        number = int(asked)
    answered, whole = everything(call, proceed, paging)
    count = max((len(items) for items in whole.values()), default=0)
    divided = WAYS[way](count)
    page = divided[number] if number < len(divided) else slice(0, 0)
    last = number + 1 >= len(divided)
    shown = {**answered, **{key: items[page] for key, items in whole.items()}}
    shown.pop(paging.given, None)
    if not last:
        shown[paging.given] = f"{PREFIX}{way}-{number + 1}"
    if paging.more:
        shown[paging.more] = not last
    return wire.answer(call, shown)


def everything(
    call: Call, proceed: Callable[[Call], wire.Answer], paging: Paging
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The first answer without a limit, and the items of all its pages."""
    params = {name: value for name, value in call.params.items() if name not in (paging.sent, paging.limit)}
    first: dict[str, Any] = {}
    whole: dict[str, list[Any]] = {}
    for answered in every_page(call, proceed, paging, params):
        first = first or answered
        for key in paging.items:
            if isinstance(answered.get(key), list):
                whole.setdefault(key, []).extend(answered[key])
    return first, whole


def every_page(
    call: Call, proceed: Callable[[Call], wire.Answer], paging: Paging, params: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The parsed pages of a list as moto and the hooks divide it."""
    for _ in range(MOST_PAGES):
        asked = call.with_params(params)
        answered = wire.result(asked, proceed(asked))
        yield answered
        token = answered.get(paging.given)
        if not token:
            return
        params = {**params, paging.sent: token}


def short(count: int) -> list[slice]:
    """One item on each page."""
    return [slice(item, item + 1) for item in range(max(1, count))]


def repeat(count: int) -> list[slice]:
    """Three pages that begin with the last item of the one before, and an empty page after the first."""
    step = max(1, -(-count // 3))
    pages = [slice(max(0, start - 1), start + step) for start in range(0, count, step)]
    if len(pages) == 1:
        pages *= 2
    return [*pages[:1], slice(0, 0), *pages[1:]]


WAYS: dict[str, Callable[[int], list[slice]]] = {"short": short, "repeat": repeat}
