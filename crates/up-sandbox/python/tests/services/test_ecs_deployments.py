"""ECS: what becomes of deployments, of images that are not there, and of capacity providers in use."""

import json

import pytest
from test_ecs import FARGATE, cluster, definition, ecs, seen, service, wanted  # noqa: F401

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "x", "config": {}, "layers": []})
SPOT = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]


@pytest.fixture
def own_image(ecs, client):  # noqa: F811
    """A task definition whose image is of the account's own repository, where it is not yet."""
    uri = client("ecr").create_repository(repositoryName="app")["repository"]["repositoryUri"]
    container = {**FARGATE["containerDefinitions"][0], "image": f"{uri}:1"}
    made = ecs.register_task_definition(**{**FARGATE, "containerDefinitions": [container]})
    return made["taskDefinition"]["taskDefinitionArn"]


def push(client):
    client("ecr").put_image(repositoryName="app", imageTag="1", imageManifest=MANIFEST)


def rollouts(ecs):  # noqa: F811
    return [(each["status"], each["rolloutState"]) for each in seen(ecs)["deployments"]]


def test_no_task_starts_before_its_image_is_there(ecs, client, network, cluster, own_image, until):  # noqa: F811
    ecs.create_service(**wanted(network, own_image))
    assert rollouts(ecs) == [("PRIMARY", "IN_PROGRESS")]
    push(client)
    until(lambda: seen(ecs)["runningCount"], 2)
    assert rollouts(ecs) == [("PRIMARY", "COMPLETED")]


def test_the_circuit_breaker_ends_a_first_deployment(ecs, client, network, cluster, own_image, until):  # noqa: F811
    ecs.create_service(**wanted(network, own_image, deploymentConfiguration=BREAKER))
    until(lambda: rollouts(ecs), [("PRIMARY", "FAILED")])
    push(client)
    assert rollouts(ecs) == [("PRIMARY", "FAILED")], "a failed deployment starts no more tasks"
    ecs.update_service(cluster="app", service="web", forceNewDeployment=True)
    until(lambda: seen(ecs)["runningCount"], 2)
    assert rollouts(ecs) == [("PRIMARY", "COMPLETED")]


def test_a_failed_deployment_is_rolled_back(ecs, network, cluster, definition, own_image, until):  # noqa: F811
    ecs.create_service(**wanted(network, definition, deploymentConfiguration=BREAKER))
    until(lambda: seen(ecs)["runningCount"], 2)
    ecs.update_service(cluster="app", service="web", taskDefinition=own_image)
    until(lambda: rollouts(ecs)[-1], ("ACTIVE", "FAILED"))
    after = seen(ecs)
    [back, failed] = after["deployments"]
    assert (back["taskDefinition"], failed["taskDefinition"]) == (definition, own_image)
    assert (after["taskDefinition"], after["runningCount"]) == (definition, 2)
    assert failed["createdAt"] > back["createdAt"]
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    said = [event["message"] for event in after["events"]]
    assert any(f"(deployment {failed['id']}) deployment failed: tasks failed to start." in words for words in said)
    assert any(f"rolling back to deployment {back['id']}." in words for words in said)
    until(lambda: rollouts(ecs), [("PRIMARY", "COMPLETED")])


def test_a_daemon_has_its_own_rules(ecs, network, cluster, definition, refused):  # noqa: F811
    daemon = {"schedulingStrategy": "DAEMON", "launchType": "EC2"}

    def asked(**more):
        given = {**wanted(network, definition), **daemon, **more}
        return {name: value for name, value in given.items() if value is not None}

    assert "does not support a desired count" in refused(ecs.create_service, **asked())
    above = {"maximumPercent": 200, "minimumHealthyPercent": 100}
    assert "does not support values above 100" in refused(
        ecs.create_service, **asked(desiredCount=None, deploymentConfiguration=above)
    )
    spread = [{"type": "spread", "field": "instanceId"}]
    assert "Placement strategies are not supported" in refused(
        ecs.create_service, **asked(desiredCount=None, placementStrategy=spread)
    )
    made = ecs.create_service(**asked(desiredCount=None))["service"]
    percents = {name: made["deploymentConfiguration"][name] for name in ("maximumPercent", "minimumHealthyPercent")}
    assert percents == {"maximumPercent": 100, "minimumHealthyPercent": 0}


def test_a_placement_field_comes_back_in_capitals(ecs, network, cluster, definition):  # noqa: F811
    strategy = [{"type": "binpack", "field": "cpu"}, {"type": "spread", "field": "attribute:ecs.availability-zone"}]
    made = ecs.create_service(**{**wanted(network, definition), "launchType": "EC2", "placementStrategy": strategy})
    fields = [each["field"] for each in made["service"]["placementStrategy"]]
    assert fields == ["CPU", "attribute:ecs.availability-zone"]


def put(ecs, names):  # noqa: F811
    given = {"cluster": "app", "capacityProviders": names.split(), "defaultCapacityProviderStrategy": []}
    return ecs.put_cluster_capacity_providers(**given)


def attachments(ecs):  # noqa: F811
    return ecs.describe_clusters(clusters=["app"], include=["ATTACHMENTS"])["clusters"][0].get("attachmentsStatus")


def test_a_provider_in_use_stays(ecs, network, cluster, definition, refused, until):  # noqa: F811
    assert attachments(ecs) is None
    given = wanted(network, definition, capacityProviderStrategy=SPOT)
    del given["launchType"]
    assert "not associated with the cluster" in refused(ecs.create_service, **given)
    put(ecs, "FARGATE FARGATE_SPOT")
    until(lambda: attachments(ecs), "UPDATE_COMPLETE")
    ecs.create_service(**given)
    words = "ResourceInUseException: The specified capacity provider is in use and cannot be removed."
    assert refused(put, ecs=ecs, names="FARGATE") == words
    moved = [{"capacityProvider": "FARGATE", "weight": 1}]
    move = {"cluster": "app", "service": "web", "capacityProviderStrategy": moved}
    assert "forced new deployment is required" in refused(ecs.update_service, **move)
    ecs.update_service(**move, forceNewDeployment=True)
    until(lambda: len(seen(ecs)["deployments"]), 1)
    put(ecs, "FARGATE")


def is_busy(ecs, begin):  # noqa: F811
    """True where what is begun keeps the next one waiting: the sandbox's time is short, so it is tried some times."""
    for _ in range(50):
        begin()
        try:
            put(ecs, "FARGATE FARGATE_SPOT")
        except ecs.exceptions.UpdateInProgressException:
            return True
    return False


def test_attachments_are_made_one_after_another(ecs, cluster, until):  # noqa: F811
    put(ecs, "FARGATE")

    def update():
        until(lambda: attachments(ecs), "UPDATE_COMPLETE")
        ecs.update_cluster(cluster="app", configuration={})

    assert is_busy(ecs, update)


def test_a_provider_without_its_group_cannot_be_attached(ecs, cluster, until):  # noqa: F811
    group = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/gone"
    ecs.create_capacity_provider(name="machines", autoScalingGroupProvider={"autoScalingGroupArn": group})
    put(ecs, "FARGATE machines")
    until(lambda: attachments(ecs), "UPDATE_FAILED")
    put(ecs, "FARGATE machines")
    until(lambda: attachments(ecs), "UPDATE_COMPLETE")


@pytest.fixture
def pair(client, network):
    """Two target groups behind one rule: all requests go to the first."""
    elb = client("elbv2")
    balancer = elb.create_load_balancer(Name="app", Subnets=network["subnets"][:2])["LoadBalancers"][0]["LoadBalancerArn"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[fixed])
    given = {"Protocol": "HTTP", "Port": 80, "VpcId": network["vpc"], "TargetType": "ip"}
    made = [elb.create_target_group(Name=name, **given)["TargetGroups"][0] for name in ("blue", "green")]
    groups = [group["TargetGroupArn"] for group in made]
    shares = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(groups, (100, 0), strict=True)]
    rule = elb.create_rule(
        ListenerArn=listener["Listeners"][0]["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}],
    )["Rules"][0]["RuleArn"]
    return {"groups": groups, "rule": rule}


def test_a_deployment_beside_the_old_tasks_moves_the_weights(ecs, client, network, cluster, definition, pair, until):  # noqa: F811
    advanced = {
        "alternateTargetGroupArn": pair["groups"][1],
        "productionListenerRule": pair["rule"],
        "roleArn": "arn:aws:iam::123456789012:role/app",
    }
    container = FARGATE["containerDefinitions"][0]
    port = container["portMappings"][0]["containerPort"]
    balanced = {"targetGroupArn": pair["groups"][0], "containerName": container["name"], "containerPort": port}
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
    asked = wanted(network, definition, deploymentConfiguration=configuration, loadBalancers=[balanced])
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="advancedConfiguration"):
        ecs.create_service(**asked)
    balanced["advancedConfiguration"] = advanced

    def weights():
        [rule] = client("elbv2").describe_rules(RuleArns=[pair["rule"]])["Rules"]
        shares = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        return [share["Weight"] for share in sorted(shares, key=lambda share: pair["groups"].index(share["TargetGroupArn"]))]

    ecs.create_service(**asked)
    until(lambda: seen(ecs)["runningCount"], 2)
    assert weights() == [100, 0]
    for after in ([0, 100], [100, 0]):
        ecs.update_service(cluster="app", service="web", forceNewDeployment=True)
        until(lambda: rollouts(ecs), [("PRIMARY", "COMPLETED")])
        assert weights() == after
    assert seen(ecs)["loadBalancers"] == [balanced]
