"""SSM's Parameter Store."""

from ...service import Limit, Service

SSM = Service(
    "ssm",
    tagging="ssm:AddTagsToResource",
    # "AWS Systems Manager endpoints and quotas", Parameter Store, without its higher throughput.
    limits=(
        Limit("GetParameter*", 40, 40, shared="parameters read"),
        Limit("PutParameter", 3, 3),
        Limit("Describe*", 10, 10, guess=True),
        Limit("List*", 10, 10, guess=True),
        Limit("*", 5, 5, guess=True),
    ),
    failures=("InternalServerError", "ServiceUnavailable"),
)
