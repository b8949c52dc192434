"""One request to one operation of AWS, and the refusal of one."""

from __future__ import annotations

import re
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.core.model import OperationModel

CALLER = re.compile(r" md/(\w+\.\w+#\w+)$")


class Refusal(Exception):
    """AWS's "no", answered in the protocol of the service that was called.

    `code` is AWS's error code. `status` is the HTTP status; by default the one the service's model gives the code,
    else 400. `fields` are further members of the modelled error, such as `resourceType`.
    """

    def __init__(self, code: str, message: str = "", status: int | None = None, **fields: Any):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        # moto's serializer looks the members of an error shape up as attributes.
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Trace:
    """What became of a call: the faults that acted on it, and whether it was carried out, whatever was answered."""

    faults: list[str] = field(default_factory=list)
    done: bool = False


@dataclass
class Call:
    """A parsed request.

    `service` is botocore's name ("ec2", "elbv2", "resourcegroupstaggingapi"), `params` are the operation's
    parameters with botocore's member names and Python's types; timestamps are naive, in UTC. `arrived` is in seconds of
    the monotonic clock.
    """

    service: str
    operation: str
    params: dict[str, Any]
    region: str
    account: str
    access_key: str
    model: OperationModel
    protocol: str
    headers: Mapping[str, str]
    environ: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace: Trace = field(default_factory=Trace, repr=False)
    arrived: float = field(default_factory=time.monotonic, repr=False)

    @property
    def caller(self) -> str:
        """The kind and verb of bullstra-up that makes the call, as its user agent says: `ec2.vpc#create`."""
        said = CALLER.search(self.headers.get("User-Agent", ""))
        return sys.intern(said[1]) if said else ""

    @property
    def partition(self) -> str:
        """The part of AWS the region is in, as ARNs spell it."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this call's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def get(self, *path: str, default: Any = None) -> Any:
        """The parameter at `path`, e.g. `call.get("ResourcesVpcConfig", "SubnetIds")`."""
        value: Any = self.params
        for name in path:
            if not isinstance(value, dict) or value.get(name) is None:
                return default
            value = value[name]
        return value

    def with_params(self, params: dict[str, Any]) -> Call:
        """The same call with other parameters."""
        from . import unread, wire

        environ, body = wire.request(self.model, self.protocol, params, self.region, self.access_key)
        carried = ("HTTP_USER_AGENT", "HTTP_X_MOTO")
        kept = {name: value for name, value in self.environ.items() if name.startswith(carried)}
        return replace(self, params=unread.noting(params), environ={**environ, **kept}, body=body)

    def ask(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Ask another operation in this call's account and region, hooks included; raises `Refusal`."""
        from . import hooks, wire

        return hooks.result(wire.call(service, operation, params, self.region, self.account, self.access_key))
