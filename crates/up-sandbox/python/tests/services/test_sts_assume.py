"""Roles: whom they trust, and what their keys can do for how long."""

import json
import random
import time

import boto3
import pytest
from botocore.config import Config


@pytest.fixture
def account():
    return f"{random.randrange(10**12):012d}"


@pytest.fixture
def role(process, account):
    """Makes a role in an account of its own, and gives its ARN."""

    def make(principal="*", condition=None, seconds=None):
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        if condition:
            statement["Condition"] = condition
        tags = [{"Key": "sandbox:session-seconds", "Value": str(seconds)}] if seconds else []
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = process.client("iam", access_key=account).create_role(
            RoleName="deployer", AssumeRolePolicyDocument=policy, Tags=tags
        )
        return made["Role"]["Arn"]

    return make


def as_role(process, service, credentials, token=True):
    return boto3.client(
        service,
        endpoint_url=process.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"] if token else None,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_calls_of_a_session_are_made_in_the_role_s_account(process, client, role, account):
    answer = client("sts").assume_role(RoleArn=role(), RoleSessionName="test")
    identity = as_role(process, "sts", answer["Credentials"]).get_caller_identity()
    assert identity["Account"] == account
    assert identity["Arn"] == f"arn:aws:sts::{account}:assumed-role/deployer/test"
    as_role(process, "ecs", answer["Credentials"]).create_cluster(clusterName="web")
    assert len(process.client("ecs", access_key=account).list_clusters()["clusterArns"]) == 1
    assert client("ecs").list_clusters()["clusterArns"] == []


def test_a_session_needs_its_token(process, client, role, refused):
    session = client("sts").assume_role(RoleArn=role(), RoleSessionName="test")["Credentials"]
    without = as_role(process, "ecs", session, token=False)
    assert refused(without.list_clusters).startswith("UnrecognizedClientException")


def test_a_session_ends_when_it_said(process, client, role, refused):
    session = client("sts").assume_role(RoleArn=role(seconds=1), RoleSessionName="test")["Credentials"]
    left = session["Expiration"].timestamp() - time.time()
    assert left <= 1
    time.sleep(max(0, left))
    assert refused(as_role(process, "ecs", session).list_clusters).startswith("ExpiredTokenException")
    assert refused(as_role(process, "ec2", session).describe_vpcs).startswith("RequestExpired")


def test_a_role_may_end_its_sessions(process, client, role, account, refused):
    session = client("sts").assume_role(RoleArn=role(), RoleSessionName="test")["Credentials"]
    ecs = as_role(process, "ecs", session)
    assert ecs.list_clusters()["clusterArns"] == []
    tags = [{"Key": "sandbox:session-seconds", "Value": "0"}]
    process.client("iam", access_key=account).tag_role(RoleName="deployer", Tags=tags)
    assert refused(ecs.list_clusters).startswith("ExpiredTokenException")


def test_a_session_lasts_an_hour_or_as_long_as_asked(client, role):
    sts, arn = client("sts"), role()
    left = lambda answer: answer["Credentials"]["Expiration"].timestamp() - time.time()  # noqa: E731
    assert 3590 < left(sts.assume_role(RoleArn=arn, RoleSessionName="test")) <= 3600
    assert 890 < left(sts.assume_role(RoleArn=arn, RoleSessionName="test", DurationSeconds=900)) <= 900


def test_whom_a_role_does_not_trust_may_not_assume_it(client, role, refused):
    sts = client("sts")
    caller = sts.get_caller_identity()["Arn"]
    arn = role(principal="arn:aws:iam::111122223333:root")
    denied = f"AccessDenied: User: {caller} is not authorized to perform: sts:AssumeRole on resource: "
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="test") == denied + arn
    nobody = arn.replace("deployer", "nobody")
    assert refused(sts.assume_role, RoleArn=nobody, RoleSessionName="test") == denied + nobody


def test_an_external_id_has_to_fit(client, role, refused):
    sts = client("sts")
    arn = role(condition={"StringEquals": {"sts:ExternalId": "shop"}})
    assert "not authorized" in refused(sts.assume_role, RoleArn=arn, RoleSessionName="test")
    assert "not authorized" in refused(sts.assume_role, RoleArn=arn, RoleSessionName="test", ExternalId="other")
    sts.assume_role(RoleArn=arn, RoleSessionName="test", ExternalId="shop")


def test_a_role_may_want_a_code(client, role, refused):
    sts = client("sts")
    serial = f"arn:aws:iam::{sts.get_caller_identity()['Account']}:mfa/phone"
    asked = {"RoleArn": role(condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), "RoleSessionName": "test"}
    assert "not authorized" in refused(sts.assume_role, **asked)
    assert "invalid MFA" in refused(sts.assume_role, **asked, SerialNumber=serial, TokenCode="000000")
    stranger = "arn:aws:iam::111122223333:mfa/phone"
    assert "unable to validate" in refused(sts.assume_role, **asked, SerialNumber=stranger, TokenCode="123456")
    sts.assume_role(**asked, SerialNumber=serial, TokenCode="123456")


def test_assuming_a_role_changes_nothing(process, client, role, account):
    arn = role()
    last = process.control("calls")["last"]
    session = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    as_role(process, "ecs", session).list_clusters()
    assumed, listed = process.control(f"calls?since={last}")["calls"][:2]
    assert (assumed["operation"], assumed["mutating"]) == ("AssumeRole", False)
    assert listed["account"] == account
