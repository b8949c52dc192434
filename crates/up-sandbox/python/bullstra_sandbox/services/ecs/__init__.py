"""ECS: clusters, task definitions, services."""

from ...service import Limit, Service

ECS = Service(
    "ecs",
    tagging="ecs:TagResource",
    durations={"ecs.service": 90.0, "ecs.service_deployment": 6.0, "ecs.attachments": 60.0},
    # "Request throttling for the Amazon ECS API".
    limits=(
        Limit("DescribeServices", 100, 20, shared="service read"),
        Limit("ListServices", 100, 20, shared="service read"),
        Limit("CreateService", 50, 5, shared="service modify"),
        Limit("UpdateService", 50, 5, shared="service modify"),
        Limit("DeleteService", 50, 5, shared="service modify"),
        Limit("ListTaskDefinition*", 50, 20, shared="task definition read"),
        Limit("DescribeTaskDefinition", 50, 20, shared="task definition read"),
        Limit("*TaskDefinition*", 20, 1, shared="task definition modify"),
        Limit("DescribeClusters", 50, 20, shared="cluster read"),
        Limit("ListClusters", 50, 20, shared="cluster read"),
        Limit("*Cluster", 20, 1, shared="cluster modify"),
        Limit("PutClusterCapacityProviders", 20, 1, shared="cluster modify"),
        Limit("Describe*", 100, 20, guess=True),
        Limit("List*", 100, 20, guess=True),
        Limit("*", 50, 5, guess=True),
    ),
    invalid_codes=("InvalidParameterException", "InvalidParameterException"),
    failures=("ServerException", "ServiceUnavailable"),
    # Tasks hold network interfaces, and are targets of load balancers.
    changes=("ec2", "elbv2"),
)
