"""Requests that break an operation's model are refused in the service's own words."""

import pytest

MISSING_AND_BROKEN = [
    ("ec2", "create_route", {}, "MissingParameter"),
    ("ec2", "describe_vpcs", {"MaxResults": 2}, "InvalidParameterValue"),
    ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1, "InstanceType": "m1.huge"}, "InvalidParameterValue"),
    ("elbv2", "create_load_balancer", {"Name": "web", "Type": "quick"}, "ValidationError"),
    ("iam", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"}, "ValidationError"),
    ("iam", "create_role", {"RoleName": "a"}, "ValidationError"),
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::123456789012:role/a"}, "ValidationError"),
    ("rds", "create_db_subnet_group", {"DBSubnetGroupName": "a"}, "MissingParameter"),
    ("ecs", "create_service", {"serviceName": "web", "launchType": "CLOUD"}, "InvalidParameterException"),
    ("ecr", "create_repository", {"repositoryName": "UPPER"}, "InvalidParameterException"),
    ("logs", "create_log_group", {"logGroupName": "a b"}, "InvalidParameterException"),
    ("kafka", "create_cluster_v2", {"ClusterName": ""}, "BadRequestException"),
    ("mq", "create_broker", {"BrokerName": "a"}, "BadRequestException"),
    ("eks", "create_cluster", {"name": "a"}, "InvalidParameterException"),
    ("secretsmanager", "create_secret", {}, "ValidationException"),
    ("dynamodb", "delete_table", {}, "ValidationException"),
    ("resourcegroupstaggingapi", "get_resources", {"TagFilters": [{"Key": "a"}] * 51}, "InvalidParameterException"),
]


@pytest.mark.parametrize("service, operation, params, code", MISSING_AND_BROKEN)
def test_a_broken_request_is_refused(sandbox, refused, service, operation, params, code):
    answer = refused(getattr(sandbox.client(service), operation), **params)
    assert answer["Error"]["Code"] == code, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_message_says_what_is_wrong(sandbox, refused):
    answer = refused(sandbox.client("elbv2").create_load_balancer, Name="web", Type="quick")
    assert answer["Error"]["Message"] == (
        "1 validation error detected: Value 'quick' at 'type' failed to satisfy constraint: "
        "Member must satisfy enum value set: [application, network, gateway]"
    )


def test_ec2_names_the_missing_parameter(sandbox, refused):
    answer = refused(sandbox.client("ec2").create_route, DestinationCidrBlock="0.0.0.0/0")
    assert answer["Error"]["Message"] == "The request must contain the parameter RouteTableId"


def test_what_is_missing_deep_inside_is_found(sandbox, refused):
    answer = refused(
        sandbox.client("ecs").register_task_definition,
        family="web",
        containerDefinitions=[{"name": "web", "image": "web", "secrets": [{"name": "PASSWORD"}]}],
    )
    assert "containerDefinitions.1.secrets.1.valueFrom" in answer["Error"]["Message"]


def test_nothing_is_changed_by_a_refused_request(sandbox, refused):
    iam = sandbox.client("iam")
    refused(iam.create_role, RoleName="web", AssumeRolePolicyDocument="{}", MaxSessionDuration=1)
    assert iam.list_roles()["Roles"] == []


def test_patterns_python_cannot_read_are_counted(sandbox):
    sandbox.client("iam").list_roles(PathPrefix="/web/")
    assert isinstance(sandbox.control("health")["patterns_skipped"], list)
