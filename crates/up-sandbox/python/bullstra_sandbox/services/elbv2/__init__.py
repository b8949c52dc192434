"""Elastic Load Balancing v2: load balancers, listeners, rules, target groups."""

from ...service import Error, Limit, Service

ELBV2 = Service(
    "elbv2",
    # "Classic" load balancers, which are signed alike, have the older version.
    signed_as="elasticloadbalancing",
    iam_prefix="elasticloadbalancing",
    tagging="elasticloadbalancing:AddTags",
    durations={"elbv2.load_balancer": 156.0},
    # "Throttling for the Elastic Load Balancing API".
    limits=(
        Limit("CreateLoadBalancer", 10, 0.2, shared="load balancers"),
        Limit("SetSubnets", 10, 0.2, shared="load balancers"),
        Limit("RegisterTargets", 20, 4, shared="targets"),
        Limit("DeregisterTargets", 20, 4, shared="targets"),
        Limit("*", 40, 10, shared="all"),
        Limit("*", 40, 10, shared="all", also=True),
        Limit("!Describe*", 20, 3, shared="modify", also=True),
    ),
    throttled=Error("ThrottlingException", "Rate exceeded", 400),
    # Load balancers hold network interfaces.
    changes=("ec2",),
)
