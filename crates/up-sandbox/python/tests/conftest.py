"""A sandbox of the tests' own, and boto3 clients to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

PACKAGE = Path(__file__).parent.parent
REGION = "eu-central-1"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"


class Running:
    """A sandbox process."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def client(self, service: str, access_key: str = ACCESS_KEY, region: str = REGION) -> Any:
        """A boto3 client that leaves validation to the other side and asks once."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def control(self, name: str, body: Any = None, method: str | None = None) -> Any:
        """What a control endpoint answers; with a body it is asked by POST."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/{name}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """Empties the world."""
        self.control("reset", method="POST")

    def calls(self) -> list[dict[str, Any]]:
        """Every call since the last reset."""
        return self.control("calls")["calls"]

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """All resources by type."""
        found: dict[str, list[dict[str, Any]]] = {}
        for resource in self.control(f"dump?region={REGION}")["resources"]:
            found.setdefault(resource["type"], []).append(resource)
        return found


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ready = tmp_path_factory.mktemp("sandbox") / "ready.json"
    log = ready.with_name("log")
    command = [sys.executable, "-m", "bullstra_sandbox", "--ready-file", str(ready)]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(PACKAGE)}, stdout=output, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert child.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    running = Running(json.loads(ready.read_text())["endpoint"])
    yield running
    unread = running.control("unread")["unread"]
    child.terminate()
    child.wait(10)
    # A hook is to read them, or the service's value lists them as `ignored`, with the reason.
    named = [f"{each['service']}.{each['operation']}.{each['member']}" for each in unread]
    assert not named, f"neither moto nor a hook reads {', '.join(named)}"


@pytest.fixture
def sandbox(process: Running) -> Running:
    """A sandbox in which nothing has happened yet."""
    process.reset()
    return process


@pytest.fixture
def refused() -> Callable[..., Any]:
    """Calls an operation that has to be refused, and gives the error."""
    from botocore.exceptions import ClientError

    def call(operation: Callable[..., Any], **params: Any) -> Any:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        return caught.value.response

    return call
