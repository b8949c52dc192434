"""SNS: topics and their subscriptions."""

from ...service import Limit, Service

SNS = Service(
    "sns",
    tagging="sns:TagResource",
    # "Amazon SNS endpoints and quotas" has numbers for a part of the calls, and says that they differ by region.
    limits=(
        Limit("Subscribe", 100, 100),
        Limit("Unsubscribe", 100, 100),
        Limit("CreateTopic", 30, 30),
        Limit("DeleteTopic", 30, 30),
        Limit("List*", 30, 30, guess=True),
        Limit("TagResource", 10, 10),
        Limit("UntagResource", 10, 10),
        Limit("*", 30, 30, guess=True),
    ),
    failures=("InternalError", "ServiceUnavailable"),
)
