"""Forgetting an account: all that is in it, and all that was said of it."""

from __future__ import annotations

import urllib.error

import pytest

KEY, OTHER = "111122223333", "444455556666"


def test_an_account_is_forgotten_and_the_others_are_not(sandbox):
    for key in (KEY, OTHER):
        sandbox.client("ecs", key).create_cluster(clusterName="web")
        sandbox.client("ec2", key).create_vpc(CidrBlock="10.0.0.0/16")
    sandbox.control(f"faults?access_key={KEY}", {"faults": [{"do": {"stale": {"seconds": 60}}}]})
    sandbox.client("ecs", KEY).create_cluster(clusterName="db")
    assert sandbox.control(f"forget?access_key={KEY}", method="POST") == {"account": KEY}
    assert sandbox.control("faults")["faults"] == []
    assert sandbox.control(f"calls?access_key={KEY}")["calls"] == []
    callers = {call["access_key"] for call in sandbox.calls()}
    assert OTHER in callers and KEY not in callers
    assert sandbox.client("ecs", KEY).list_clusters()["clusterArns"] == []
    assert len(sandbox.client("ec2", KEY).describe_vpcs()["Vpcs"]) == 1
    assert len(sandbox.client("ecs", OTHER).list_clusters()["clusterArns"]) == 1
    assert len(sandbox.client("ec2", OTHER).describe_vpcs()["Vpcs"]) == 2


def test_calls_after_a_number_are_found_when_others_are_forgotten(sandbox):
    sandbox.client("sts", KEY).get_caller_identity()
    last = sandbox.control("calls")["last"]
    for key in (OTHER, KEY, OTHER):
        sandbox.client("sts", key).get_caller_identity()
    sandbox.control(f"forget?access_key={OTHER}", method="POST")
    assert [call["sequence"] for call in sandbox.control(f"calls?since={last}")["calls"]] == [last + 2]
    assert [call["sequence"] for call in sandbox.control(f"calls?since={last}&access_key={KEY}")["calls"]] == [last + 2]


def test_forgetting_wants_an_access_key(sandbox):
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.control("forget", method="POST")
    assert caught.value.code == 400


def test_memory_of_forgotten_accounts_is_used_again(sandbox):
    pid = sandbox.control("health")["pid"]

    def megabytes():
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096 / 1e6

    def use(numbers):
        for number in numbers:
            key = f"{number:012d}"
            sandbox.client("ec2", key).create_vpc(CidrBlock="10.0.0.0/16")
            sandbox.client("iam", key).list_roles()
            sandbox.control(f"forget?access_key={key}", method="POST")

    use(range(1, 6))
    before = megabytes()
    use(range(6, 16))
    assert megabytes() - before < 30
