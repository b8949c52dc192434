"""SNS: topics made once, and subscriptions that are pending until confirmed."""

import json

import pytest

TAGS = [{"Key": "bullstra:stack", "Value": "s"}, {"Key": "Owner", "Value": "me"}]


@pytest.fixture
def sns(client):
    return client("sns")


@pytest.fixture
def topic(sns):
    return sns.create_topic(Name="orders", Tags=TAGS, Attributes={"DisplayName": "Orders"})["TopicArn"]


def attributes(sns, topic):
    return sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def of(sns, subscription):
    return sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]


def test_a_topic_is_made_once_for_a_name(sns, topic, refused):
    assert sns.create_topic(Name="orders")["TopicArn"] == topic
    assert sns.create_topic(Name="orders", Tags=TAGS[:1], Attributes={"DisplayName": "Orders"})["TopicArn"] == topic
    other = refused(sns.create_topic, Name="orders", Tags=[{"Key": "Owner", "Value": "you"}])
    assert other == "InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with different tags"
    other = refused(sns.create_topic, Name="orders", Attributes={"DisplayName": "Invoices"})
    words = "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    assert other == f"InvalidParameter: {words}"
    assert refused(sns.create_topic, Name="an order").startswith("InvalidParameter: ")
    assert len(sns.list_topics()["Topics"]) == 1


def test_a_topic_shows_strings_and_a_default_policy(sns, topic, refused):
    shown = attributes(sns, topic)
    assert shown["DisplayName"] == "Orders" and shown["TopicArn"] == topic
    assert json.loads(shown["Policy"])["Id"] == "__default_policy_ID"
    assert {"DeliveryPolicy", "KmsMasterKeyId", "FifoTopic", "TracingConfig"}.isdisjoint(shown)
    assert all(isinstance(value, str) for value in shown.values())
    missing = f"{topic}-2"
    assert refused(sns.get_topic_attributes, TopicArn=missing) == "NotFound: Topic does not exist"
    assert refused(sns.set_topic_attributes, TopicArn=missing, AttributeName="DisplayName").startswith("NotFound")
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)


def test_attributes_are_set_one_by_one_and_taken_away_by_nothing(sns, topic, refused):
    def put(name, value):
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)

    put("TracingConfig", "Active")
    put("KmsMasterKeyId", "alias/aws/sns")
    put("DisplayName", "")
    put("DeliveryPolicy", json.dumps({"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}}))
    shown = attributes(sns, topic)
    assert (shown["TracingConfig"], shown["KmsMasterKeyId"], shown["DisplayName"]) == ("Active", "alias/aws/sns", "")
    effective = json.loads(shown["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (effective["numRetries"], effective["minDelayTarget"]) == (5, 20)
    put("KmsMasterKeyId", "")
    assert "KmsMasterKeyId" not in attributes(sns, topic)
    for name, value in (
        ("Nope", "1"),
        ("FifoTopic", "true"),
        ("TracingConfig", "On"),
        ("SignatureVersion", "3"),
        ("Policy", "{"),
        ("ContentBasedDeduplication", "true"),
    ):
        assert refused(put, name=name, value=value).startswith("InvalidParameter: Invalid parameter: "), name


def test_a_policy_waits_for_its_principal(client, sns, topic, refused, until):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    arn = topic.replace("sns:eu-central-1", "iam:").rpartition(":")[0] + ":role/publisher"
    policy = json.loads(attributes(sns, topic)["Policy"])
    policy["Statement"][0]["Principal"] = {"AWS": arn}

    def put():
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
        return True

    said = "InvalidParameter: Invalid parameter: Policy Error: PrincipalNotFound"
    assert refused(put) == said
    client("iam").create_role(RoleName="publisher", AssumeRolePolicyDocument=json.dumps(trust))

    def try_it():
        try:
            return put()
        except sns.exceptions.InvalidParameterException:
            return False

    until(try_it, True)
    assert json.loads(attributes(sns, topic)["Policy"]) == policy


def test_a_fifo_topic_has_its_own_attributes(sns, refused):
    made = sns.create_topic(Name="a.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})
    shown = attributes(sns, made["TopicArn"])
    assert (shown["FifoTopic"], shown["ContentBasedDeduplication"], shown["FifoThroughputScope"]) == (
        "true",
        "true",
        "Topic",
    )
    assert refused(sns.create_topic, Name="b", Attributes={"FifoTopic": "true"}).startswith("InvalidParameter")
    assert refused(sns.create_topic, Name="c.fifo").startswith("InvalidParameter")


def test_only_topics_have_tags(client, sns, topic, refused):
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == TAGS
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "Owner", "Value": "you"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["bullstra:stack"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "Owner", "Value": "you"}]
    found = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sns"])["ResourceTagMappingList"]
    assert [each["ResourceARN"] for each in found] == [topic]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+491701234567")["SubscriptionArn"]
    gone = "ResourceNotFound: Resource does not exist"
    assert refused(sns.list_tags_for_resource, ResourceArn=subscription) == gone
    assert refused(sns.tag_resource, ResourceArn=subscription, Tags=TAGS) == gone
    reserved = refused(sns.tag_resource, ResourceArn=topic, Tags=[{"Key": "aws:x", "Value": ""}])
    assert reserved.startswith("InvalidParameter")


def queue(topic, name="q"):
    return topic.replace(":sns:", ":sqs:").rpartition(":")[0] + f":{name}"


def test_a_subscription_is_made_once(sns, topic, refused):
    given = {"RawMessageDelivery": "true", "FilterPolicy": '{"kind": ["new"]}'}
    asked = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue(topic)}
    first = sns.subscribe(**asked, Attributes=given)["SubscriptionArn"]
    assert first.startswith(f"{topic}:")
    assert sns.subscribe(**asked)["SubscriptionArn"] == first
    assert sns.subscribe(**asked, Attributes=given)["SubscriptionArn"] == first
    words = "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    other = refused(sns.subscribe, **asked, Attributes={"RawMessageDelivery": "false"})
    assert other == f"InvalidParameter: {words}"
    shown = of(sns, first)
    assert (shown["PendingConfirmation"], shown["RawMessageDelivery"]) == ("false", "true")
    assert shown["FilterPolicyScope"] == "MessageAttributes"
    assert attributes(sns, topic)["SubscriptionsConfirmed"] == "1"
    sns.unsubscribe(SubscriptionArn=first)
    sns.unsubscribe(SubscriptionArn=first)
    assert refused(sns.get_subscription_attributes, SubscriptionArn=first).startswith("NotFound")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_subscription_of_other_people_is_pending_until_confirmed(sns, topic, refused):
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ops@example.org"}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == ("PendingConfirmation", "ops@example.org")
    assert of(sns, arn)["PendingConfirmation"] == "true"
    assert attributes(sns, topic)["SubscriptionsPending"] == "1"
    assert "6 elements" in refused(sns.unsubscribe, SubscriptionArn="PendingConfirmation")
    assert "pending" in refused(sns.unsubscribe, SubscriptionArn=arn)
    assert refused(sns.confirm_subscription, TopicArn=topic, Token="no").startswith("InvalidParameter")
    assert sns.confirm_subscription(TopicArn=topic, Token=arn.rpartition(":")[2])["SubscriptionArn"] == arn
    [listed] = sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == arn
    sns.unsubscribe(SubscriptionArn=arn)


def test_attributes_of_a_subscription(sns, topic, refused):
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(topic))["SubscriptionArn"]

    def put(name, value):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)

    assert {"FilterPolicy", "FilterPolicyScope", "RedrivePolicy"}.isdisjoint(of(sns, arn))
    put("FilterPolicyScope", "MessageBody")
    put("FilterPolicy", '{"kind": ["new"]}')
    put("RedrivePolicy", json.dumps({"deadLetterTargetArn": queue(topic, "dead")}))
    put("RawMessageDelivery", "true")
    shown = of(sns, arn)
    assert (shown["FilterPolicyScope"], shown["RawMessageDelivery"]) == ("MessageBody", "true")
    assert "RedrivePolicy" in refused(put, name="RedrivePolicy", value="")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy")
    put("FilterPolicy", "{}")
    assert {"FilterPolicy", "FilterPolicyScope", "RedrivePolicy"}.isdisjoint(of(sns, arn))
    for name, value in (
        ("Nope", "1"),
        ("RawMessageDelivery", "perhaps"),
        ("FilterPolicyScope", ""),
        ("FilterPolicy", "{"),
        ("FilterPolicy", '{"a": "no list"}'),
        ("RedrivePolicy", '{"deadLetterTargetArn": "q"}'),
    ):
        assert refused(put, name=name, value=value).startswith("InvalidParameter"), (name, value)


def test_the_password_of_an_endpoint_does_not_show(sns, topic):
    asked = {"TopicArn": topic, "Protocol": "https", "Endpoint": "https://up:s3cret@example.org/a@b"}
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["Endpoint"] == of(sns, arn)["Endpoint"] == "https://up:****@example.org/a@b"
    assert sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"] == arn


def test_an_endpoint_is_one_of_its_protocol(sns, topic, refused):
    wrong = (("carrier", "pigeon"), ("https", "http://a"), ("email", "a"), ("sqs", "q"), ("sms", "x"))
    for protocol, endpoint in wrong:
        said = refused(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        assert said.startswith("InvalidParameter: Invalid "), said
    gone = refused(sns.subscribe, TopicArn=f"{topic}-2", Protocol="email", Endpoint="a@b.c")
    assert gone == "NotFound: Topic does not exist"


def test_lists_have_pages_of_a_hundred(sns, topic):
    for number in range(101):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(topic, f"q{number}"))
    first = sns.list_subscriptions_by_topic(TopicArn=topic)
    rest = sns.list_subscriptions_by_topic(TopicArn=topic, NextToken=first["NextToken"])
    assert (len(first["Subscriptions"]), len(rest["Subscriptions"])) == (100, 1) and "NextToken" not in rest


def test_the_dump_has_topics_and_subscriptions(sandbox):
    sns = sandbox.client("sns")
    topic = sns.create_topic(Name="orders", Tags=TAGS)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.c")
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(topic))["SubscriptionArn"]
    dump = sandbox.dump()
    assert [(each["id"], each["tags"]["Owner"]) for each in dump["sns.topic"]] == [(topic, "me")]
    assert [each["id"] for each in dump["sns.subscription"]] == [f"{topic}/email/a@b.c", arn]
