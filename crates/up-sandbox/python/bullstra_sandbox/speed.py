"""What moto works out again on every request, remembered: two thirds of the time of a small call."""

from __future__ import annotations

import functools
from typing import Any

import moto.core.responses
import xmltodict
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
