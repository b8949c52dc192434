"""Auto Scaling groups, as moto has them."""

from collections.abc import Iterator

from ..dump import Place
from ..service import Found, Service

# The tagging index does not return its groups.
AUTOSCALING = Service("autoscaling", tagging="autoscaling:CreateOrUpdateTags", is_indexed=False)


@AUTOSCALING.inventory
def groups(place: Place) -> Iterator[Found]:
    for found in place.every("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"):
        yield "autoscaling.group", found["AutoScalingGroupName"], found.get("Tags"), found
