"""MSK: clusters and configurations."""

from ...service import Limit, Service

KAFKA = Service(
    "kafka",
    tagging="kafka:TagResource",
    durations={"kafka.cluster": 1380.0},
    limits=(
        Limit("Describe*", 20, 10, guess=True),
        Limit("Get*", 20, 10, guess=True),
        Limit("List*", 20, 10, guess=True),
        Limit("*", 10, 2, guess=True),
    ),
    invalid_codes=("BadRequestException", "BadRequestException"),
    failures=("InternalServerErrorException", "ServiceUnavailableException"),
    # Brokers hold network interfaces.
    changes=("ec2",),
)
