"""STS: an access key that IAM does not know is the sandbox's own user."""

from __future__ import annotations

from typing import Any

from ...call import Call
from . import STS


@STS.around("GetCallerIdentity")
def identity(call: Call, proceed: Any) -> dict[str, Any]:
    answer = proceed()
    if answer["Arn"].endswith(":user/moto"):
        return {
            **answer,
            "Arn": f"arn:{call.partition}:iam::{call.account}:user/sandbox",
            "UserId": "AIDASANDBOXEXAMPLE00",
        }
    return answer
