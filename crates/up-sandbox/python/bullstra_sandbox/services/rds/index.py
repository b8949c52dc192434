"""What the tagging index has of RDS."""

from __future__ import annotations

from collections.abc import Iterator

from ...call import Call
from ...service import Tagged, as_map
from ...world import backend
from . import RDS, instance


@RDS.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    instance.settle(call)
    rds = backend("rds", call)
    held = (
        rds.databases,
        rds.clusters,
        rds.subnet_groups,
        rds.db_parameter_groups,
        rds.db_cluster_parameter_groups,
        rds.database_snapshots,
        rds.cluster_snapshots,
    )
    for resources in held:
        for resource in resources.values():
            yield resource.arn, as_map(resource.get_tags())
