"""Everything of ECS, for the dump."""

from __future__ import annotations

from collections.abc import Iterator

from ...dump import Place
from ...service import Found
from . import ECS


@ECS.inventory
def everything(place: Place) -> Iterator[Found]:
    for cluster in place.every("ecs", "ListClusters", "clusterArns"):
        include = ["TAGS", "SETTINGS", "CONFIGURATIONS"]
        for found in place.ask("ecs", "DescribeClusters", clusters=[cluster], include=include)["clusters"]:
            if found.get("status") != "INACTIVE":
                yield "ecs.cluster", cluster, found.get("tags"), found
        for service in place.every("ecs", "ListServices", "serviceArns", cluster=cluster):
            asked = {"cluster": cluster, "services": [service], "include": ["TAGS"]}
            for found in place.ask("ecs", "DescribeServices", **asked)["services"]:
                # Its log of events grows while nothing changes.
                found.pop("events", None)
                if found.get("status") != "INACTIVE":
                    yield "ecs.service", service, found.get("tags"), found
    for status in ("ACTIVE", "INACTIVE"):
        for arn in place.every("ecs", "ListTaskDefinitions", "taskDefinitionArns", status=status):
            answer = place.ask("ecs", "DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
            yield "ecs.task_definition", arn, answer.get("tags"), {**answer["taskDefinition"], "status": status}
