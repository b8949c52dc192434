"""ECS's services: what AWS keeps of them, how deployments proceed, and how they drain."""

from __future__ import annotations

import uuid
from typing import Any

from ..call import Call, Refusal
from ..hooks import around
from ..world import CREATING, DELETING, GONE, MODIFYING, backend, lifecycle, store
from . import ecs_task_definition
from .ecs import SERVICE, paged, services_in
from .ecs import find as find_cluster
from .ecs_service_rules import refuse_bad_service
from .ecs_task_definition import now
from .interfaces import held_by, keep, release

ROLE = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
DEPLOYMENT = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
DEFAULTS: dict[str, Any] = {
    "availabilityZoneRebalancing": "ENABLED",
    "deploymentController": {"type": "ECS"},
    "desiredCount": 0,
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "propagateTags": "NONE",
    "schedulingStrategy": "REPLICA",
    "serviceRegistries": [],
}
# What a deployment has of its own; a change to any of it begins another one.
DEPLOYED = (
    "capacityProviderStrategy",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "taskDefinition",
    "volumeConfigurations",
)
ONLY_DEPLOYED = ("serviceConnectConfiguration", "volumeConfigurations")
NOT_KEPT = ("clientToken", "cluster", "service", "serviceName", "forceNewDeployment", "role", "tags")


class Kept:
    """What ECS keeps of a service; moto's own record keeps its tags and serves moto's other services."""

    def __init__(self, call: Call, record: Any, settings: dict[str, Any]) -> None:
        self.record = record
        self.settings = settings
        self.created = now()
        self.running = 0
        self.deployments: list[dict[str, Any]] = []
        self.deploy(call)

    def deploy(self, call: Call) -> None:
        """Begins a deployment of the settings; the one before goes on until it is done."""
        for older in self.deployments:
            older["status"] = "ACTIVE"
        fargate = self.settings.get("launchType") == "FARGATE"
        made = {
            name: self.settings[name]
            for name in DEPLOYED
            if name in self.settings and name not in ("loadBalancers", "serviceRegistries")
        }
        if fargate:
            made |= {"platformVersion": "1.4.0", "platformFamily": "Linux"}
        number = str(uuid.uuid4().int)[:19]
        moment = now()
        begun = {**made, "id": f"ecs-svc/{number}", "status": "PRIMARY", "createdAt": moment, "updatedAt": moment}
        self.deployments = [begun, *self.deployments[:1]]

    def settle(self, call: Call) -> None:
        """Lets time do its work: tasks start, the old deployment ends, a drained service becomes inactive."""
        phase = lifecycle.phase(call, SERVICE, self.record.arn)
        if phase in (CREATING, MODIFYING):
            return
        if self.record.status == "DRAINING":
            if phase == GONE:
                self.record.status = "INACTIVE"
                self.running = 0
                self.deployments = []
                release(backend("ec2", call), self.record.arn)
                self.register_targets(call)
            return
        if self.record.status == "ACTIVE":
            self.running = self.settings["desiredCount"]
            self.deployments = self.deployments[:1]

    def counts(self, call: Call) -> tuple[int, int]:
        self.settle(call)
        if self.record.status != "ACTIVE":
            return (self.running if self.record.status == "DRAINING" else 0), 0
        return self.running, max(0, self.settings["desiredCount"] - self.running)

    def connect(self, call: Call) -> None:
        """One interface for each task there is to be, in the subnets by turns."""
        network = self.settings.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if not network:
            return
        subnets, count = network["subnets"], self.settings["desiredCount"]
        ec2 = backend("ec2", call)
        default = ec2.get_default_security_group(ec2.get_subnet(subnets[0]).vpc_id)
        keep(
            ec2,
            [subnets[number % len(subnets)] for number in range(count)],
            holder=self.record.arn,
            holder_kind=SERVICE,
            description=call.arn("ecs", f"attachment/{uuid.uuid4()}"),
            requester="amazon-ecs",
            groups=network.get("securityGroups") or [default.id],
        )
        self.register_targets(call)

    def register_targets(self, call: Call) -> None:
        """Puts the tasks' addresses into the service's target groups, and takes out those that are no more."""
        addresses = [eni.private_ip_address for eni in held_by(backend("ec2", call), self.record.arn)]
        for balanced in self.settings["loadBalancers"]:
            group = backend("elbv2", call).target_groups.get(balanced.get("targetGroupArn"))
            if group and group.target_type == "ip":
                port = balanced["containerPort"]
                former = getattr(self, "registered", set()) - set(addresses)
                group.targets = {id: target for id, target in group.targets.items() if id not in former}
                group.targets |= {address: {"Id": address, "Port": port} for address in addresses}
        self.registered = set(addresses)

    def described(self, call: Call, tagged: bool) -> dict[str, Any]:
        running, pending = self.counts(call)
        record = self.record
        seen = {
            **{name: value for name, value in self.settings.items() if name not in ONLY_DEPLOYED},
            "serviceArn": record.arn,
            "serviceName": record.name,
            "clusterArn": record.cluster_arn,
            "status": record.status,
            "desiredCount": self.settings["desiredCount"],
            "runningCount": running,
            "pendingCount": pending,
            "deployments": self.deployments_as_described(running, pending),
            "roleArn": f"arn:{call.partition}:iam::{call.account}:{ROLE}",
            "createdAt": self.created,
            "createdBy": f"arn:{call.partition}:iam::{call.account}:root",
            "events": self.events(running),
            "tags": record.tags if tagged else [],
        }
        if self.settings.get("launchType") == "FARGATE":
            seen |= {"platformVersion": self.settings.get("platformVersion", "LATEST"), "platformFamily": "Linux"}
        return seen

    def deployments_as_described(self, running: int, pending: int) -> list[dict[str, Any]]:
        desired = self.settings["desiredCount"]
        done = len(self.deployments) == 1 and not pending
        shown = []
        for deployment in self.deployments:
            primary = deployment["status"] == "PRIMARY"
            # Until the new deployment is done, the old one's tasks are the ones that run.
            here = running if done or not primary or len(self.deployments) == 1 else 0
            rollout = "COMPLETED" if done or not primary else "IN_PROGRESS"
            shown.append(
                {
                    **deployment,
                    "desiredCount": desired if primary else 0,
                    "runningCount": here,
                    "pendingCount": desired - here if primary else 0,
                    "failedTasks": 0,
                    "rolloutState": rollout,
                    "rolloutStateReason": f"ECS deployment {deployment['id']} {rollout.lower().replace('_', ' ')}.",
                }
            )
        return shown

    def events(self, running: int) -> list[dict[str, Any]]:
        if running != self.settings["desiredCount"] or len(self.deployments) != 1:
            return []
        message = f"(service {self.record.name}) has reached a steady state."
        return [{"id": self.deployments[0]["id"], "createdAt": self.created, "message": message}]


def find(call: Call, cluster: Any, name: str) -> Any:
    """moto's record of a service, with `kept` settled; None where there is none."""
    short = name.rpartition("/")[2]
    for record in services_in(call, cluster):
        if record.name == short and hasattr(record, "kept"):
            record.kept.settle(call)
            return record
    return None


@around("ecs", "CreateService")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    cluster, name = find_cluster(call), call.params["serviceName"]
    asked = {name: value for name, value in call.params.items() if name != "clientToken"}
    answered, token = store("ecs.tokens", call), call.get("clientToken")
    old = find(call, cluster, name)
    if token and token in answered:
        if answered[token] != asked or old is None:
            raise Refusal("InvalidParameterException", "Creation of service was not idempotent.")
        return {"service": old.kept.described(call, tagged=True)}
    if old and old.status == "ACTIVE":
        raise Refusal("InvalidParameterException", "Creation of service was not idempotent.")
    if old and old.status == "DRAINING":
        raise Refusal("InvalidParameterException", "Unable to Start a service that is still Draining.")
    settings = settings_of(call, {**DEFAULTS}, call.params)
    if not settings.get("capacityProviderStrategy") and "launchType" not in settings:
        settings |= defaults_of(cluster)
    refuse_bad_service(call, settings)
    release(backend("ec2", call), call.arn("ecs", f"service/{cluster.name}/{name}"))
    backend("ecs", call).services.pop(f"{cluster.name}:{name}", None)
    proceed()
    record = backend("ecs", call).services[f"{cluster.name}:{name}"]
    record.kept = Kept(call, record, settings)
    if token:
        answered[token] = asked
    lifecycle.creating(call, SERVICE, record.arn)
    record.kept.connect(call)
    return {"service": record.kept.described(call, tagged=True)}


def defaults_of(cluster: Any) -> dict[str, Any]:
    strategy = cluster.default_capacity_provider_strategy
    return {"capacityProviderStrategy": strategy} if strategy else {"launchType": "EC2"}


def settings_of(call: Call, before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings after a request, task definition by its ARN, deployment configuration with its defaults."""
    after = {**before, **{name: value for name, value in given.items() if name not in NOT_KEPT and value is not None}}
    if given.get("taskDefinition"):
        found = ecs_task_definition.find(call, given["taskDefinition"])
        if found is None:
            raise Refusal("ClientException", "TaskDefinition not found.")
        if found.status != "ACTIVE":
            raise Refusal("ClientException", "TaskDefinition is inactive")
        after["taskDefinition"] = found.arn
    former = before.get("deploymentConfiguration", DEPLOYMENT)
    after["deploymentConfiguration"] = {**former, **given.get("deploymentConfiguration", {})}
    network = after.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        filled = {"assignPublicIp": "DISABLED", "securityGroups": [], **network}
        after["networkConfiguration"] = {"awsvpcConfiguration": filled}
    if after.get("loadBalancers") and after["desiredCount"] is not None:
        after.setdefault("healthCheckGracePeriodSeconds", 0)
    return after


@around("ecs", "DescribeServices")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call, active=False)
    tagged = "TAGS" in call.get("include", default=[])
    if len(call.params["services"]) > 10:
        raise Refusal("InvalidParameterException", "Services cannot be greater than 10.")
    found, failures = [], []
    for name in call.params["services"]:
        record = find(call, cluster, name)
        if record:
            found.append(record.kept.described(call, tagged))
        else:
            arn = name if name.startswith("arn:") else call.arn("ecs", f"service/{cluster.name}/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"services": found, "failures": failures}


@around("ecs", "ListServices")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call, active=False)
    records = [record for record in services_in(call, cluster) if hasattr(record, "kept")]
    for record in records:
        record.kept.settle(call)
    wanted = {name: call.get(name) for name in ("launchType", "schedulingStrategy") if call.get(name)}
    arns = [
        record.arn
        for record in records
        if record.status != "INACTIVE"
        and all(record.kept.settings.get(name) == value for name, value in wanted.items())
    ]
    return paged(call, "serviceArns", arns, default=10)


@around("ecs", "UpdateService")
def update(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call)
    record = find(call, cluster, call.params["service"])
    if record is None or record.status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    if record.status != "ACTIVE":
        raise Refusal("ServiceNotActiveException", "Service was not ACTIVE.")
    kept = record.kept
    before = kept.settings
    after = settings_of(call, before, call.params)
    refuse_bad_service(call, after)
    kept.settings = after
    record.desired_count, record.task_definition = after["desiredCount"], after.get("taskDefinition")
    redeployed = any(before.get(name) != after.get(name) for name in DEPLOYED)
    if redeployed or call.get("forceNewDeployment"):
        kept.deploy(call)
    if redeployed or call.get("forceNewDeployment") or before["desiredCount"] != after["desiredCount"]:
        lifecycle.modifying(call, SERVICE, record.arn)
        kept.connect(call)
    return {"service": kept.described(call, tagged=True)}


@around("ecs", "DeleteService")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find_cluster(call)
    record = find(call, cluster, call.params["service"])
    if record is None or record.status == "INACTIVE":
        raise Refusal("ServiceNotFoundException", "Service not found.")
    settings = record.kept.settings
    if settings["desiredCount"] > 0 and not call.get("force") and settings["schedulingStrategy"] == "REPLICA":
        raise Refusal("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    if record.status != "DRAINING":
        record.status = "DRAINING"
        settings["desiredCount"] = 0
        lifecycle.deleting(call, SERVICE, record.arn)
    assert lifecycle.phase(call, SERVICE, record.arn) in (DELETING, GONE), "a draining service is being deleted"
    return {"service": record.kept.described(call, tagged=True)}
