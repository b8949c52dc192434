"""Calls that are held until a test releases them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from botocore.exceptions import ConnectionClosedError

KEY = "111122223333"

CLIENT = """
import boto3, sys
boto3.client("ecs", endpoint_url=sys.argv[1], region_name="eu-central-1", aws_access_key_id=sys.argv[2],
             aws_secret_access_key="x").create_cluster(clusterName="web")
"""


class Asking(threading.Thread):
    """A call under way, and what came of it."""

    def __init__(self, operation, **params):
        super().__init__(daemon=True)
        self.operation, self.params, self.outcome = operation, params, None
        self.start()

    def run(self):
        try:
            self.outcome = self.operation(**self.params)
        except Exception as error:  # noqa: BLE001
            self.outcome = error

    def result(self):
        self.join(10)
        assert not self.is_alive()
        return self.outcome


def hold(sandbox, at, **more):
    fault = {"match": {"operation": "CreateCluster"}, "do": {"hold": at}, **more}
    sandbox.control(f"faults?access_key={KEY}", {"faults": [fault]})


def held(sandbox, wait=10):
    return sandbox.control(f"held?access_key={KEY}&wait={wait}")["held"]


def clusters(sandbox):
    return len(sandbox.client("ecs", KEY).list_clusters()["clusterArns"])


@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("then", ["go_on", "drop"])
def test_a_held_call_goes_on_or_is_dropped(sandbox, at, then):
    hold(sandbox, at)
    assert held(sandbox, wait=0) == []
    asking = Asking(sandbox.client("ecs", KEY).create_cluster, clusterName="web")
    (waiting,) = held(sandbox)
    assert (waiting["service"], waiting["operation"], waiting["at"]) == ("ecs", "CreateCluster", at)
    assert clusters(sandbox) == (at == "after")
    assert sandbox.control("release", {"id": waiting["id"], "then": then})["released"] == [waiting["id"]]
    outcome = asking.result()
    assert isinstance(outcome, ConnectionClosedError if then == "drop" else dict)
    assert clusters(sandbox) == (at == "after" or then == "go_on")


def test_all_calls_of_a_key_are_released_at_once(sandbox):
    hold(sandbox, "before")
    ecs = sandbox.client("ecs", KEY)
    asking = [Asking(ecs.create_cluster, clusterName=name) for name in ("a", "b", "c")]
    while len(held(sandbox)) < 3:
        time.sleep(0.02)
    assert len(sandbox.control(f"release?access_key={KEY}", {"then": "go_on"})["released"]) == 3
    assert all(isinstance(each.result(), dict) for each in asking)


def test_the_call_of_a_killed_client_is_carried_out_when_it_goes_on(sandbox):
    hold(sandbox, "before", times=1)
    client = subprocess.Popen([sys.executable, "-c", CLIENT, sandbox.endpoint, KEY])
    (waiting,) = held(sandbox, wait=30)
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    assert clusters(sandbox) == 0
    sandbox.control("release", {"id": waiting["id"], "then": "go_on"})
    until = time.monotonic() + 5
    while not clusters(sandbox) and time.monotonic() < until:
        time.sleep(0.02)
    assert clusters(sandbox) == 1


def test_a_reset_ends_held_calls(sandbox):
    hold(sandbox, "before")
    asking = Asking(sandbox.client("ecs", KEY).create_cluster, clusterName="web")
    held(sandbox)
    sandbox.reset()
    assert isinstance(asking.result(), ConnectionClosedError)
    assert clusters(sandbox) == 0


def test_what_is_held_with_a_world_set_back_stops_nobody(sandbox):
    stale = {"do": {"stale": {"seconds": 60}}}
    sandbox.control("faults", {"faults": [stale]})
    hold = {"match": {"operation": "ListClusters"}, "do": {"hold": "before"}, "times": 1}
    sandbox.control(f"faults?access_key={KEY}", {"faults": [hold]})
    asking = Asking(sandbox.client("ecs", KEY).list_clusters)
    (waiting,) = held(sandbox)
    sandbox.client("sts", "444455556666").get_caller_identity()
    sandbox.control("release", {"id": waiting["id"]})
    assert isinstance(asking.result(), dict)


def test_a_call_nobody_releases_is_dropped_in_the_end(monkeypatch):
    from bullstra_sandbox import held as module

    monkeypatch.setattr(module, "BOUND", 0.05)
    assert module.hold(object(), module.BEFORE) == module.DROP
    assert list(module.of(None)) == []
