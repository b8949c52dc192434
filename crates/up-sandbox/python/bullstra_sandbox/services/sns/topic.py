"""SNS's topics: made once for a name, with what was asked for, and described by strings alone."""

from __future__ import annotations

import json
from typing import Any

from moto.sns.models import DEFAULT_EFFECTIVE_DELIVERY_POLICY

from ...call import Call, Refusal
from ...world import backend
from .. import principals, query, tag_rules
from . import SNS

# "The protocol prefixes are exactly these": the attributes of CreateTopic in the API reference of SNS.
FEEDBACK = [
    f"{protocol}{what}"
    for protocol in ("HTTP", "Firehose", "Lambda", "Application", "SQS")
    for what in ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
]
POLICIES = ("Policy", "DeliveryPolicy", "ArchivePolicy")
FIFO = ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
SETTABLE = {*FEEDBACK, *POLICIES, *FIFO, "DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig"}
WORDS = {
    "ContentBasedDeduplication": ("true", "false"),
    "FifoThroughputScope": ("Topic", "MessageGroup"),
    "FifoTopic": ("true", "false"),
    "SignatureVersion": ("1", "2"),
    "TracingConfig": ("PassThrough", "Active"),
}


def find(call: Call, member: str = "TopicArn", code: str = "NotFound", what: str = "Topic") -> Any:
    """The topic that a request names, refused where there is none."""
    arn = call.params[member]
    if arn.count(":") < 5:
        message = f"Invalid parameter: {member} Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}"
        raise Refusal("InvalidParameter", message)
    topic = backend("sns", call).topics.get(arn)
    if topic is None:
        raise Refusal(code, f"{what} does not exist", 404)
    return topic


def attributes(call: Call, topic: Any) -> dict[str, str]:
    """All attributes of a topic; those that were never set, or set to nothing, are left out but for the names below."""
    subscriptions = [each for each in backend("sns", call).subscriptions.values() if each.topic.arn == topic.arn]
    pending = sum(each.attributes["PendingConfirmation"] == "true" for each in subscriptions)
    asked: dict[str, str] = getattr(topic, "asked", {})
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "false", "FifoThroughputScope": "Topic"}
    return {
        "Policy": topic.policy,
        "Owner": topic.account_id,
        "TopicArn": topic.arn,
        "DisplayName": "",
        "SubscriptionsPending": str(pending),
        "SubscriptionsConfirmed": str(len(subscriptions) - pending),
        "SubscriptionsDeleted": "0",
        "EffectiveDeliveryPolicy": effective(asked.get("DeliveryPolicy")),
        **(fifo if topic.fifo_topic else {}),
        **asked,
    }


def effective(policy: str | None) -> str:
    """How messages are delivered over HTTP, all told."""
    given = json.loads(policy).get("http", {}) if policy else {}
    default: Any = DEFAULT_EFFECTIVE_DELIVERY_POLICY["defaultHealthyRetryPolicy"]
    retries = {**default, **given.get("defaultHealthyRetryPolicy", {})}
    return json.dumps({"http": {"disableSubscriptionOverrides": False, **given, "defaultHealthyRetryPolicy": retries}})


def check(call: Call, given: dict[str, str], known: set[str], fifo: bool, prefix: str = "") -> None:
    """Refuses attributes that SNS refuses."""
    for name, value in given.items():
        if why := wrong(call, name, value, known, fifo):
            raise Refusal("InvalidParameter", f"Invalid parameter: {prefix}{why}")
        if name in POLICIES and (value or name == "Policy"):
            check_policy(call, name, value)


def wrong(call: Call, name: str, value: str, known: set[str], fifo: bool) -> str | None:
    """What is wrong with an attribute."""
    if name not in known:
        return "AttributeName"
    if name in FIFO and not fifo and value:
        return f"{name} can only be set for FIFO topics"
    if name in WORDS and value not in WORDS[name]:
        return f"{name}: Invalid value [{value}]."
    if name == "DisplayName" and len(value) > 100:
        return "DisplayName: Reason: too long"
    if name.endswith("FeedbackRoleArn") and value and not principals.is_known(call, value):
        # Passes by itself once the role is known: hashicorp/terraform-provider-aws, internal/service/sns/topic.go.
        return f"{name}: {value} is not a valid role to allow SNS to write to Cloudwatch Logs"
    return None


def check_policy(call: Call, name: str, text: str) -> None:
    """Refuses what is no JSON, and a policy for a role that SNS does not know (yet)."""
    try:
        json.loads(text)
    except ValueError:
        raise Refusal("InvalidParameter", f"Invalid parameter: {name} Error: null") from None
    if name == "Policy" and not all(principals.is_known(call, arn) for arn in principals.named(text)):
        # Passes by itself: hashicorp/terraform-provider-aws, internal/service/sns/topic.go.
        raise Refusal("InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound")


@SNS.around("CreateTopic")
def create(call: Call, proceed: Any) -> dict[str, Any] | None:
    """The topic of a name, made if there is none.

    With a tag or an attribute that the topic has not it is refused; what the request leaves out is not compared. Seen
    on AWS: https://github.com/localstack/localstack/issues/2405, https://github.com/localstack/localstack/pull/13714,
    https://github.com/MassTransit/MassTransit/pull/3721
    """
    given: dict[str, str] = call.get("Attributes", default={})
    tags = {tag["Key"]: tag["Value"] for tag in call.get("Tags", default=[])}
    arn = call.arn("sns", call.params["Name"])
    topic = backend("sns", call).topics.get(arn)
    if topic is not None:
        present = attributes(call, topic)
        if any(not same(present.get(name, ""), value) for name, value in given.items()):
            message = "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
            raise Refusal("InvalidParameter", message)
        if not tags.items() <= topic._tags.items():
            message = "Invalid parameter: Tags Reason: Topic already exists with different tags"
            raise Refusal("InvalidParameter", message)
        return {"TopicArn": arn}
    tag_rules.check(call.get("Tags", default=[]), code="InvalidParameter", too_many="TagLimitExceeded")
    check(call, given, SETTABLE | {"FifoTopic"}, given.get("FifoTopic") == "true", "Attributes Reason: ")
    proceed()
    topic = backend("sns", call).topics[arn]
    keep(topic, {name: value for name, value in given.items() if name != "FifoTopic"})
    if call.get("DataProtectionPolicy"):
        topic.data_protection = call.get("DataProtectionPolicy")
    return None


def same(present: str, given: str) -> bool:
    """Whether two values of an attribute mean the same: policies are JSON."""
    try:
        return present == given or json.loads(present) == json.loads(given)
    except ValueError:
        return False


def keep(topic: Any, given: dict[str, str]) -> None:
    """Sets attributes; nothing takes one away."""
    asked = {**getattr(topic, "asked", {}), **given}
    if policy := asked.pop("Policy", None):
        topic.policy = policy
    topic.asked = {name: value for name, value in asked.items() if value}
    topic.content_based_deduplication = topic.asked.get("ContentBasedDeduplication") == "true"


@SNS.around("GetTopicAttributes")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    return {"Attributes": attributes(call, find(call))}


@SNS.around("SetTopicAttributes")
def change(call: Call, proceed: Any) -> dict[str, Any]:
    topic, given = find(call), {call.params["AttributeName"]: call.get("AttributeValue", default="")}
    check(call, given, SETTABLE, topic.fifo_topic)
    keep(topic, given)
    return {}


@SNS.around("GetDataProtectionPolicy", "PutDataProtectionPolicy")
def data_protection(call: Call, proceed: Any) -> dict[str, Any]:
    topic = find(call, "ResourceArn")
    if call.operation == "PutDataProtectionPolicy":
        topic.data_protection = call.params["DataProtectionPolicy"]
        return {}
    return {"DataProtectionPolicy": getattr(topic, "data_protection", "")}


@SNS.around("ListTopics")
def pages(call: Call, proceed: Any) -> dict[str, Any]:
    found = [{"TopicArn": arn} for arn in sorted(backend("sns", call).topics)]
    shown, following = query.page(found, call.get("NextToken"), None, default=100)
    return {"Topics": shown, **({"NextToken": following} if following else {})}


@SNS.around("ListTagsForResource", "TagResource", "UntagResource")
def tags(call: Call, proceed: Any) -> None:
    """Only topics have tags: the ARN of a subscription is one of no resource."""
    find(call, "ResourceArn", "ResourceNotFound", "Resource")
    tag_rules.check(call.get("Tags", default=[]), code="InvalidParameter", too_many="TagLimitExceeded")
    proceed()
