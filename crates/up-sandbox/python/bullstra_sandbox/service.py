"""What the sandbox knows of a service of AWS: one `Service` value, in the service's own module. No table lists services.

    SQS = Service("sqs", tagging="sqs:TagQueue", limits=(Limit("*", 50, 10, guess=True),))

    @SQS.around("CreateQueue")
    def create(call, proceed): …

    @SQS.inventory
    def queues(place):
        for url in place.every("sqs", "ListQueues", "QueueUrls"):
            yield "sqs.queue", url, place.ask("sqs", "ListQueueTags", QueueUrl=url).get("Tags"), {}

    @SQS.tagged
    def tagged(call): …

`load` imports every module in `services` and finds the values there. A service without a value has the defaults.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .call import Call, Refusal

if TYPE_CHECKING:
    from .dump import Place
    from .hooks import Hook

# A resource: type, id, tags in any of AWS's spellings, attributes.
Found = tuple[str, str, Any, dict[str, Any]]
Inventory = Callable[["Place"], Iterable[Found]]

# A resource in the tagging index: ARN and tags.
Tagged = tuple[str, dict[str, str]]
Index = Callable[[Call], Iterable[Tagged]]


class Signed(NamedTuple):
    """What tells services apart whose requests are signed alike: headers, path, and the body of a form."""

    headers: Mapping[str, str]
    path: str
    form: str


class Limit(NamedTuple):
    """A token bucket for each account and region: `capacity` calls at once, and `refill` more each second.

    A call takes a token from the first limit of its service that matches it, and from each matching one with `also`.
    `operation` is a glob; after `!` what the glob does not match. ` unfiltered` ends the name of a list without
    filters. All limits of a service with one `shared` name have one bucket; else each operation has its own.
    `guess`: AWS publishes no number.
    """

    operation: str
    capacity: float
    refill: float
    shared: str = ""
    also: bool = False
    guess: bool = False


class Error(NamedTuple):
    """An error of AWS's. Its message may have `{message}` in it: what services say in general."""

    code: str
    message: str
    status: int

    def refusal(self, message: str = "") -> Refusal:
        """The refusal with this error."""
        return Refusal(self.code, self.message.format(message=message), self.status)


@dataclass(eq=False)
class Service:
    """A service: its names, its rules, its words, and what the sandbox adds to moto."""

    # botocore's name of it.
    name: str
    # What its requests are signed for, where that is not its name, and which of the requests signed alike are its own.
    signed_as: str = ""
    claims: Callable[[Signed], bool] | None = None
    # What IAM calls it, where that is not its name.
    iam_prefix: str = ""
    # One backend serves all regions.
    is_global: bool = False

    # IAM: operations whose action has another name; the action that tags in a create call need besides, for all
    # operations or by operation; actions that nobody is denied.
    actions: Mapping[str, str] = field(default_factory=dict)
    tagging: str | Mapping[str, str] = ""
    always_allowed: tuple[str, ...] = ()
    # A role that a call names is what it is about, and is not handed to the service.
    is_about_roles: bool = False

    # Operations that change nothing, though their names do not begin like it (`record.READS`).
    reads: tuple[str, ...] = ()
    # Seconds that creating takes in AWS, by kind (AWS_FACTS, 5).
    durations: Mapping[str, float] = field(default_factory=dict)
    # Request limits; those of `DEFAULT_LIMITS` come last.
    limits: tuple[Limit, ...] = ()
    # Lists that are dearer without filters, and the members that make a list cheap.
    dear_unfiltered: tuple[str, ...] = ()
    narrowing: tuple[str, ...] = ()

    # Codes for a broken constraint and for a missing member, where the protocol's are not its own.
    invalid_codes: tuple[str, str] | None = None
    # The service's message for a value that breaks a constraint: {value}, {path}, {constraint}.
    invalid_message: str = ""
    # Whether a missing member is told with all of its path, and members are spelled in messages as in the model.
    tells_path: bool = False
    spells_as_modelled: bool = False
    # Members that are not checked: the model gives examples, or AWS corrects them itself.
    unchecked: tuple[str, ...] = ()

    # What it says of expired credentials, of keys nobody has, of what a policy denies, and of too many calls, where the
    # protocol's answer is not its own.
    expired: Error | None = None
    unknown_key: Error | None = None
    denied: Error | None = None
    throttled: Error | None = None
    # Its codes for 500 and for 503.
    failures: tuple[str, str] = ("InternalFailure", "ServiceUnavailable")
    # The header of the request id.
    request_id_header: str = "x-amzn-RequestId"

    # What it says of an id that it does not know, by what the id begins with: code and message. `late` needs them.
    unknown_ids: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # Other services whose resources its calls change, and whether it keeps nothing, or reads what all others keep.
    changes: tuple[str, ...] = ()
    keeps_nothing: bool = False
    reads_all: bool = False
    # What is the same for everybody in a backend of moto's, and needs no copy.
    shared: Callable[[Any], list[Any]] = lambda _: []

    # Whether the tagging index has its resources; where no function is `tagged`, moto lists them.
    is_indexed: bool = True

    # Members of requests that AWS takes into account and the sandbox does not, each with the reason.
    ignored: Mapping[str, str] = field(default_factory=dict)

    listings: list[Inventory] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """The service in IAM actions and in ARNs."""
        return self.iam_prefix or self.name

    def around(self, *operations: str) -> Callable[[Hook], Hook]:
        """Registers a hook around operations; `"*"` is all of them."""
        from . import hooks

        return hooks.around(self.name, *operations)

    def inventory(self, listing: Inventory) -> Inventory:
        """Registers a function that lists all resources of some types, for the dump."""
        self.listings.append(listing)
        return listing

    def tagged(self, index: Index) -> Index:
        """Registers a function that lists resources for the tagging index; moto's own list is not asked then."""
        self.indexes.append(index)
        return index

    def tagging_action(self, operation: str) -> str | None:
        """The action that an operation needs for the tags that it is given."""
        return (self.tagging if isinstance(self.tagging, str) else self.tagging.get(operation)) or None


# Of services and operations that have no limit of their own.
DEFAULT_LIMITS = (Limit("*", 50, 10, guess=True),)

_services: dict[str, Service] = {}
_others: dict[str, Service] = {}


def load() -> None:
    """Imports every module in `services`, and registers the values there."""
    from . import services

    for module in sorted(info.name for info in pkgutil.walk_packages(services.__path__, f"{services.__name__}.")):
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, Service) and _services.setdefault(value.name, value) is not value:
                raise ValueError(f"there are two values of {value.name}")


def of(name: str) -> Service:
    """The service of a name; one that has no value of its own has the defaults."""
    return _services.get(name) or _others.setdefault(name, Service(name))


def every() -> Iterator[Service]:
    """All services that have a value, by name."""
    return (_services[name] for name in sorted(_services))


def is_global(name: str) -> bool:
    """Whether one backend of the service serves all regions."""
    return of(name).is_global


def as_map(tags: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a map, from either of AWS's spellings of the list."""
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or []}
