"""Everything of RDS, for the dump."""

from __future__ import annotations

from collections.abc import Iterator

from ...dump import Place
from ...service import Found
from . import RDS


@RDS.inventory
def everything(place: Place) -> Iterator[Found]:
    listed = (
        ("rds.instance", "DescribeDBInstances", "DBInstances", "DBInstanceIdentifier", "DBInstanceArn"),
        ("rds.cluster", "DescribeDBClusters", "DBClusters", "DBClusterIdentifier", "DBClusterArn"),
        ("rds.subnet_group", "DescribeDBSubnetGroups", "DBSubnetGroups", "DBSubnetGroupName", "DBSubnetGroupArn"),
        (
            "rds.parameter_group",
            "DescribeDBParameterGroups",
            "DBParameterGroups",
            "DBParameterGroupName",
            "DBParameterGroupArn",
        ),
    )
    for type, operation, key, id, arn in listed:
        for found in place.every("rds", operation, key):
            name = found[id]
            if type == "rds.parameter_group":
                asked = {"DBParameterGroupName": name, "Source": "user"}
                found["Parameters"] = list(place.every("rds", "DescribeDBParameters", "Parameters", **asked))
            tags = place.maybe("rds", "ListTagsForResource", ResourceName=found[arn]).get("TagList")
            yield type.replace("rds.", "docdb.") if found.get("Engine") == "docdb" else type, name, tags, found
