"""Reads that see a service as it was some seconds ago."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

KEY, OTHER = "111122223333", "444455556666"


@pytest.fixture
def stale(sandbox):
    """Has the reads of an access key see the world of so many seconds ago."""

    def use(seconds=60, match=None, **more):
        fault = {"match": match or {}, "do": {"stale": {"seconds": seconds}}, **more}
        sandbox.control(f"faults?access_key={KEY}", {"seed": 7, "faults": [fault]})

    return use


def fresh(sandbox):
    """Ends the staleness."""
    sandbox.control(f"faults?access_key={KEY}", {"faults": []})


def code(operation, **params):
    """A call's error code, or None."""
    try:
        operation(**params)
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]


def test_what_was_made_since_is_not_found(sandbox, stale):
    stale()
    ec2 = sandbox.client("ec2", KEY)
    before = len(ec2.describe_vpcs()["Vpcs"])
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    assert code(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    # What changes something sees the truth.
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    fresh(sandbox)
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"] == vpc


def test_what_was_deleted_or_changed_since_is_as_it_was(sandbox, stale):
    ec2 = sandbox.client("ec2", KEY)
    gone, kept = (ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    stale()
    ec2.delete_vpc(VpcId=gone)
    ec2.create_tags(Resources=[kept], Tags=[{"Key": "Name", "Value": "web"}])
    ec2.modify_vpc_attribute(VpcId=kept, EnableDnsHostnames={"Value": True})

    def seen():
        found = {vpc["VpcId"]: vpc.get("Tags", []) for vpc in ec2.describe_vpcs()["Vpcs"]}
        attribute = ec2.describe_vpc_attribute(VpcId=kept, Attribute="enableDnsHostnames")
        return gone in found, found[kept], attribute["EnableDnsHostnames"]["Value"]

    assert seen() == (True, [], False)
    fresh(sandbox)
    assert seen() == (False, [{"Key": "Name", "Value": "web"}], True)


def test_time_goes_on_in_the_past_too(sandbox, stale):
    stale(seconds=1)
    ec2 = sandbox.client("ec2", KEY)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert code(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    time.sleep(1.1)
    assert code(ec2.describe_vpcs, VpcIds=[vpc]) is None


def test_replicas_disagree(sandbox, stale):
    stale(probability=0.5)
    ecs = sandbox.client("ecs", KEY)
    ecs.create_cluster(clusterName="web")
    assert {len(ecs.list_clusters()["clusterArns"]) for _ in range(20)} == {0, 1}


def test_other_accounts_see_the_present(sandbox, stale):
    stale()
    ecs = sandbox.client("ecs", OTHER)
    ecs.create_cluster(clusterName="web")
    assert len(ecs.list_clusters()["clusterArns"]) == 1


def subnets(sandbox):
    ec2 = sandbox.client("ec2", KEY)
    return [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]


def kafka_cluster(sandbox):
    return {
        "ClusterName": "web",
        "Provisioned": {
            "KafkaVersion": "3.6.0",
            "NumberOfBrokerNodes": 2,
            "BrokerNodeGroupInfo": {"ClientSubnets": subnets(sandbox), "InstanceType": "kafka.m5.large"},
        },
    }


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "ecs.amazonaws.com"}}]}'
)
MADE = [
    ("iam", "create_role", {"RoleName": "web", "AssumeRolePolicyDocument": TRUST}, "list_roles", "Roles"),
    ("ecs", "create_cluster", {"clusterName": "web"}, "list_clusters", "clusterArns"),
    ("ecr", "create_repository", {"repositoryName": "web"}, "describe_repositories", "repositories"),
    ("logs", "create_log_group", {"logGroupName": "web"}, "describe_log_groups", "logGroups"),
    ("kafka", "create_cluster_v2", kafka_cluster, "list_clusters_v2", "ClusterInfoList"),
    (
        "rds",
        "create_db_subnet_group",
        lambda sandbox: {
            "DBSubnetGroupName": "web",
            "DBSubnetGroupDescription": "x",
            "SubnetIds": subnets(sandbox),
        },
        "describe_db_subnet_groups",
        "DBSubnetGroups",
    ),
    (
        "elbv2",
        "create_load_balancer",
        lambda sandbox: {"Name": "web", "Subnets": subnets(sandbox)},
        "describe_load_balancers",
        "LoadBalancers",
    ),
]


@pytest.mark.parametrize("service, make, params, read, key", MADE, ids=[made[0] for made in MADE])
def test_every_service_has_a_past(sandbox, stale, service, make, params, read, key):
    params = params(sandbox) if callable(params) else params
    client = sandbox.client(service, KEY)
    stale()
    getattr(client, make)(**params)
    assert getattr(client, read)()[key] == []
    fresh(sandbox)
    assert len(getattr(client, read)()[key]) == 1


def test_interfaces_of_load_balancers_have_a_past(sandbox, stale):
    places = subnets(sandbox)
    stale()
    sandbox.client("elbv2", KEY).create_load_balancer(Name="web", Subnets=places)
    ec2 = sandbox.client("ec2", KEY)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    fresh(sandbox)
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 2


def test_the_tagging_api_reads_every_services_past(sandbox, stale):
    tagging = sandbox.client("resourcegroupstaggingapi", KEY)
    stale(match={"service": "resourcegroupstaggingapi"})
    sandbox.client("ecs", KEY).create_cluster(clusterName="web", tags=[{"key": "a", "value": "b"}])
    sandbox.client("logs", KEY).create_log_group(logGroupName="web", tags={"a": "b"})
    asked = {"TagFilters": [{"Key": "a"}]}
    assert tagging.get_resources(**asked)["ResourceTagMappingList"] == []
    assert len(sandbox.client("ecs", KEY).list_clusters()["clusterArns"]) == 1
    fresh(sandbox)
    assert len(tagging.get_resources(**asked)["ResourceTagMappingList"]) == 2


def test_lifecycles_are_in_the_past_too(sandbox, stale):
    sandbox.control("config", {"time_scale": 300})
    places = subnets(sandbox)
    rds = sandbox.client("rds", KEY)
    rds.create_db_subnet_group(DBSubnetGroupName="web", DBSubnetGroupDescription="x", SubnetIds=places)
    rds.create_db_instance(
        DBInstanceIdentifier="web",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="root_user",
        MasterUserPassword="long-enough",
        DBSubnetGroupName="web",
    )

    def status():
        return rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"]

    while status() != "available":
        time.sleep(0.1)
    stale()
    rds.delete_db_instance(DBInstanceIdentifier="web", SkipFinalSnapshot=True)
    assert status() in ("available", "creating")
    fresh(sandbox)
    assert status() == "deleting"
