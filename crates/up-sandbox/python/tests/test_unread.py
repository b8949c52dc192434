"""What nobody reads of a request shows, and what moto or a hook reads does not."""

from types import SimpleNamespace

import pytest


KEY = "123412341234"


@pytest.fixture
def sandbox(process):
    """A sandbox whose clients are in an account of the test's own, which is forgotten: its mistakes are planted."""
    yield SimpleNamespace(client=lambda service: process.client(service, KEY), control=process.control)
    process.control(f"forget?access_key={KEY}", method="POST")


@pytest.fixture
def unread(sandbox):
    def names():
        found = sandbox.control(f"unread?access_key={KEY}")["unread"]
        return [f"{each['service']}.{each['operation']}.{each['member']}" for each in found]

    return names


def test_a_member_that_nobody_reads_is_told(sandbox, unread):
    # The planted mistake: nobody looks up what is sent here.
    sandbox.client("logs").describe_queries(logGroupName="/a", queryLanguage="SQL")
    sandbox.client("logs").describe_log_groups(accountIdentifiers=["111122223333"])
    assert unread() == ["logs.DescribeQueries.queryLanguage"]
    assert sandbox.control("unread?access_key=999999999999")["unread"] == []


def test_what_moto_and_hooks_read_is_not(sandbox, unread):
    ec2 = sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[])["Vpc"]["VpcId"]
    ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}], MaxResults=5)
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="eu-central-1a")
    sandbox.client("logs").create_log_group(logGroupName="/a", tags={"a": "b"}, logGroupClass="STANDARD")
    sandbox.client("ecr").create_repository(repositoryName="app", imageTagMutability="IMMUTABLE", tags=[])
    sandbox.client("ecs").create_cluster(clusterName="a", settings=[{"name": "containerInsights", "value": "enabled"}])
    sandbox.client("iam").list_roles(PathPrefix="/a/", MaxItems=5)
    sandbox.client("kafka").create_configuration(Name="a", ServerProperties=b"x=1", KafkaVersions=["3.6.0"])
    assert unread() == []


def test_what_is_refused_tells_nothing(sandbox, unread, refused):
    refused(sandbox.client("ec2").create_subnet, VpcId="vpc-1", CidrBlock="10.0.1.0/24")
    assert unread() == []


def test_one_call_that_reads_a_member_is_enough(sandbox, unread):
    sns = sandbox.client("sns")
    made = {"Name": "a", "DataProtectionPolicy": "{}"}
    sns.create_topic(**made)
    sns.create_topic(**made)
    assert unread() == []
