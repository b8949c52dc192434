"""What a hook can do, with a sandbox in this process."""

import json
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from waitress.server import create_server

from bullstra_sandbox import hooks, world
from bullstra_sandbox.call import Refusal
from bullstra_sandbox.hooks import around


@pytest.fixture
def client(monkeypatch):
    """Clients to a sandbox that has only the hooks a test registers."""
    from bullstra_sandbox.server import Sandbox

    hooks.load_services()
    monkeypatch.setattr(hooks, "_hooks", {})
    monkeypatch.setattr(hooks, "load_services", lambda: None)
    world.reset()
    server = create_server(Sandbox(), host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield lambda service: boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{server.effective_port}",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    server.close()


def test_a_hook_refuses_in_the_services_protocol(client):
    refusals = {
        "ec2": ("CreateVpc", lambda ec2: ec2.create_vpc(CidrBlock="10.0.0.0/16")),
        "elbv2": ("DescribeLoadBalancers", lambda elbv2: elbv2.describe_load_balancers()),
        "ecs": ("ListClusters", lambda ecs: ecs.list_clusters()),
        "kafka": ("ListClustersV2", lambda kafka: kafka.list_clusters_v2()),
        "route53": ("ListHostedZones", lambda route53: route53.list_hosted_zones()),
    }
    for service, (operation, ask) in refusals.items():

        @around(service, operation)
        def no(call, proceed):
            raise Refusal("Nope", f"not {call.operation}", 409)

        with pytest.raises(ClientError) as caught:
            ask(client(service))
        assert caught.value.response["Error"]["Code"] == "Nope", service
        assert caught.value.response["Error"]["Message"] == f"not {operation}", service
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409, service


def test_a_hook_changes_the_answer(client):
    @around("ec2", "DescribeVpcs")
    def only_mine(call, proceed):
        answer = proceed()
        answer["Vpcs"] = [{**vpc, "State": "pending"} for vpc in answer["Vpcs"]]
        return answer

    (vpc,) = client("ec2").describe_vpcs()["Vpcs"]
    assert vpc["State"] == "pending" and vpc["CidrBlock"] == "172.31.0.0/16"


def test_a_hook_changes_the_request(client):
    @around("ec2", "CreateVpc")
    def larger(call, proceed):
        proceed({**call.params, "CidrBlock": "10.0.0.0/16"})

    assert client("ec2").create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["CidrBlock"] == "10.0.0.0/16"


def test_hooks_run_in_order_and_see_refusals(client):
    seen = []

    @around("ecs", "*")
    def outer(call, proceed):
        seen.append("outer")
        try:
            return proceed()
        except Refusal as refusal:
            seen.append(refusal.code)
            raise

    @around("ecs", "DeleteCluster", "DeleteService")
    def inner(call, proceed):
        seen.append("inner")
        return proceed()

    with pytest.raises(ClientError):
        client("ecs").delete_cluster(cluster="none")
    assert seen == ["outer", "inner", "ClusterNotFoundException"]


def test_a_hook_answers_what_moto_has_not(client):
    @around("kafka", "CreateConfiguration")
    def create(call, proceed):
        arn = call.arn("kafka", f"configuration/{call.params['Name']}/1")
        world.store("kafka", call)[arn] = call.params
        return {"Arn": arn, "Name": call.params["Name"], "State": "ACTIVE", "CreationTime": "2026-01-01T00:00:00Z"}

    made = client("kafka").create_configuration(Name="a", ServerProperties=b"x=1", KafkaVersions=["3.6.0"])
    assert made["Arn"] == "arn:aws:kafka:eu-central-1:123456789012:configuration/a/1"
    assert made["CreationTime"].year == 2026


def test_a_hook_asks_other_services_and_motos_own_objects(client):
    @around("ecs", "ListClusters")
    def look(call, proceed):
        vpcs = call.ask("ec2", "DescribeVpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        assert vpcs[0]["VpcId"] in world.backend("ec2", call).vpcs
        assert world.backend("iam", call).account_id == call.account
        return {"clusterArns": [vpcs[0]["VpcId"]]}

    assert client("ecs").list_clusters()["clusterArns"][0].startswith("vpc-")


def test_a_defect_of_a_hook_is_told_apart_from_aws(client):
    @around("ecs", "ListClusters")
    def broken(call, proceed):
        return {}["nothing"]

    with pytest.raises(ClientError) as caught:
        client("ecs").list_clusters()
    assert caught.value.response["Error"]["Code"] == "SandboxFailure"


def test_a_misspelt_operation_is_noticed_at_once():
    with pytest.raises(ValueError, match="DescribeVpc"):
        around("ec2", "DescribeVpc")


def test_a_lifecycle_takes_scaled_time(client, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(world, "clock", lambda: now[0])
    monkeypatch.setattr(world.lifecycle, "time_scale", 115.0)
    phases = []

    @around("ec2", "DescribeNatGateways")
    def describe(call, proceed):
        phases.append(world.lifecycle.phase(call, "ec2.nat_gateway", "nat-1"))
        return proceed()

    @around("ec2", "DescribeAddresses")
    def begin(call, proceed):
        world.lifecycle.creating(call, "ec2.nat_gateway", "nat-1")

    ec2 = client("ec2")
    ec2.describe_nat_gateways()
    ec2.describe_addresses()
    ec2.describe_nat_gateways()
    now[0] += 1.1
    ec2.describe_nat_gateways()
    assert phases == ["ready", "creating", "ready"]
    assert json.dumps(world.lifecycle.seconds("ec2.nat_gateway")) == "1.0"
