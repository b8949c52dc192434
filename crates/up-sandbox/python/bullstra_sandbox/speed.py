"""What moto works out again and again, remembered: half the time of a small call, and most of a reset."""

from __future__ import annotations

import copy
import functools
from typing import Any
from weakref import WeakKeyDictionary

import moto.core.responses
import moto.iam.models
import xmltodict
from moto.core.common_models import BaseModel
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.ec2.models.subnets import Subnet
from moto.moto_server.werkzeug_app import DomainDispatcherApplication


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which looks through the file system for the service of each request."""

    def get_backend_for_host(self, host: str | None) -> Any:
        return self._backend_for_host(host)

    @functools.cache  # noqa: B019  (there is one dispatcher, and it lives as long as the process)
    def _backend_for_host(self, host: str | None) -> Any:
        return super().get_backend_for_host(host)


def remember() -> None:
    """Gives moto memories of what cannot change; what raises is not remembered."""
    remembered = functools.cache(moto.core.responses.method_names_from_class)
    moto.core.responses.method_names_from_class = remembered
    xmltodict._validate_name = functools.lru_cache(10_000)(xmltodict._validate_name)
    moto.iam.models.IAMBackend._init_aws_policies = aws_policies
    XFormedAttributePicker.get_possible_keys = possible_keys
    Subnet._base_avail_ip_iterator = addresses  # type: ignore[method-assign]
    BaseModel.__new__ = staticmethod(untracked)  # type: ignore[assignment]


_addresses: WeakKeyDictionary[Subnet, Any] = WeakKeyDictionary()


def addresses(subnet: Subnet) -> Any:
    """The addresses a subnet has yet to give; moto's own cache keeps the subnet, and all of its account, for ever."""
    return _addresses.setdefault(subnet, subnet.cidr.hosts())


def untracked(cls: type, *_: Any, **__: Any) -> Any:
    """A new object, which moto would keep for its dashboard for ever."""
    return super(BaseModel, cls).__new__(cls)


def aws_policies(backend: moto.iam.models.IAMBackend) -> list[Any]:
    """An account's own copies of AWS's policies: reading the 1,500 documents takes more than a second."""
    policies = [copy.copy(policy) for policy in read_aws_policies(backend.region_name)]
    for policy in policies:
        policy.account_id = backend.account_id
    return policies


_read_aws_policies = moto.iam.models.IAMBackend._init_aws_policies


@functools.cache
def read_aws_policies(region: str) -> list[Any]:
    """AWS's policies in a part of AWS; what an account changes of one, its count of attachments, is a plain number."""
    nobody = moto.iam.models.IAMBackend.__new__(moto.iam.models.IAMBackend)
    nobody.region_name, nobody.account_id = region, ""
    return _read_aws_policies(nobody)


_possible_keys = XFormedAttributePicker.get_possible_keys
_known_keys: dict[tuple[type, Any, str], list[str]] = {}


def possible_keys(picker: XFormedAttributePicker, context: AttributePickerContext) -> list[str]:
    """The names under which an object may hold a member: they follow from its class and the member's shape."""
    asked = (type(context.obj), context.shape, context.key)
    if asked not in _known_keys:
        _known_keys[asked] = list(_possible_keys(picker, context))
    return _known_keys[asked]
