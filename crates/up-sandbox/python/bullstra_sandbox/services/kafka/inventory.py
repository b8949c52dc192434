"""Everything of MSK, for the dump."""

from __future__ import annotations

from collections.abc import Iterator

from ...dump import Place
from ...service import Found
from . import KAFKA


@KAFKA.inventory
def everything(place: Place) -> Iterator[Found]:
    for found in place.every("kafka", "ListClustersV2", "ClusterInfoList"):
        yield "kafka.cluster", found["ClusterArn"], found.get("Tags"), found


@KAFKA.inventory
def configurations(place: Place) -> Iterator[Found]:
    for found in place.every("kafka", "ListConfigurations", "Configurations"):
        arn = found["Arn"]
        revision = found["LatestRevision"]["Revision"]
        described = place.maybe("kafka", "DescribeConfigurationRevision", Arn=arn, Revision=revision)
        properties = described.get("ServerProperties", b"")
        text = properties.decode("utf-8", "replace") if isinstance(properties, bytes) else properties
        yield "kafka.configuration", arn, {}, {**found, "ServerProperties": text}
