"""ECS: clusters, task definitions and services."""

import pytest

FARGATE = {
    "family": "app",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
    "containerDefinitions": [
        {
            "name": "web",
            "image": "nginx",
            "portMappings": [{"containerPort": 80}],
            "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/token"}],
            "healthCheck": {"command": ["CMD", "true"], "interval": 30},
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "app"}},
        }
    ],
}


@pytest.fixture
def ecs(client):
    return client("ecs")


@pytest.fixture
def cluster(ecs):
    return ecs.create_cluster(clusterName="app", tags=[{"key": "stack", "value": "one"}])["cluster"]["clusterName"]


@pytest.fixture
def definition(ecs):
    return ecs.register_task_definition(**FARGATE)["taskDefinition"]["taskDefinitionArn"]


def wanted(network, definition, **more):
    return {
        "cluster": "app",
        "serviceName": "web",
        "taskDefinition": definition,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": network["subnets"][:2], "securityGroups": [network["group"]]}
        },
        **more,
    }


@pytest.fixture
def service(ecs, network, cluster, definition, until):
    ecs.create_service(**wanted(network, definition))
    until(lambda: seen(ecs)["runningCount"], 2)


def test_security_groups_may_be_left_out(ecs, network, cluster, definition):
    # API reference of Amazon ECS, AwsVpcConfiguration: "If you don't specify a security group, the default security group for
    # the VPC is used."
    vpc = {"subnets": network["subnets"][:2]}
    made = ecs.create_service(**wanted(network, definition, networkConfiguration={"awsvpcConfiguration": vpc}))
    assert made["service"]["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"] == []


def seen(ecs, name="web", **more):
    return ecs.describe_services(cluster="app", services=[name], **more)["services"][0]


def test_a_cluster_is_made_once(ecs, cluster, refused):
    tags = [{"key": "stack", "value": "one"}]
    assert ecs.create_cluster(clusterName="app", tags=tags)["cluster"]["clusterName"] == cluster
    settings = [{"name": "containerInsights", "value": "enabled"}]
    assert "idempotent request" in refused(ecs.create_cluster, clusterName="app", settings=settings)


def test_a_cluster_is_described_as_far_as_asked(ecs, cluster):
    [plain] = ecs.describe_clusters(clusters=[cluster])["clusters"]
    assert (plain["tags"], plain["settings"]) == ([], [])
    ecs.update_cluster_settings(cluster=cluster, settings=[{"name": "containerInsights", "value": "enhanced"}])
    [full] = ecs.describe_clusters(clusters=[cluster], include=["TAGS", "SETTINGS"])["clusters"]
    assert full["tags"] == [{"key": "stack", "value": "one"}]
    assert full["settings"] == [{"name": "containerInsights", "value": "enhanced"}]


def test_capacity_providers_are_checked_and_kept(ecs, cluster, refused):
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    put = {"cluster": cluster, "defaultCapacityProviderStrategy": strategy}
    assert "not associated" in refused(ecs.put_cluster_capacity_providers, capacityProviders=["FARGATE"], **put)
    ecs.put_cluster_capacity_providers(capacityProviders=["FARGATE", "FARGATE_SPOT"], **put)
    [cluster] = ecs.describe_clusters(clusters=[cluster])["clusters"]
    assert cluster["defaultCapacityProviderStrategy"] == strategy


@pytest.mark.usefixtures("slowly")
def test_a_cluster_with_services_stays(ecs, cluster, service, refused, until):
    assert refused(ecs.delete_cluster, cluster=cluster).startswith("ClusterContainsServicesException")
    ecs.delete_service(cluster=cluster, service="web", force=True)
    assert refused(ecs.delete_cluster, cluster=cluster).startswith("ClusterContainsTasksException")
    until(lambda: seen(ecs)["status"], "INACTIVE")
    assert ecs.delete_cluster(cluster=cluster)["cluster"]["status"] == "INACTIVE"
    assert ecs.list_clusters()["clusterArns"] == []


def test_a_task_definition_is_kept_whole(ecs, definition):
    kept = ecs.describe_task_definition(taskDefinition="app")["taskDefinition"]
    assert kept["runtimePlatform"] == FARGATE["runtimePlatform"]
    [given], [container] = FARGATE["containerDefinitions"], kept["containerDefinitions"]
    for member in ("secrets", "healthCheck", "logConfiguration"):
        assert (
            container[member].items() >= given[member].items()
            if member != "secrets"
            else container[member] == given[member]
        )
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory": "4096"}, "No Fargate configuration exists for given values."),
        ({"networkMode": "bridge"}, "Fargate only supports network mode"),
        ({"executionRoleArn": None}, "Fargate requires task definition to have execution role ARN"),
    ],
)
def test_fargate_has_its_rules(ecs, change, words, refused):
    given = {name: value for name, value in {**FARGATE, **change}.items() if value is not None}
    assert words in refused(ecs.register_task_definition, **given)


def test_a_revision_is_never_given_again(ecs, definition, refused):
    assert ecs.deregister_task_definition(taskDefinition="app:1")["taskDefinition"]["status"] == "INACTIVE"
    assert "Unable to describe" in refused(ecs.describe_task_definition, taskDefinition="app")
    assert ecs.describe_task_definition(taskDefinition="app:1")["taskDefinition"]["status"] == "INACTIVE"
    ecs.delete_task_definitions(taskDefinitions=["app:1"])
    assert ecs.register_task_definition(**FARGATE)["taskDefinition"]["revision"] == 2
    assert len(ecs.list_task_definitions(familyPrefix="app")["taskDefinitionArns"]) == 1


def test_a_service_starts_its_tasks_after_a_while(ecs, network, cluster, definition, until):
    deployment = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "minimumHealthyPercent": 50}
    more = {"deploymentConfiguration": deployment, "enableExecuteCommand": True, "propagateTags": "SERVICE"}
    made = ecs.create_service(**wanted(network, definition, tags=[{"key": "stack", "value": "one"}], **more))["service"]
    assert (made["runningCount"], made["deployments"][0]["rolloutState"]) == (0, "IN_PROGRESS")
    until(lambda: seen(ecs)["runningCount"], 2)
    after = seen(ecs, include=["TAGS"])
    assert [(each["status"], each["rolloutState"]) for each in after["deployments"]] == [("PRIMARY", "COMPLETED")]
    assert after["deploymentConfiguration"].items() >= {**deployment, "maximumPercent": 200}.items()
    assert (after["enableExecuteCommand"], after["propagateTags"]) == (True, "SERVICE")
    assert after["tags"] == [{"key": "stack", "value": "one"}]


def test_a_service_is_made_once(ecs, network, cluster, definition, refused):
    made = ecs.create_service(**wanted(network, definition, clientToken="one"))["service"]["serviceArn"]
    assert ecs.create_service(**wanted(network, definition, clientToken="one"))["service"]["serviceArn"] == made
    words = "InvalidParameterException: Creation of service was not idempotent."
    assert refused(ecs.create_service, **wanted(network, definition, clientToken="two")) == words
    assert refused(ecs.create_service, **wanted(network, definition, clientToken="one", desiredCount=3)) == words


def test_a_new_task_definition_is_rolled_out(ecs, service, until):
    second = ecs.register_task_definition(**FARGATE)["taskDefinition"]["taskDefinitionArn"]
    answer = ecs.update_service(cluster="app", service="web", taskDefinition=second)["service"]
    assert [each["status"] for each in answer["deployments"]] == ["PRIMARY", "ACTIVE"]
    until(lambda: len(seen(ecs)["deployments"]), 1)
    assert seen(ecs)["taskDefinition"] == second


def test_its_tasks_hold_the_network(ecs, client, network, service, refused, until):
    ec2 = client("ec2")
    assert refused(ec2.delete_security_group, GroupId=network["group"]).startswith("DependencyViolation")
    words = "InvalidParameterException: The service cannot be stopped while it is scaled above 0."
    assert refused(ecs.delete_service, cluster="app", service="web") == words
    ecs.update_service(cluster="app", service="web", desiredCount=0)
    assert ecs.delete_service(cluster="app", service="web")["service"]["status"] == "DRAINING"
    until(lambda: seen(ecs)["status"], "INACTIVE")
    assert ecs.list_services(cluster="app")["serviceArns"] == []
    ec2.delete_security_group(GroupId=network["group"])


def test_a_target_group_needs_its_load_balancer_first(ecs, client, network, cluster, definition, refused):
    elb = client("elbv2")
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=network["vpc"], TargetType="ip")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    balanced = [{"targetGroupArn": arn, "containerName": "web", "containerPort": 80}]
    more = {"loadBalancers": balanced, "healthCheckGracePeriodSeconds": 30}
    assert "does not have an associated load balancer" in refused(
        ecs.create_service, **wanted(network, definition, **more)
    )
    balancer = elb.create_load_balancer(Name="web", Subnets=network["subnets"])["LoadBalancers"][0]["LoadBalancerArn"]
    action = [{"Type": "forward", "TargetGroupArn": arn}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=action)
    wrong = [{**balanced[0], "containerPort": 81}]
    assert "did not have a container port 81" in refused(
        ecs.create_service, **wanted(network, definition, loadBalancers=wrong)
    )
    made = ecs.create_service(**wanted(network, definition, **more))["service"]
    assert (made["loadBalancers"], made["healthCheckGracePeriodSeconds"]) == (balanced, 30)


def test_settings_are_checked(ecs, network, cluster, definition, refused):
    def refusal(**more):
        return refused(ecs.create_service, **wanted(network, definition, **more))

    assert "TaskDefinition not found" in refusal(taskDefinition="nothing")
    assert "must be provided when networkMode 'awsvpc'" in refusal(networkConfiguration={})
    missing = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
    assert "Error retrieving subnet information for [subnet-0123456789abcdef0]" in refusal(networkConfiguration=missing)
    strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
    assert "both a launch type and capacity provider strategy" in refusal(capacityProviderStrategy=strategy)
    assert refusal(tags=[{"key": "a", "value": "*"}]).startswith("InvalidParameterException")
