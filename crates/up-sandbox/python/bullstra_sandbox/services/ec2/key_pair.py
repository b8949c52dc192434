"""Key pairs, which moto deletes by name only."""

from __future__ import annotations

from typing import Any

from ...call import Call
from ...hooks import Proceed
from . import EC2


@EC2.around("DeleteKeyPair")
def by_id(call: Call, proceed: Proceed) -> dict[str, Any]:
    """Deletes by id as well as by name; what is not there is deleted already."""
    wanted = call.get("KeyPairId")
    if not wanted:
        return proceed()
    pairs = call.ask("ec2", "DescribeKeyPairs")["KeyPairs"]
    names = [pair["KeyName"] for pair in pairs if pair["KeyPairId"] == wanted]
    return proceed({"KeyName": names[0]}) if names else {"Return": True}
