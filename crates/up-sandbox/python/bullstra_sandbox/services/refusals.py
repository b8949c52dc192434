"""moto's own exceptions, where a hook asks moto's backends directly, become the refusals they stand for."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException, _RESTError

from ..call import Call, Refusal
from ..hooks import around

SERVICES = ("elbv2", "ecs", "ecr", "iam", "kafka", "logs", "rds", "resourcegroupstaggingapi")


def moto_refuses(call: Call, proceed: Any) -> None:
    try:
        proceed()
    except ServiceException as error:
        raise Refusal(error.code, error.message) from error
    except _RESTError as error:
        raise Refusal(error.error_type, error.message, error.code) from error


for service in SERVICES:
    around(service, "*")(moto_refuses)
