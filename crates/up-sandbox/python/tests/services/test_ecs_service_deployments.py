"""ECS's service deployments: their states, why they fail, and how they are stopped and continued."""

import datetime

import pytest
from test_ecs import FARGATE, cluster, definition, ecs, seen, wanted  # noqa: F401
from test_ecs_deployments import BREAKER, own_image, pair  # noqa: F401

STATE = "sandbox:state"


@pytest.fixture
def other(ecs):  # noqa: F811
    """Another revision, which writes to a log and has a variable."""
    [container] = FARGATE["containerDefinitions"]
    options = {"awslogs-group": "app", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "task"}
    log = {"logDriver": "awslogs", "options": options}
    container = {**container, "environment": [{"name": "LEVEL", "value": "debug"}], "logConfiguration": log}
    made = ecs.register_task_definition(**{**FARGATE, "containerDefinitions": [container]})
    return made["taskDefinition"]["taskDefinitionArn"]


@pytest.fixture
def running(ecs, network, cluster, definition, until):  # noqa: F811
    """A service that runs, with a circuit breaker that rolls back."""

    def make(**more):
        given = {"deploymentConfiguration": BREAKER, **more}
        made = ecs.create_service(**wanted(network, definition, **given))["service"]["serviceArn"]
        until(lambda: [each["status"] for each in listed(ecs)], ["SUCCESSFUL"])
        return made

    return make


def listed(ecs, **more):  # noqa: F811
    return ecs.list_service_deployments(cluster="app", service="web", **more)["serviceDeployments"]


def described(ecs, arn=None):  # noqa: F811
    arn = arn or listed(ecs)[0]["serviceDeploymentArn"]
    [found] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    return found


def play(ecs, service, state):  # noqa: F811
    ecs.tag_resource(resourceArn=service, tags=[{"key": STATE, "value": state}])


def update(ecs, **more):  # noqa: F811
    return ecs.update_service(cluster="app", service="web", **more)


def ended(ecs, until, status):  # noqa: F811
    until(lambda: listed(ecs)[0]["status"], status, seconds=60)
    return described(ecs)


def test_a_deployment_goes_from_pending_to_successful(ecs, running, other, definition, until, process):  # noqa: F811
    running()
    [first] = listed(ecs)
    scale = process.control("config")["time_scale"]
    process.control("config", {"time_scale": 6})
    try:
        update(ecs, taskDefinition=other)
        assert listed(ecs)[0]["status"] == "PENDING"
        assert "finishedAt" not in listed(ecs)[0]
        until(lambda: listed(ecs)[0]["status"], "IN_PROGRESS")
    finally:
        process.control("config", {"time_scale": scale})
    found = ended(ecs, until, "SUCCESSFUL")
    assert found["sourceServiceRevisions"][0]["arn"] == first["targetServiceRevisionArn"]
    assert found["targetServiceRevision"]["runningTaskCount"] == 2
    assert found["deploymentCircuitBreaker"] == {"status": "MONITORING_COMPLETE", "failureCount": 0, "threshold": 3}
    assert [each["status"] for each in listed(ecs, maxResults=1)] == ["SUCCESSFUL"]
    assert listed(ecs, status=["PENDING", "IN_PROGRESS"]) == []
    hour = datetime.timedelta(hours=1)
    assert listed(ecs, createdAt={"after": first["createdAt"] + hour}) == []
    assert len(listed(ecs, createdAt={"after": first["createdAt"] - hour, "before": first["createdAt"] + hour})) == 2
    revisions = [each["targetServiceRevisionArn"] for each in listed(ecs)]
    answer = ecs.describe_service_revisions(serviceRevisionArns=[*revisions, "none"])
    assert [each["taskDefinition"] for each in answer["serviceRevisions"]] == [other, definition]
    assert answer["serviceRevisions"][0]["containerImages"] == [{"containerName": "web", "image": "nginx"}]
    assert answer["failures"] == [{"arn": "none", "reason": "MISSING"}]


def test_the_digest_of_an_image_is_told(ecs, client, network, cluster, own_image, until):  # noqa: F811
    from test_ecs_deployments import push

    push(client)
    [image] = client("ecr").describe_images(repositoryName="app")["imageDetails"]
    ecs.create_service(**wanted(network, own_image))
    [deployment] = listed(ecs)
    answer = ecs.describe_service_revisions(serviceRevisionArns=[deployment["targetServiceRevisionArn"]])
    [told] = answer["serviceRevisions"][0]["containerImages"]
    assert told["imageDigest"] == image["imageDigest"]


def test_a_newer_deployment_stops_the_older_one(ecs, running, other, until):  # noqa: F811
    service = running()
    play(ecs, service, "hangs")
    update(ecs, taskDefinition=other)
    until(lambda: listed(ecs)[0]["status"], "IN_PROGRESS")
    update(ecs, forceNewDeployment=True)
    assert described(ecs, listed(ecs)[1]["serviceDeploymentArn"])["status"] == "STOPPED"
    play(ecs, service, "")
    ended(ecs, until, "SUCCESSFUL")


def test_tasks_that_exit_are_told(ecs, client, running, other, definition, until):  # noqa: F811
    client("logs").create_log_group(logGroupName="app")
    service = running()
    play(ecs, service, "exit 3")
    update(ecs, taskDefinition=other)
    found = ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    why = "Service deployment rolled back because the circuit breaker threshold was exceeded."
    assert found["statusReason"] == why
    assert found["rollback"]["reason"] == why
    assert found["rollback"]["serviceRevisionArn"] == listed(ecs)[1]["targetServiceRevisionArn"]
    assert found["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert seen(ecs)["taskDefinition"] == definition
    arns = ecs.list_tasks(cluster="app", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster="app", tasks=arns)["tasks"]
    assert len(tasks) == 3
    for task in tasks:
        assert (task["stopCode"], task["stoppedReason"]) == (
            "EssentialContainerExited",
            "Essential container in task exited",
        )
        assert task["taskDefinitionArn"] == other
        [container] = task["containers"]
        assert container["exitCode"] == 3
    stream = f"task/web/{tasks[0]['taskArn'].rpartition('/')[2]}"
    events = client("logs").get_log_events(logGroupName="app", logStreamName=stream, limit=20)["events"]
    assert [each["message"] for each in events] == ["LEVEL=debug", "web: failed to start, exit code 3"]
    # The tag is no tag of the service.
    assert ecs.list_tags_for_resource(resourceArn=service)["tags"] == []


def test_an_image_that_is_not_there_is_told(ecs, running, own_image, until):  # noqa: F811
    running()
    update(ecs, taskDefinition=own_image)
    ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    arns = ecs.list_tasks(cluster="app", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    [first, *_] = ecs.describe_tasks(cluster="app", tasks=arns)["tasks"]
    assert first["stopCode"] == "TaskFailedToStart"
    assert first["stoppedReason"].startswith("CannotPullContainerError")
    assert "exitCode" not in first["containers"][0]


def test_without_rollback_a_deployment_is_stopped(ecs, running, other, until):  # noqa: F811
    service = running(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    play(ecs, service, "exit 1")
    update(ecs, taskDefinition=other)
    found = ended(ecs, until, "STOPPED")
    assert found["stoppedAt"] and "rollback" not in found


def test_a_first_deployment_has_nothing_to_go_back_to(ecs, network, cluster, own_image, until):  # noqa: F811
    ecs.create_service(**wanted(network, own_image, deploymentConfiguration=BREAKER))
    found = ended(ecs, until, "ROLLBACK_FAILED")
    assert found["statusReason"].endswith("No rollback candidate was found to run the rollback.")


def test_targets_that_are_never_healthy_are_told(ecs, running, other, pair, until):  # noqa: F811
    balanced = {"targetGroupArn": pair["groups"][0], "containerName": "web", "containerPort": 80}
    service = running(loadBalancers=[balanced])
    play(ecs, service, "unhealthy")
    update(ecs, taskDefinition=other)
    ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    said = [event["message"] for event in seen(ecs)["events"]]
    assert any(f"is unhealthy in (target-group {pair['groups'][0]}) due to (reason" in words for words in said)
    arns = ecs.list_tasks(cluster="app", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    [first, *_] = ecs.describe_tasks(cluster="app", tasks=arns)["tasks"]
    assert first["stoppedReason"].startswith("Task failed ELB health checks in (target-group")


def test_an_alarm_fails_a_deployment(ecs, running, other, until):  # noqa: F811
    alarms = {"alarmNames": ["errors", "latency"], "enable": True, "rollback": True}
    service = running(deploymentConfiguration={"alarms": alarms})
    play(ecs, service, "alarm nobody-watches")
    update(ecs, taskDefinition=other)
    ended(ecs, until, "SUCCESSFUL")
    play(ecs, service, "alarm errors")
    update(ecs, forceNewDeployment=True)
    found = ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    assert (found["alarms"]["status"], found["alarms"]["triggeredAlarmNames"]) == ("TRIGGERED", ["errors"])


def hooked(pair, **hook):  # noqa: F811
    """A blue/green service with a lifecycle hook."""
    role = "arn:aws:iam::123456789012:role/app"
    advanced = {
        "alternateTargetGroupArn": pair["groups"][1],
        "productionListenerRule": pair["rule"],
        "roleArn": role,
    }
    balanced = {"targetGroupArn": pair["groups"][0], "containerName": "web", "containerPort": 80}
    hook = {"roleArn": role, "lifecycleStages": ["PRE_SCALE_UP"], **hook}
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    return {"deploymentConfiguration": configuration, "loadBalancers": [{**balanced, "advancedConfiguration": advanced}]}


def test_a_hook_fails_a_deployment(ecs, running, other, pair, until):  # noqa: F811
    function = "arn:aws:lambda:eu-central-1:123456789012:function:check"
    service = running(**hooked(pair, hookTargetArn=function))
    play(ecs, service, "hook")
    update(ecs, taskDefinition=other)
    found = ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    assert found["statusReason"].endswith(f"Lifecycle hook target {function} returned FAILED status.")


def test_a_hook_pauses_a_deployment(ecs, network, cluster, definition, other, pair, refused, until):  # noqa: F811
    given = hooked(pair, targetType="PAUSE", lifecycleStages=["POST_SCALE_UP"])
    ecs.create_service(**wanted(network, definition, **given))

    def paused():
        until(lambda: len(described(ecs).get("lifecycleHookDetails", [])), 1)
        found = described(ecs)
        [hook] = found["lifecycleHookDetails"]
        assert (found["status"], found["lifecycleStage"]) == ("IN_PROGRESS", "POST_SCALE_UP")
        assert (hook["status"], hook["targetType"], hook["timeoutAction"]) == ("AWAITING_ACTION", "PAUSE", "ROLLBACK")
        return {"serviceDeploymentArn": found["serviceDeploymentArn"], "hookId": hook["hookId"]}

    hook = paused()
    assert "not awaiting" in refused(ecs.continue_service_deployment, **{**hook, "hookId": "none"})
    ecs.continue_service_deployment(**hook)
    ended(ecs, until, "SUCCESSFUL")
    update(ecs, taskDefinition=other)
    ecs.continue_service_deployment(**paused(), action="ROLLBACK")
    ended(ecs, until, "ROLLBACK_SUCCESSFUL")


def test_a_deployment_is_stopped(ecs, running, other, definition, refused, until, process):  # noqa: F811
    service = running()
    assert "ConflictException" in refused(
        ecs.stop_service_deployment, serviceDeploymentArn=listed(ecs)[0]["serviceDeploymentArn"], stopType="ROLLBACK"
    )
    play(ecs, service, "hangs")
    update(ecs, taskDefinition=other)
    arn = listed(ecs)[0]["serviceDeploymentArn"]
    assert "InvalidParameterException" in refused(
        ecs.stop_service_deployment, serviceDeploymentArn=arn, stopType="ABORT"
    )
    missing = arn.replace("/web/", "/none/")
    assert "ServiceDeploymentNotFoundException" in refused(ecs.stop_service_deployment, serviceDeploymentArn=missing)
    scale = process.control("config")["time_scale"]
    process.control("config", {"time_scale": 6})
    try:
        assert ecs.stop_service_deployment(serviceDeploymentArn=arn)["serviceDeploymentArn"] == arn
        assert listed(ecs)[0]["status"] == "ROLLBACK_REQUESTED"
        # A second request changes nothing.
        ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
        until(lambda: listed(ecs)[0]["status"], "ROLLBACK_IN_PROGRESS")
    finally:
        process.control("config", {"time_scale": scale})
    ended(ecs, until, "ROLLBACK_SUCCESSFUL")
    assert seen(ecs)["taskDefinition"] == definition


def test_no_task_is_needed_for_a_deployment_of_none(ecs, running, own_image, until):  # noqa: F811
    service = running()
    play(ecs, service, "exit 1")
    update(ecs, taskDefinition=own_image, desiredCount=0)
    ended(ecs, until, "SUCCESSFUL")


def test_deployments_go_with_their_service(ecs, running, refused, until):  # noqa: F811
    running()
    arn = listed(ecs)[0]["serviceDeploymentArn"]
    ecs.delete_service(cluster="app", service="web", force=True)
    until(lambda: seen(ecs)["status"], "INACTIVE")
    gone = refused(ecs.list_service_deployments, cluster="app", service="web")
    assert gone.startswith("ServiceNotFoundException")
    [failure] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["failures"]
    assert failure == {"arn": arn, "reason": "MISSING"}
