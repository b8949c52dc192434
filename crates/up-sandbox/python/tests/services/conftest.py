"""What the tests of the services share; each test plays in an account nobody else uses, so none waits for a reset."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def client(process: Any) -> Callable[[str], Any]:
    """Makes boto3 clients in an account of the test's own."""
    account = f"{random.randrange(10**12):012d}"
    return lambda service: process.client(service, access_key=account)


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


@pytest.fixture
def slowly(process: Any) -> Iterator[None]:
    """Deletions last long enough to be met on a busy machine."""
    process.control("config", {"time_scale": 40})
    yield
    process.control("config", {"time_scale": 600})


@pytest.fixture
def network(client: Callable[[str], Any]) -> dict[str, Any]:
    """A VPC with an internet gateway, three subnets in three zones, and a security group."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("abc")
    ]
    group = ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "gateway": gateway, "subnets": subnets, "group": group}
