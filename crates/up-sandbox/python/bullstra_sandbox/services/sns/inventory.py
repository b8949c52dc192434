"""Everything of SNS, for the dump."""

from __future__ import annotations

from collections.abc import Iterator

from ...dump import Place
from ...service import Found
from . import SNS
from .subscription import LISTED


@SNS.inventory
def everything(place: Place) -> Iterator[Found]:
    for topic in place.every("sns", "ListTopics", "Topics"):
        arn = topic["TopicArn"]
        attributes = place.ask("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"]
        yield "sns.topic", arn, place.ask("sns", "ListTagsForResource", ResourceArn=arn).get("Tags"), attributes
        for found in place.every("sns", "ListSubscriptionsByTopic", "Subscriptions", TopicArn=arn):
            its = found["SubscriptionArn"]
            if its == LISTED:
                yield "sns.subscription", f"{arn}/{found['Protocol']}/{found['Endpoint']}", {}, found
            else:
                shown = place.ask("sns", "GetSubscriptionAttributes", SubscriptionArn=its)["Attributes"]
                yield "sns.subscription", its, {}, shown
