"""AWS's request limits as token buckets, one row each; `throttling.py` keeps count.

A call takes a token from the first row of `ROWS` that matches it, and one from every row of `ALSO` that matches it:
`"!Describe*"` matches what the glob after the mark does not.
`operation` is a glob; `" unfiltered"` is appended to the name of a call that `UNFILTERED` lists when it has neither
filter, ids nor page size. Where `shared` is empty, every operation has a bucket of its own, else all operations of the
rows with that name have one together. Capacity is in calls, refill in calls a second, both per account and region.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One limit."""

    service: str
    operation: str
    capacity: float
    refill: float
    shared: str = ""


UNFILTERED = {
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeNetworkInterfaces"),
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeVolumes"),
}

ROWS = (
    # https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
    Row("ec2", "* unfiltered", 50, 10),
    Row("ec2", "Describe*", 100, 20),
    Row("ec2", "Get*", 100, 20),
    Row("ec2", "RunInstances", 5, 2),
    Row("ec2", "CreateTags", 100, 10),
    Row("ec2", "CreateNatGateway", 10, 1),
    Row("ec2", "DeleteNatGateway", 10, 1),
    Row("ec2", "CreateVpcEndpoint", 4, 0.3),
    Row("ec2", "ModifyVpcEndpoint", 4, 0.3),
    Row("ec2", "DeleteVpcEndpoints", 4, 0.3),
    Row("ec2", "*", 50, 5),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html; see ALSO.
    Row("elbv2", "CreateLoadBalancer", 10, 0.2, "load balancers"),
    Row("elbv2", "SetSubnets", 10, 0.2, "load balancers"),
    Row("elbv2", "RegisterTargets", 20, 4, "targets"),
    Row("elbv2", "DeregisterTargets", 20, 4, "targets"),
    Row("elbv2", "*", 40, 10, "all"),
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    Row("ecs", "DescribeServices", 100, 20, "service read"),
    Row("ecs", "ListServices", 100, 20, "service read"),
    Row("ecs", "CreateService", 50, 5, "service modify"),
    Row("ecs", "UpdateService", 50, 5, "service modify"),
    Row("ecs", "DeleteService", 50, 5, "service modify"),
    Row("ecs", "ListTaskDefinition*", 50, 20, "task definition read"),
    Row("ecs", "DescribeTaskDefinition", 50, 20, "task definition read"),
    Row("ecs", "*TaskDefinition*", 20, 1, "task definition modify"),
    Row("ecs", "DescribeClusters", 50, 20, "cluster read"),
    Row("ecs", "ListClusters", 50, 20, "cluster read"),
    Row("ecs", "*Cluster", 20, 1, "cluster modify"),
    Row("ecs", "PutClusterCapacityProviders", 20, 1, "cluster modify"),
    # A guess: the page has more groups, of tasks and tags; they are taken to be as service read and service modify.
    Row("ecs", "Describe*", 100, 20),
    Row("ecs", "List*", 100, 20),
    Row("ecs", "*", 50, 5),
    # A guess: IAM's rates are not published; users meet "Rate exceeded" from about 20 changes a second on.
    Row("iam", "Get*", 100, 50, "read"),
    Row("iam", "List*", 100, 50, "read"),
    Row("iam", "*", 20, 20, "modify"),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    Row("logs", "CreateLogGroup", 10, 10),
    Row("logs", "DescribeLogGroups", 10, 10),
    # A guess: the page has 5 or 10 a second for most of the operations it names.
    Row("logs", "PutRetentionPolicy", 10, 10),
    Row("logs", "DeleteRetentionPolicy", 10, 10),
    Row("logs", "DeleteLogGroup", 10, 10),
    Row("logs", "*", 10, 5),
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html names only what pushes and pulls.
    Row("ecr", "GetAuthorizationToken", 500, 500),
    # A guess: everything about repositories.
    Row("ecr", "Describe*", 20, 20),
    Row("ecr", "Get*", 20, 20),
    Row("ecr", "List*", 20, 20),
    Row("ecr", "*", 10, 5),
    # A guess: RDS publishes no rates.
    Row("rds", "Describe*", 50, 20),
    Row("rds", "List*", 50, 20),
    Row("rds", "*", 20, 5),
    # A guess: MSK publishes no rates but refuses bursts with 429.
    Row("kafka", "Describe*", 20, 10),
    Row("kafka", "Get*", 20, 10),
    Row("kafka", "List*", 20, 10),
    Row("kafka", "*", 10, 2),
    # AWS_FACTS §3; what changes tags is a guess.
    Row("resourcegroupstaggingapi", "Get*", 15, 15),
    Row("resourcegroupstaggingapi", "*", 5, 5),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    Row("sts", "*", 600, 600, "all"),
    # A guess for every other service.
    Row("*", "*", 50, 10),
)

ALSO = (
    Row("elbv2", "*", 40, 10, "all"),
    Row("elbv2", "!Describe*", 20, 3, "modify"),
)
