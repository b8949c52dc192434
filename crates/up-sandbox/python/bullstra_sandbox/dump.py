"""Everything that exists, asked of moto and the hooks, never of the engine under test."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.loaders import Loader

from . import hooks, service as kit, wire, world
from .call import Refusal
from .service import Inventory

# Where to ask services that are the same in all regions: asking in each would count everything again.
GLOBAL_REGION = "us-east-1"

DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Place:
    """An account and a region to ask in."""

    account: str
    region: str

    def ask(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """The parsed answer of an operation. Raises `Refusal`."""
        return hooks.result(wire.call(service, operation, params, self.region, self.account))

    def every(self, service: str, operation: str, key: str, **params: Any) -> Iterator[Any]:
        """What all pages of a list operation hold under `key`."""
        paging = paginators(service).get(operation, {})
        given, sent = first(paging.get("output_token")), first(paging.get("input_token"))
        while True:
            answer = self.ask(service, operation, **params)
            yield from answer.get(key) or []
            token = answer.get(given) if given else None
            if not token or not sent:
                return
            params = {**params, sent: token}

    def maybe(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """As `ask`, and nothing where it is refused: what a resource may have and need not."""
        try:
            return self.ask(service, operation, **params)
        except Refusal:
            return {}


@functools.cache
def paginators(service: str) -> dict[str, Any]:
    """How botocore pages through a service's lists."""
    try:
        return Loader().load_service_model(service, "paginators-1")["pagination"]
    except Exception:  # noqa: BLE001  (a service without pages)
        return {}


def first(names: Any) -> str | None:
    return names[0] if isinstance(names, list) else names


def everything(account: str | None = None, region: str | None = None) -> dict[str, Any]:
    """All resources, ordered by type and id; `unavailable` names the kinds that could not be asked for.

    Accounts and regions are the ones that were ever used, unless given.
    """
    resources: list[dict[str, Any]] = []
    unavailable: set[str] = set()
    for place, services in places(account, region):
        for service, listing in listings(services):
            try:
                resources.extend(resource(place, service, *found) for found in listing(place))
            except Refusal as refusal:
                unavailable.add(f"{service}: {listing.__name__}: {refusal.code}: {refusal.message}")
    resources.sort(key=lambda found: (found["type"], found["account"], found["region"], found["id"]))
    return {"resources": resources, "unavailable": sorted(unavailable)}


def listings(services: set[str]) -> Iterator[tuple[str, Inventory]]:
    """How the services list what they have."""
    for service in kit.every():
        if service.name in services:
            yield from ((service.name, listing) for listing in service.listings)


def places(account: str | None, region: str | None) -> Iterator[tuple[Place, set[str]]]:
    """Where to look, and for which services."""
    asked: dict[Place, set[str]] = {}
    # A region nobody has used yet has its default network all the same.
    asked_for = {(account or DEFAULT_ACCOUNT, region, "ec2")} if region else set()
    for its_account, its_region, service in world.visited | asked_for:
        where = GLOBAL_REGION if kit.is_global(service) else its_region
        asked.setdefault(Place(its_account, where), set()).add(service)
    for place in sorted(asked, key=lambda place: (place.account, place.region)):
        if account not in (None, place.account):
            continue
        if region in (None, place.region):
            yield place, asked[place]
        elif place.region == GLOBAL_REGION:
            yield place, set(filter(kit.is_global, asked[place]))


def resource(place: Place, service: str, type: str, id: str, tags: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """One resource, in JSON's own types."""
    kept = {name: value for name, value in attributes.items() if name not in ("Tags", "tags", "TagList", "TagSet")}
    return {
        "type": type,
        "id": id,
        "account": place.account,
        "region": "global" if kit.is_global(service) else place.region,
        "tags": tags_of(tags),
        "attributes": json.loads(json.dumps(kept, default=str, sort_keys=True)),
    }


def tags_of(tags: Any) -> dict[str, str]:
    """Tags as a map, whichever of AWS's spellings they come in."""
    if isinstance(tags, dict):
        return dict(sorted(tags.items()))
    pairs = {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value", "")) for tag in tags or []}
    return dict(sorted(pairs.items()))
