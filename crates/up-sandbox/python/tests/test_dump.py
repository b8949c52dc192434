"""The dump of all resources, and the control endpoints around it."""

import urllib.error

import pytest

TRUST = """{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}"""
READ = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'


def test_the_default_network_is_there(sandbox):
    found = sandbox.dump()
    assert len(found["ec2.vpc"]) == 1 and found["ec2.vpc"][0]["attributes"]["IsDefault"]
    assert len(found["ec2.subnet"]) == 3


def test_a_vpc_comes_with_its_tags_and_attributes(sandbox):
    ec2 = sandbox.client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "stack", "Value": "web"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    made = next(found for found in sandbox.dump()["ec2.vpc"] if found["id"] == vpc)
    assert made["tags"] == {"stack": "web"}
    assert made["region"] == "eu-central-1"
    assert made["attributes"]["CidrBlock"] == "10.0.0.0/16"
    assert made["attributes"]["EnableDnsHostnames"] is True


def test_a_role_comes_with_all_its_policies(sandbox):
    iam = sandbox.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST, Path="/bullstra-up/web/")
    iam.put_role_policy(RoleName="web", PolicyName="read", PolicyDocument=READ)
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.attach_role_policy(RoleName="web", PolicyArn=managed)
    own = iam.create_policy(PolicyName="own", PolicyDocument=READ)["Policy"]["Arn"]
    found = sandbox.dump()
    (role,) = found["iam.role"]
    assert role["region"] == "global"
    assert role["attributes"]["AttachedPolicies"] == [managed]
    assert role["attributes"]["InlinePolicies"]["read"]["Statement"][0]["Action"] == "s3:GetObject"
    assert [policy["id"] for policy in found["iam.policy"]] == [own]


def test_more_than_a_page_is_listed(sandbox):
    ecs = sandbox.client("ecs")
    ecs.create_cluster(clusterName="web")
    ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "web", "memory": 128}])
    for number in range(12):
        ecs.create_service(cluster="web", serviceName=f"web-{number}", taskDefinition="web", desiredCount=0)
    assert len(sandbox.dump()["ecs.service"]) == 12


def test_a_deregistered_task_definition_is_marked(sandbox):
    ecs = sandbox.client("ecs")
    container = {"name": "web", "image": "web", "memory": 128}
    arn = ecs.register_task_definition(family="web", containerDefinitions=[container])["taskDefinition"][
        "taskDefinitionArn"
    ]
    ecs.deregister_task_definition(taskDefinition=arn)
    (found,) = sandbox.dump()["ecs.task_definition"]
    assert found["attributes"]["status"] == "INACTIVE"


def test_two_dumps_are_the_same(sandbox):
    sandbox.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    sandbox.client("logs").create_log_group(logGroupName="/web", tags={"stack": "web"})
    assert sandbox.control("dump") == sandbox.control("dump")


def test_a_dump_leaves_no_trace_in_the_record(sandbox):
    sandbox.client("ecs").create_cluster(clusterName="web")
    before = sandbox.calls()
    sandbox.dump()
    assert sandbox.calls() == before


def test_reset_empties_the_world(sandbox):
    sandbox.client("logs").create_log_group(logGroupName="/web")
    sandbox.client("ecr").create_repository(repositoryName="web")
    sandbox.reset()
    assert "logs.log_group" not in sandbox.dump()
    assert sandbox.client("ecr").describe_repositories()["repositories"] == []
    assert [call["operation"] for call in sandbox.calls()] == ["DescribeRepositories"]


def test_health_says_who_answers(sandbox):
    health = sandbox.control("health")
    assert health["status"] == "ok" and health["version"] and health["pid"] > 0


@pytest.mark.parametrize("body", [{"time_scale": -1}, {"time_scale": "fast"}, {"speed": 1}, {"policy": {"a": 1}}])
def test_a_wrong_setting_is_refused(sandbox, body):
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.control("config", body)
    assert caught.value.code == 400


def test_settings_are_read_back(sandbox):
    assert sandbox.control("config", {"time_scale": 0})["time_scale"] == 0
    assert sandbox.control("config")["time_scale"] == 0
