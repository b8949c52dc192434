"""A sandbox of its own for these tests; each test plays in an account nobody else uses."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

PACKAGE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ready = tmp_path_factory.mktemp("sandbox") / "ready.json"
    command = [sys.executable, "-m", "bullstra_sandbox", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
    while not ready.exists():
        assert process.poll() is None, "the sandbox ended at once"
        time.sleep(0.05)
    yield json.loads(ready.read_text())["endpoint"]
    process.terminate()
    process.wait()


@pytest.fixture
def client(server: str) -> Callable[[str], Any]:
    """Makes boto3 clients in an account of the test's own."""
    account = f"{random.randrange(10**12):012d}"
    session = boto3.Session(account, "secret", region_name="eu-central-1")
    config = Config(retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=server, config=config)


@pytest.fixture
def refused() -> Callable[..., str]:
    """Calls, and answers with the code and message AWS refuses with; fails where it does not."""

    def refuse(operation: Callable[..., Any], **params: Any) -> str:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        error = caught.value.response["Error"]
        return f"{error['Code']}: {error['Message']}"

    return refuse


@pytest.fixture
def until() -> Callable[..., Any]:
    """Asks again until the answer is the one wanted."""

    def wait(ask: Callable[[], Any], wanted: Any, seconds: float = 10) -> Any:
        deadline = time.monotonic() + seconds
        while (seen := ask()) != wanted:
            assert time.monotonic() < deadline, f"{seen!r} is still not {wanted!r}"
            time.sleep(0.02)
        return seen

    return wait
