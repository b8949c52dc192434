"""Faults: latency, refusals, throttling, cut connections, damaged answers, small pages."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

KEY, OTHER = "111122223333", "444455556666"


@pytest.fixture
def faults(sandbox):
    """Sets the faults of an access key."""

    def use(*faults, access_key=KEY, seed=7):
        query = f"?access_key={access_key}" if access_key else ""
        return sandbox.control(f"faults{query}", {"seed": seed, "faults": list(faults)})

    return use


def outcome(operation, **params):
    """A call's error code, or None."""
    try:
        operation(**params)
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]


def test_faults_are_of_one_access_key(sandbox, faults):
    faults({"do": {"refuse": {"status": 503}}})
    assert outcome(sandbox.client("ec2", KEY).describe_vpcs) == "Unavailable"
    assert outcome(sandbox.client("ec2", OTHER).describe_vpcs) is None
    faults()
    assert outcome(sandbox.client("ec2", KEY).describe_vpcs) is None


def test_faults_without_an_access_key_are_everybodys(sandbox, faults):
    faults({"do": {"refuse": {"status": 503}}}, access_key=None)
    assert outcome(sandbox.client("ec2", OTHER).describe_vpcs) == "Unavailable"
    sandbox.reset()
    assert outcome(sandbox.client("ec2", OTHER).describe_vpcs) is None


def test_a_fault_says_which_calls_how_many_and_from_when(sandbox, faults):
    match = {"service": "ec*", "operation": "Describe*", "mutating": False}
    faults({"match": match, "skip": 1, "times": 2, "do": {"refuse": {}}})
    ec2, ecs = sandbox.client("ec2", KEY), sandbox.client("ecs", KEY)
    assert outcome(ecs.list_clusters) is None
    assert [outcome(ec2.describe_vpcs) for _ in range(4)] == [None, "InternalError", "InternalError", None]
    (shown,) = sandbox.control("faults")["faults"]
    assert (shown["access_key"], shown["faults"][0]["met"], shown["faults"][0]["acted"]) == (KEY, 4, 2)


def test_chance_is_the_same_again_with_the_same_seed(sandbox, faults):
    ecs = sandbox.client("ecs", KEY)
    runs = []
    for seed in (1, 1, 2):
        faults({"probability": 0.5, "do": {"throttle": {}}}, seed=seed)
        runs.append([outcome(ecs.list_clusters) for _ in range(20)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {None, "ThrottlingException"}


def test_a_service_says_what_it_is_told_to(sandbox, faults):
    words = {"code": "InvalidParameterValue", "message": "IAM role ARN value is invalid"}
    match = {"service": "rds", "operation": "DescribeDBInstances"}
    faults({"match": match, "times": 1, "do": {"say": words}})
    rds = sandbox.client("rds", KEY)
    with pytest.raises(ClientError) as caught:
        rds.describe_db_instances()
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == tuple(words.values())
    assert outcome(rds.describe_db_instances) is None


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"do": {"refuse": {}}, "chance": 1}, "chance"),
        ({"do": {"refuse": {"states": 500}}}, "states"),
        ({"do": {"explode": {}}}, "explode"),
        ({"match": {"region": "x"}, "do": {"throttle": {}}}, "region"),
        ({"do": {"refuse": {"status": 200}}}, "400 to 599"),
        ({"do": {"refuse": {"status": 404}}}, "needs a code"),
        ({"do": {"garble": "eat"}}, "eat"),
        ({"probability": 2, "do": {"throttle": {}}}, "probability"),
        ({}, "do is"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(faults, wrong, named):
    with pytest.raises(urllib.error.HTTPError) as caught:
        faults(wrong)
    assert caught.value.code == 400
    assert named in json.load(caught.value)["error"]


def test_a_misspelt_access_key_is_not_everybody(sandbox):
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.control(f"faults?acces_key={KEY}", {"faults": []})
    assert "acces_key" in json.load(caught.value)["error"]


def test_latency_holds_up_nobody_else(sandbox, faults):
    faults({"match": {"service": "sts"}, "do": {"latency": {"fixed_ms": 300}}})
    began = time.monotonic()
    sandbox.client("sts", KEY).get_caller_identity()
    assert 0.3 <= time.monotonic() - began < 3


FAILURES = [
    ("ec2", "describe_vpcs", 500, "InternalError"),
    ("ec2", "describe_vpcs", 503, "Unavailable"),
    ("iam", "list_roles", 500, "ServiceFailure"),
    ("ecs", "list_clusters", 500, "ServerException"),
    ("kafka", "list_clusters_v2", 503, "ServiceUnavailableException"),
    ("rds", "describe_db_instances", 503, "ServiceUnavailable"),
]


@pytest.mark.parametrize("service, operation, status, code", FAILURES)
def test_failures_are_the_services_own(sandbox, faults, refused, service, operation, status, code):
    faults({"do": {"refuse": {"status": status}}})
    answer = refused(getattr(sandbox.client(service, KEY), operation))
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


THROTTLED = [
    ("ec2", "describe_vpcs", "RequestLimitExceeded", 503),
    ("elbv2", "describe_load_balancers", "ThrottlingException", 400),
    ("iam", "list_roles", "Throttling", 400),
    ("rds", "describe_db_instances", "Throttling", 400),
    ("ecs", "list_clusters", "ThrottlingException", 400),
    ("ecr", "describe_repositories", "ThrottlingException", 400),
    ("logs", "describe_log_groups", "ThrottlingException", 400),
    ("kafka", "list_clusters_v2", "TooManyRequestsException", 429),
    ("resourcegroupstaggingapi", "get_resources", "ThrottledException", 400),
]


@pytest.mark.parametrize("service, operation, code, status", THROTTLED)
def test_throttling_is_the_services_own(sandbox, faults, refused, service, operation, code, status):
    faults({"do": {"throttle": {}}})
    answer = refused(getattr(sandbox.client(service, KEY), operation))
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


@pytest.mark.parametrize("do, done", [("refuse", False), ("refuse_after", True)])
def test_a_failing_service_has_or_has_not_done_it(sandbox, faults, do, done):
    faults({"match": {"operation": "CreateCluster"}, "do": {do: {"status": 500}}})
    ecs = sandbox.client("ecs", KEY)
    assert outcome(ecs.create_cluster, clusterName="web") == "ServerException"
    assert len(ecs.list_clusters()["clusterArns"]) == done
    entry = sandbox.control(f"calls?access_key={KEY}")["calls"][0]
    assert (entry["faults"], entry["done"], entry["status"]) == ([do], done, 500)


@pytest.mark.parametrize("at, done", [("before", False), ("after", True)])
def test_a_cut_connection_gives_no_answer(sandbox, faults, at, done):
    faults({"match": {"operation": "CreateCluster"}, "do": {"cut": at}})
    ecs = sandbox.client("ecs", KEY)
    with pytest.raises(ConnectionClosedError):
        ecs.create_cluster(clusterName="web")
    assert len(ecs.list_clusters()["clusterArns"]) == done
    entry = sandbox.control(f"calls?access_key={KEY}")["calls"][0]
    assert (entry["faults"], entry["done"], entry["status"], entry["error"]) == (["cut"], done, 0, "ConnectionCut")


def test_faults_lie_around_each_other(sandbox, faults):
    faults({"do": {"latency": {"fixed_ms": 50}}}, {"do": {"cut": "after"}})
    with pytest.raises(ConnectionClosedError):
        sandbox.client("ecs", KEY).create_cluster(clusterName="web")
    assert sandbox.calls()[0]["faults"] == ["latency", "cut"]


@pytest.mark.parametrize("way", ["truncate", "flip", "html", "empty", "null"])
@pytest.mark.parametrize("service, operation", [("ec2", "describe_vpcs"), ("ecs", "describe_clusters")])
def test_damaged_answers_differ_from_good_ones(sandbox, faults, way, service, operation):
    ask = getattr(sandbox.client(service, KEY), operation)

    def answered():
        try:
            answer = ask()
            return answer | {"ResponseMetadata": None}
        except Exception as error:  # noqa: BLE001  (botocore trips over damage in many ways)
            return type(error).__name__

    good = answered()
    faults({"do": {"garble": way}})
    assert any(answered() != good for _ in range(6))
    faults()
    assert answered() == good


def names(sandbox, size=None):
    paginator = sandbox.client("ecs", KEY).get_paginator("list_clusters")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": size} if size else {}))
    return [[arn.rpartition("/")[2] for arn in page["clusterArns"]] for page in pages]


def test_short_pages_hold_one_item(sandbox, faults):
    ecs = sandbox.client("ecs", KEY)
    for name in ("a", "b", "c"):
        ecs.create_cluster(clusterName=name)
    faults({"do": {"pages": "short"}})
    assert names(sandbox) == [["a"], ["b"], ["c"]]
    assert names(sandbox, size=100) == [["a"], ["b"], ["c"]]


def test_repeating_pages_begin_with_the_last_item_and_one_is_empty(sandbox, faults):
    ecs = sandbox.client("ecs", KEY)
    for name in ("a", "b", "c"):
        ecs.create_cluster(clusterName=name)
    faults({"do": {"pages": "repeat"}})
    assert names(sandbox) == [["a"], [], ["a", "b"], ["b", "c"]]


PAGED = [
    ("ec2", "describe_subnets", "Subnets"),
    ("ec2", "describe_route_tables", "RouteTables"),
    ("iam", "list_policies", "Policies"),
    ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
    ("logs", "describe_log_groups", "logGroups"),
    ("ecr", "describe_repositories", "repositories"),
    ("kafka", "list_clusters_v2", "ClusterInfoList"),
    ("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList"),
]


@pytest.mark.parametrize("service, operation, key", PAGED)
def test_small_pages_hold_all_there_is(sandbox, faults, service, operation, key):
    client = sandbox.client(service, KEY)
    limited = {"Scope": "Local"} if operation == "list_policies" else {}
    whole = client.get_paginator(operation).paginate(**limited).build_full_result()[key]
    for way in ("short", "repeat"):
        faults({"do": {"pages": way}})
        seen = client.get_paginator(operation).paginate(**limited, PaginationConfig={"MaxItems": 40})
        seen = seen.build_full_result()[key]
        assert all(item in seen for item in whole[:20])


def test_what_a_call_lists_is_not_cut_into_pages(sandbox, faults):
    ec2 = sandbox.client("ec2", KEY)
    ids = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    faults({"do": {"pages": "short"}})
    assert len(ec2.describe_subnets()["Subnets"]) == 1
    assert len(ec2.describe_subnets(SubnetIds=ids)["Subnets"]) == len(ids) > 1


def test_pages_go_on_after_the_fault_is_gone(sandbox, faults):
    ecs = sandbox.client("ecs", KEY)
    for name in ("a", "b"):
        ecs.create_cluster(clusterName=name)
    faults({"do": {"pages": "short"}, "times": 1})
    token = ecs.list_clusters()["nextToken"]
    faults()
    assert ecs.list_clusters(nextToken=token)["clusterArns"][0].endswith("/b")


def test_clients_that_go_away_leave_the_sandbox_well(sandbox, faults):
    faults({"do": {"latency": {"fixed_ms": 200}}}, access_key=None)
    host, _, port = sandbox.endpoint.removeprefix("http://").partition(":")
    for _ in range(80):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
                b"X-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\nAuthorization: AWS4-HMAC-SHA256 "
                b"Credential=a/20260101/eu-central-1/ecs/aws4_request\r\nContent-Length: 2\r\n\r\n{}"
            )
    faults(access_key=None)
    began = time.monotonic()
    sandbox.client("ecs").list_clusters()
    assert time.monotonic() - began < 5


def test_replay_answers_reads_as_before_and_lets_changes_through(sandbox, faults):
    ec2 = sandbox.client("ec2", KEY)
    before = len(ec2.describe_vpcs()["Vpcs"])
    faults({"do": {"replay": {}}})
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    assert len(ec2.describe_vpcs(MaxResults=100)["Vpcs"]) == before + 1, "asked otherwise"
    faults({"do": {"replay": {}}})
    assert len(ec2.describe_vpcs()["Vpcs"]) == before + 1, "set anew"


def test_the_time_of_answers_can_be_another(sandbox, faults):
    sts = sandbox.client("sts", KEY)

    def ahead():
        said = sts.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(said).timestamp() - time.time()

    assert abs(ahead()) < 5
    faults({"match": {"service": "sts"}, "do": {"date": {"seconds": 43200}}})
    assert abs(ahead() - 43200) < 5
    faults({"do": {"date": {"seconds": -600}}})
    assert abs(ahead() + 600) < 5
    with pytest.raises(urllib.error.HTTPError):
        faults({"do": {"date": {"seconds": 0}}})


def test_the_record_tells_pages_after_the_first(sandbox):
    ec2 = sandbox.client("ec2", KEY)
    for number in range(7):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    list(ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    calls = sandbox.control(f"calls?access_key={KEY}")["calls"]
    assert [call["follows"] for call in calls if call["operation"] == "DescribeVpcs"] == [False, True]


def test_what_was_made_a_moment_ago_is_not_known_to_writes(sandbox, faults):
    ec2 = sandbox.client("ec2", KEY)
    faults({"match": {"service": "ec2", "mutating": True}, "do": {"late": {"seconds": 0.5}}})
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    table = {"VpcId": vpc, "ClientToken": "one"}
    tags = {"Resources": [vpc], "Tags": [{"Key": "Name", "Value": "web"}]}
    assert outcome(ec2.create_tags, **tags) == "InvalidVpcID.NotFound"
    assert outcome(ec2.create_route_table, **table) == "InvalidVpcID.NotFound"
    # Reads are not its business.
    assert outcome(ec2.describe_vpcs, VpcIds=[vpc]) is None
    time.sleep(0.6)
    assert outcome(ec2.create_tags, **tags) is None
    made = ec2.create_route_table(**table)["RouteTable"]["RouteTableId"]
    assert outcome(ec2.delete_route_table, RouteTableId=made) == "InvalidRouteTableID.NotFound"
    # The same token answers with the same table, which nothing has made twice.
    assert ec2.create_route_table(**table)["RouteTable"]["RouteTableId"] == made
