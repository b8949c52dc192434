"""How ECS carries out a service: deployments that start tasks, that fail, and that are rolled back."""

from __future__ import annotations

import uuid
from typing import Any

from ...call import Call
from ...world import CREATING, GONE, MODIFYING, backend, lifecycle
from ..interfaces import held_by, keep, release
from . import blue_green, images, task_definition
from .cluster import SERVICE
from .task_definition import now

ROLE = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
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
COMPLETED, FAILED, IN_PROGRESS = "COMPLETED", "FAILED", "IN_PROGRESS"


class Kept:
    """What ECS keeps of a service; moto's own record keeps its tags and serves moto's other services."""

    def __init__(self, call: Call, record: Any, settings: dict[str, Any]) -> None:
        self.record = record
        self.settings = settings
        self.created = now()
        self.running = 0
        # The newest first: the primary one, and what is left of the one before.
        self.deployments: list[dict[str, Any]] = []
        self.happened: list[dict[str, Any]] = []
        self.deploy(call)

    def deploy(self, call: Call) -> None:
        """Begins a deployment of the settings; the one before goes on until it is done."""
        for older in self.deployments:
            older["status"] = "ACTIVE"
        before = [older for older in self.deployments if older["rolloutState"] == COMPLETED]
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
        begun["settings"] = {name: self.settings[name] for name in DEPLOYED if name in self.settings}
        self.deployments = [begun, *(before or self.deployments)[:1]]
        self.turn(begun, IN_PROGRESS, f"ECS deployment {begun['id']} in progress.")

    def turn(self, deployment: dict[str, Any], state: str, reason: str) -> None:
        """Notes how far a deployment has come."""
        deployment["rolloutState"], deployment["rolloutStateReason"], deployment["updatedAt"] = state, reason, now()

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
        if self.record.status != "ACTIVE" or self.deployments[0]["rolloutState"] == FAILED:
            return
        primary = self.deployments[0]
        reason = self.why_no_task_starts(call)
        if reason is None:
            if primary["rolloutState"] == IN_PROGRESS:
                self.connect(call)
                if len(self.deployments) > 1 and not blue_green.is_rolling(self.settings):
                    blue_green.shift(call, self.settings)
            self.running = self.settings["desiredCount"]
            self.deployments = [primary]
            self.turn(primary, COMPLETED, f"ECS deployment {primary['id']} completed.")
        elif primary["rolloutState"] == IN_PROGRESS and self.breaker()["enable"]:
            self.fail(call, primary)

    def why_no_task_starts(self, call: Call) -> str | None:
        """What every new task stops with; None where they start, or none is wanted."""
        definition = self.settings.get("taskDefinition")
        if not definition or self.settings["desiredCount"] == 0:
            return None
        return images.why_not(call, task_definition.find(call, definition))

    def breaker(self) -> dict[str, bool]:
        """The circuit breaker's settings."""
        return self.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]

    def fail(self, call: Call, failed: dict[str, Any]) -> None:
        """The circuit breaker ends a deployment; with rollback, the last completed one is the primary one again.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
        """
        self.turn(failed, FAILED, "ECS deployment circuit breaker: tasks failed to start.")
        self.say(f"(deployment {failed['id']}) deployment failed: tasks failed to start.")
        completed = [older for older in self.deployments[1:] if older["rolloutState"] == COMPLETED]
        if not self.breaker()["rollback"] or not completed:
            return
        [back] = completed
        back["status"], failed["status"] = "PRIMARY", "ACTIVE"
        self.deployments = [back, failed]
        self.settings = {name: value for name, value in self.settings.items() if name not in DEPLOYED}
        self.settings |= {"loadBalancers": [], "serviceRegistries": [], **back["settings"]}
        self.say(f"rolling back to deployment {back['id']}.")
        self.turn(back, IN_PROGRESS, f"ECS deployment circuit breaker: rolling back to deploymentId {back['id']}.")
        lifecycle.modifying(call, SERVICE, self.record.arn)

    def providers(self, call: Call) -> set[str]:
        """Capacity providers that its tasks run on, those of an older deployment too."""
        self.settle(call)
        all_settings = [self.settings, *self.deployments]
        items = (item for settings in all_settings for item in settings.get("capacityProviderStrategy") or [])
        return {item["capacityProvider"] for item in items}

    def say(self, what: str) -> None:
        """Adds an event, the newest first."""
        message = f"(service {self.record.name}) {what}"
        self.happened.insert(0, {"id": str(uuid.uuid4()), "createdAt": now(), "message": message})

    def counts(self, call: Call) -> tuple[int, int]:
        self.settle(call)
        if self.record.status != "ACTIVE":
            return (self.running if self.record.status == "DRAINING" else 0), 0
        return self.running, max(0, self.settings["desiredCount"] - self.running)

    def connect(self, call: Call) -> None:
        """One interface for each task there is to be, in the subnets by turns; tasks that never run keep none."""
        network = self.settings.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if not network or self.why_no_task_starts(call):
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
        shown = []
        for deployment in self.deployments:
            primary = deployment["status"] == "PRIMARY"
            # Until the new deployment is done, the old one's tasks are the ones that run.
            here = 0 if deployment["rolloutState"] == FAILED or (primary and len(self.deployments) > 1) else running
            shown.append(
                {
                    **{name: value for name, value in deployment.items() if name != "settings"},
                    "desiredCount": desired if primary else 0,
                    "runningCount": here,
                    "pendingCount": desired - here if primary else 0,
                    "failedTasks": 3 if deployment["rolloutState"] == FAILED else 0,
                }
            )
        return shown

    def events(self, running: int) -> list[dict[str, Any]]:
        if running != self.settings["desiredCount"] or len(self.deployments) != 1:
            return self.happened
        message = f"(service {self.record.name}) has reached a steady state."
        steady = {"id": self.deployments[0]["id"], "createdAt": self.created, "message": message}
        return [*self.happened, steady]
