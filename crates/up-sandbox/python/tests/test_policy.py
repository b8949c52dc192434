"""AccessDenied once a policy is set."""

import pytest

TRUST = """{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}"""
DENIED = [
    ("ec2", "describe_vpcs", "UnauthorizedOperation", 403),
    ("iam", "list_roles", "AccessDenied", 403),
    ("ecs", "list_clusters", "AccessDeniedException", 400),
    ("kafka", "list_clusters_v2", "AccessDeniedException", 403),
]


def allow(sandbox, *actions, resource="*"):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    sandbox.control("config", {"policy": {"Version": "2012-10-17", "Statement": [statement]}})


@pytest.mark.parametrize("service, operation, code, status", DENIED)
def test_what_is_not_allowed_is_denied(sandbox, refused, service, operation, code, status):
    allow(sandbox, "s3:*")
    answer = refused(getattr(sandbox.client(service), operation))
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_what_is_allowed_goes_through(sandbox):
    allow(sandbox, "ec2:Describe*", "elasticloadbalancing:DescribeLoadBalancers")
    assert sandbox.client("ec2").describe_vpcs()["Vpcs"]
    assert sandbox.client("elbv2").describe_load_balancers()["LoadBalancers"] == []


def test_everybody_may_ask_who_they_are(sandbox):
    allow(sandbox, "s3:*")
    assert sandbox.client("sts").get_caller_identity()["Account"]


def test_tags_in_a_create_call_need_their_own_permission(sandbox, refused):
    allow(sandbox, "iam:CreateRole")
    iam = sandbox.client("iam")
    iam.create_role(RoleName="plain", AssumeRolePolicyDocument=TRUST)
    tags = [{"Key": "stack", "Value": "web"}]
    answer = refused(iam.create_role, RoleName="tagged", AssumeRolePolicyDocument=TRUST, Tags=tags)
    assert "iam:TagRole" in answer["Error"]["Message"]


def test_a_role_handed_to_a_service_has_to_be_passed(sandbox, refused):
    allow(sandbox, "ecs:*")
    role = "arn:aws:iam::123456789012:role/web"
    containers = [{"name": "web", "image": "web", "memory": 128}]
    register = sandbox.client("ecs").register_task_definition
    register(family="web", containerDefinitions=containers)
    answer = refused(register, family="web", containerDefinitions=containers, taskRoleArn=role)
    assert "iam:PassRole" in answer["Error"]["Message"]
    allow(sandbox, "ecs:*", "iam:PassRole", resource=["*:role/other"])
    assert refused(register, family="web", containerDefinitions=containers, taskRoleArn=role)


def test_a_deny_wins(sandbox, refused):
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"},
    ]
    sandbox.control("config", {"policy": {"Statement": statements}})
    assert refused(sandbox.client("ec2").create_vpc, CidrBlock="10.0.0.0/16")


def test_the_record_says_which_actions_were_needed(sandbox):
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "stack", "Value": "web"}]}]
    sandbox.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
    assert sandbox.calls()[0]["actions"] == ["ec2:CreateVpc", "ec2:CreateTags"]


def test_reset_allows_everything_again(sandbox):
    allow(sandbox, "s3:*")
    sandbox.reset()
    assert sandbox.control("config")["policy"] is None
    assert sandbox.client("ec2").describe_vpcs()["Vpcs"]
