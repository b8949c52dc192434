"""The record of calls, credentials, accounts, regions and request ids."""

import pytest


def test_every_call_is_recorded(sandbox, refused):
    ec2 = sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.describe_subnets()
    answer = refused(ec2.create_subnet, VpcId="vpc-12345678", CidrBlock="10.0.0.0/24")
    made, read, failed = sandbox.calls()
    assert (made["service"], made["operation"], made["mutating"], made["status"]) == ("ec2", "CreateVpc", True, 200)
    assert (read["operation"], read["mutating"]) == ("DescribeSubnets", False)
    assert (failed["status"], failed["error"]) == (400, "InvalidVpcID.NotFound")
    assert failed["resources"] == ["vpc-12345678"]
    assert failed["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert vpc.startswith("vpc-")


def test_calls_can_be_read_from_a_number_on(sandbox):
    sts = sandbox.client("sts")
    sts.get_caller_identity()
    last = sandbox.control("calls")["last"]
    sts.get_caller_identity()
    assert [call["sequence"] for call in sandbox.control(f"calls?since={last}")["calls"]] == [last + 1]
    assert sandbox.control(f"calls?since={last + 1}")["calls"] == []


def test_request_ids_are_never_the_same(sandbox):
    for service, operation in [("ec2", "describe_vpcs"), ("iam", "list_roles"), ("ecs", "list_clusters")]:
        asked = getattr(sandbox.client(service), operation)
        assert len({asked()["ResponseMetadata"]["RequestId"] for _ in range(3)}) == 3


EXPIRED = [
    ("sts", "get_caller_identity", "ExpiredToken", 403),
    ("ec2", "describe_vpcs", "RequestExpired", 400),
    ("ecs", "list_clusters", "ExpiredTokenException", 400),
    ("kafka", "list_clusters_v2", "ExpiredTokenException", 403),
]
INVALID = [
    ("sts", "get_caller_identity", "InvalidClientTokenId", 403),
    ("ec2", "describe_vpcs", "AuthFailure", 401),
    ("ecs", "list_clusters", "UnrecognizedClientException", 400),
    ("kafka", "list_clusters_v2", "UnrecognizedClientException", 403),
]


@pytest.mark.parametrize("key, cases", [("EXPIRED", EXPIRED), ("INVALID", INVALID)])
def test_useless_credentials_are_refused(sandbox, refused, key, cases):
    for service, operation, code, status in cases:
        answer = refused(getattr(sandbox.client(service, access_key=key), operation))
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_any_access_key_is_the_default_account(sandbox):
    assert sandbox.client("sts", access_key="test").get_caller_identity()["Account"] == "123456789012"


def test_twelve_digits_are_an_account_of_their_own(sandbox):
    other = "210987654321"
    assert sandbox.client("sts", access_key=other).get_caller_identity()["Account"] == other
    sandbox.client("ecs", access_key=other).create_cluster(clusterName="web")
    assert sandbox.client("ecs").list_clusters()["clusterArns"] == []


def test_regions_are_apart(sandbox):
    sandbox.client("ecs", region="eu-west-1").create_cluster(clusterName="web")
    assert sandbox.client("ecs").list_clusters()["clusterArns"] == []


def test_an_unknown_operation_is_no_error_an_sdk_tries_again(sandbox, refused):
    answer = refused(sandbox.client("kafka").list_vpc_connections)
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)


def test_names_with_slashes_and_spaces_reach_their_resource(sandbox):
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="a-bucket", Key="a/b c", Body=b"hello")
    assert s3.get_object(Bucket="a-bucket", Key="a/b c")["Body"].read() == b"hello"
    assert s3.head_object(Bucket="a-bucket", Key="a/b c")["ContentLength"] == 5


def test_the_record_says_which_kind_and_verb_made_a_call(sandbox):
    ec2 = sandbox.client("ec2")
    ec2.describe_vpcs()
    agent = "aws-sdk-rust/1.4 ua/2.1 app/bullstra-up md/ec2.vpc#observe"
    ec2.meta.events.register("before-send", lambda request, **_: request.headers.update({"User-Agent": agent}))
    ec2.describe_vpcs()
    assert [call["caller"] for call in sandbox.calls()] == ["", "ec2.vpc#observe"]
