"""SNS's subscriptions: one for each topic, protocol and endpoint; those of other people wait to be confirmed."""

from __future__ import annotations

import json
import re
from typing import Any

from ...call import Call, Refusal
from ...world import backend
from .. import query
from . import SNS
from .topic import find

# What is sent there belongs to somebody who has not agreed yet.
TO_BE_CONFIRMED = ("email", "email-json", "http", "https")
PROTOCOLS = (*TO_BE_CONFIRMED, "application", "firehose", "lambda", "sms", "sqs")
SETTABLE = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "ReplayPolicy",
    "SubscriptionRoleArn",
)
WORDS = {"RawMessageDelivery": ("true", "false"), "FilterPolicyScope": ("MessageAttributes", "MessageBody")}
POLICIES = ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy")

# What `Subscribe` and the lists say in the place of an ARN that is not confirmed. Seen on AWS:
# https://github.com/hashicorp/terraform/issues/2776, https://github.com/boto/boto3/issues/2547
ANSWERED, LISTED = "pending confirmation", "PendingConfirmation"


def is_pending(subscription: Any) -> bool:
    return subscription.attributes["PendingConfirmation"] == "true"


def find_subscription(call: Call) -> Any:
    """The subscription that a request names, refused where there is none."""
    arn = call.params["SubscriptionArn"]
    if arn.count(":") < 5:
        count = arn.count(":") + 1
        message = f"Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not {count}"
        raise Refusal("InvalidParameter", message)
    found = backend("sns", call).subscriptions.get(arn)
    if found is None:
        raise Refusal("NotFound", "Subscription does not exist", 404)
    return found


def check(given: dict[str, str], prefix: str) -> None:
    """Refuses attributes that SNS refuses, in the words that localstack's tests have recorded from AWS."""
    for name, value in given.items():
        if name not in SETTABLE:
            raise Refusal("InvalidParameter", "Invalid parameter: AttributeName")
        if name in WORDS and value.lower() not in map(str.lower, WORDS[name]):
            message = f"Invalid parameter: {prefix}{name}: Invalid value [{value}]. Must be {' or '.join(WORDS[name])}."
            raise Refusal("InvalidParameter", message)
        if name in POLICIES and value:
            try:
                policy = json.loads(value)
            except ValueError:
                raise Refusal("InvalidParameter", f"Invalid parameter: {prefix}{name}: failed to parse JSON.") from None
            if name == "RedrivePolicy" and policy and not is_queue(policy.get("deadLetterTargetArn", "")):
                message = f"Invalid parameter: {prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn"
                raise Refusal("InvalidParameter", message)


def is_queue(arn: str) -> bool:
    return arn.startswith("arn:") and arn.split(":")[2] == "sqs" and arn.count(":") == 5


def refuse_bad_endpoint(protocol: str, endpoint: str) -> None:
    """Refuses an endpoint that its protocol does not know."""
    if protocol not in PROTOCOLS:
        message = f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
        raise Refusal("InvalidParameter", message)
    wrong = {
        "http": not endpoint.startswith("http://"),
        "https": not endpoint.startswith("https://"),
        "email": "@" not in endpoint,
        "email-json": "@" not in endpoint,
    }
    if wrong.get(protocol):
        message = "Endpoint must match the specified protocol" if protocol.startswith("http") else "Email address"
        raise Refusal("InvalidParameter", f"Invalid parameter: {message}")
    if protocol in ("sqs", "lambda", "firehose") and not endpoint.startswith("arn:"):
        raise Refusal("InvalidParameter", f"Invalid parameter: {protocol.upper()} endpoint ARN")


def kept(subscription: Any, given: dict[str, str]) -> None:
    """Sets attributes; nothing, or an empty policy, takes one away."""
    for name, value in given.items():
        if value and value.replace(" ", "") != "{}":
            subscription.attributes[name] = value.lower() if name == "RawMessageDelivery" else value
        else:
            subscription.attributes.pop(name, None)


@SNS.around("Subscribe")
def subscribe(call: Call, proceed: Any) -> dict[str, Any]:
    """The subscription of a topic, protocol and endpoint, made if there is none.

    With an attribute that it has not it is refused; what the request leaves out is not compared. Seen on AWS:
    https://github.com/localstack/localstack/issues/8816, https://github.com/localstack/localstack/pull/9167
    """
    topic, given = find(call), call.get("Attributes", default={})
    protocol, endpoint = call.params["Protocol"], call.get("Endpoint", default="")
    refuse_bad_endpoint(protocol, endpoint)
    check(given, "Attributes Reason: ")
    sns = backend("sns", call)
    found = sns._find_subscription(topic.arn, endpoint, protocol)
    if found is None:
        asked = {name: value for name, value in call.params.items() if name != "ReturnSubscriptionArn"}
        proceed({**asked, "Attributes": {name: value for name, value in given.items() if value}})
        found = sns._find_subscription(topic.arn, endpoint, protocol)
        elsewhere = protocol in ("sqs", "lambda") and endpoint.split(":")[4] != call.account
        pending = protocol in TO_BE_CONFIRMED or elsewhere
        found.attributes |= {
            "ConfirmationWasAuthenticated": "false" if pending else "true",
            "PendingConfirmation": "true" if pending else "false",
            "RawMessageDelivery": "false",
            "SubscriptionPrincipal": f"arn:{call.partition}:iam::{call.account}:user/sandbox",
        }
        kept(found, given)
    elif any(str(shown(found).get(name, "")) != value for name, value in given.items()):
        message = "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
        raise Refusal("InvalidParameter", message)
    answered = found.arn if call.get("ReturnSubscriptionArn") or not is_pending(found) else ANSWERED
    return {"SubscriptionArn": answered}


def masked(endpoint: str) -> str:
    """An endpoint as SNS shows it: without its password.

    hashicorp/terraform-provider-aws, internal/service/sns/topic_subscription_test.go
    """
    return re.sub(r"^(https?://[^:@/]*):[^@/]*@", r"\1:****@", endpoint)


def shown(subscription: Any) -> dict[str, str]:
    """A subscription's attributes; the scope of a filter shows where there is a filter."""
    found = {**subscription.attributes, "Endpoint": masked(subscription.endpoint)}
    scope = found.pop("FilterPolicyScope", "MessageAttributes")
    return {**found, "FilterPolicyScope": scope} if "FilterPolicy" in found else found


@SNS.around("GetSubscriptionAttributes")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    return {"Attributes": shown(find_subscription(call))}


@SNS.around("SetSubscriptionAttributes")
def change(call: Call, proceed: Any) -> dict[str, Any] | None:
    found, given = find_subscription(call), {call.params["AttributeName"]: call.get("AttributeValue", default="")}
    check(given, "")
    # "The AWS API requires a non-empty string value or nil for the RedrivePolicy attribute":
    # hashicorp/terraform-provider-aws, internal/service/sns/topic_subscription.go.
    if call.get("AttributeValue") == "" and "RedrivePolicy" in given:
        raise Refusal("InvalidParameter", "Invalid parameter: RedrivePolicy: failed to parse JSON.")
    # "Scope cannot be cleared" (AWS_BEHAVIOUR); moto checks the rules of a filter.
    if given.get("FilterPolicyScope") == "":
        raise Refusal("InvalidParameter", "Invalid parameter: FilterPolicyScope: Invalid value []. ")
    if given.get("FilterPolicy"):
        proceed()
    kept(found, given)
    return {}


@SNS.around("ListSubscriptions", "ListSubscriptionsByTopic")
def pages(call: Call, proceed: Any) -> dict[str, Any]:
    its = find(call).arn if call.operation == "ListSubscriptionsByTopic" else None
    found = [
        {
            "SubscriptionArn": LISTED if is_pending(each) else each.arn,
            "Owner": each.owner,
            "Protocol": each.protocol,
            "Endpoint": masked(each.endpoint),
            "TopicArn": each.topic.arn,
        }
        for each in backend("sns", call).subscriptions.values()
        if its in (None, each.topic.arn)
    ]
    shown, following = query.page(found, call.get("NextToken"), None, default=100)
    return {"Subscriptions": shown, **({"NextToken": following} if following else {})}


@SNS.around("ConfirmSubscription")
def confirm(call: Call, proceed: Any) -> dict[str, Any]:
    """Confirms a subscription: its token is what follows the topic in its ARN, which a test knows without an inbox."""
    topic = find(call)
    found = backend("sns", call).subscriptions.get(f"{topic.arn}:{call.params['Token']}")
    if found is None:
        raise Refusal("InvalidParameter", "Invalid token")
    found.attributes |= {
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": call.get("AuthenticateOnUnsubscribe", default="false"),
    }
    return {"SubscriptionArn": found.arn}


@SNS.around("Unsubscribe")
def unsubscribe(call: Call, proceed: Any) -> None:
    """A second one is success; one of a pending subscription is refused, which goes by itself after some days.

    "Unconfirmed subscriptions … are deleted automatically" (SNS developer guide, "Deleting a subscription").
    """
    try:
        found = find_subscription(call)
    except Refusal as refusal:
        if refusal.code != "NotFound":
            raise
        return
    if is_pending(found):
        message = "Invalid parameter: SubscriptionArn Reason: the subscription is pending confirmation"
        raise Refusal("InvalidParameter", message)
    proceed()
