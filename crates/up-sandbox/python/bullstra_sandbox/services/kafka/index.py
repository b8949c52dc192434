"""What the tagging index has of MSK."""

from __future__ import annotations

from collections.abc import Iterator

from ...call import Call
from ...service import Tagged
from . import KAFKA
from .cluster import clusters


@KAFKA.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    for cluster in clusters(call).values():
        yield cluster.arn, cluster.tags
