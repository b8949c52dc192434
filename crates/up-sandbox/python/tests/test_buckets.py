"""Token buckets, as AWS publishes them."""

from __future__ import annotations

import json
import time
import urllib.error

import pytest
from botocore.exceptions import ClientError

KEY, OTHER = "111122223333", "444455556666"


def passed(operation, count, **params):
    """How many calls of so many get through."""
    through = 0
    for _ in range(count):
        try:
            operation(**params)
            through += 1
        except ClientError as error:
            if error.response["Error"]["Code"] in ("RequestLimitExceeded", "Throttling", "ThrottlingException"):
                continue
            through += 1
    return through


def test_buckets_are_off_until_they_are_set(sandbox):
    assert sandbox.control("config")["buckets"] is None
    assert passed(sandbox.client("ec2", KEY).delete_vpc_endpoints, 8, VpcEndpointIds=["vpce-12345678"]) == 8


def test_a_bucket_holds_as_many_calls_as_aws_says_and_fills_again(sandbox):
    assert sandbox.control("config", {"buckets": {"scale": 1.0}})["buckets"] == {"scale": 1.0}
    delete = sandbox.client("ec2", KEY).delete_vpc_endpoints
    assert passed(delete, 8, VpcEndpointIds=["vpce-12345678"]) == 4
    time.sleep(1 / 0.3)
    assert passed(delete, 3, VpcEndpointIds=["vpce-12345678"]) == 1


def test_buckets_are_per_account_region_and_operation(sandbox):
    sandbox.control("config", {"buckets": {"scale": 1.0}})
    missing = {"VpcEndpointIds": ["vpce-12345678"]}
    assert passed(sandbox.client("ec2", KEY).delete_vpc_endpoints, 6, **missing) == 4
    assert passed(sandbox.client("ec2", KEY, "eu-west-1").delete_vpc_endpoints, 6, **missing) == 4
    assert passed(sandbox.client("ec2", OTHER).delete_vpc_endpoints, 6, **missing) == 4
    assert passed(sandbox.client("ec2", KEY).modify_vpc_endpoint, 3, VpcEndpointId="vpce-12345678") == 3


def test_the_scale_takes_from_capacity_and_refill(sandbox):
    sandbox.control("config", {"buckets": {"scale": 0.5}})
    assert passed(sandbox.client("ec2", KEY).delete_vpc_endpoints, 6, VpcEndpointIds=["vpce-12345678"]) == 2


def test_load_balancers_have_one_bucket_for_all_calls_and_one_for_changes(sandbox):
    sandbox.control("config", {"buckets": {"scale": 0.1}})
    elb = sandbox.client("elbv2", KEY)
    # 4 calls of all, 2 of which may change something, 1 of which may make a load balancer.
    assert passed(elb.create_load_balancer, 2, Name="web") == 1
    assert passed(elb.delete_target_group, 2, TargetGroupArn="x") == 1
    assert passed(elb.describe_load_balancers, 3) in (2, 3)


def test_an_unfiltered_list_of_instances_is_dearer(sandbox):
    sandbox.control("config", {"buckets": {"scale": 0.02}})
    ec2 = sandbox.client("ec2", KEY)
    assert passed(ec2.describe_instances, 3) == 1
    assert passed(ec2.describe_instances, 2, MaxResults=5) == 2


def test_a_bucket_goes_by_when_a_call_arrives(sandbox):
    sandbox.control("config", {"buckets": {"scale": 0.05}})
    describe = sandbox.client("ec2", KEY).describe_vpcs
    assert passed(describe, 6) == 5
    late = {"match": {"operation": "DescribeVpcs"}, "do": {"latency": {"fixed_ms": 1100}}}
    sandbox.control(f"faults?access_key={KEY}", {"faults": [late]})
    assert passed(describe, 1) == 0
    assert passed(describe, 1) == 1


def test_throttled_calls_are_recorded(sandbox):
    sandbox.control("config", {"buckets": {"scale": 0.1}})
    passed(sandbox.client("ec2", KEY).delete_vpc_endpoints, 2, VpcEndpointIds=["vpce-12345678"])
    calls = sandbox.control(f"calls?access_key={KEY}")["calls"]
    assert [(call["error"], call["done"]) for call in calls][1] == ("RequestLimitExceeded", False)


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"size": 1}, 3, {"scale": "x"}])
def test_a_scale_that_cannot_be_meant_is_refused(sandbox, wrong):
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.control("config", {"buckets": wrong})
    assert "scale" in json.load(caught.value)["error"]
