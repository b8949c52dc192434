"""How ECS carries out a service: deployments that start tasks, that fail, and that are rolled back."""

from __future__ import annotations

import uuid
from typing import Any

from ...call import Call
from ...world import CREATING, GONE, MODIFYING, backend, lifecycle
from ..interfaces import held_by, keep, release
from . import blue_green, failures
from .cluster import SERVICE
from .failures import Failure
from .service_deployment import ROLLED_BACK, ROLLING_BACK, STOPPED, SUCCESSFUL, ServiceDeployment
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
# What is kept of a deployment and not described.
KEPT = ("settings", "revision", "is_rollback")
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
        # All service deployments there ever were, the newest first, and the tasks of theirs that have failed.
        self.history: list[ServiceDeployment] = []
        self.stopped_tasks: list[dict[str, Any]] = []
        # See `failures.py`.
        self.played: str | None = None
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
        if self.history and self.history[0].is_ongoing:
            # The words are ours.
            self.history[0].turn(STOPPED, "Service deployment stopped because a newer service deployment began.")
        source = before[0]["revision"] if before else None
        self.history.insert(0, ServiceDeployment(call, self, number, source))
        begun["revision"] = self.history[0].revision
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
        is_new = primary["rolloutState"] == IN_PROGRESS
        if is_new and self.plays() == failures.HANGS:
            return
        failure = failures.of(call, self)
        if failure is not None:
            if is_new and self.breaker()["enable"]:
                self.break_circuit(call, primary, failure)
        elif not is_new or self.may_complete(call, primary):
            self.complete(call, primary)

    def complete(self, call: Call, primary: dict[str, Any]) -> None:
        """Every task that is wanted runs, and the deployment before is over."""
        if primary["rolloutState"] == IN_PROGRESS:
            self.connect(call)
            if len(self.deployments) > 1 and not blue_green.is_rolling(self.settings):
                blue_green.shift(call, self.settings)
            current = self.history[0]
            current.stage = ""
            if current.is_ongoing:
                current.turn(ROLLED_BACK if current.status == ROLLING_BACK else SUCCESSFUL)
        self.running = self.settings["desiredCount"]
        self.deployments = [primary]
        self.turn(primary, COMPLETED, f"ECS deployment {primary['id']} completed.")

    def plays(self) -> str:
        """What a test has said becomes of new tasks; those that a rollback starts are as they were."""
        return "" if self.deployments and self.deployments[0].get("is_rollback") else self.played or ""

    def may_complete(self, call: Call, primary: dict[str, Any]) -> bool:
        """False where an alarm or a lifecycle hook fails the deployment, or a hook pauses it."""
        configuration, current = self.settings["deploymentConfiguration"], self.history[0]
        word, _, detail = self.plays().partition(" ")
        alarms = configuration.get("alarms") or {}
        if primary.get("is_rollback") or self.settings["desiredCount"] == 0:
            return True
        if word == "alarm" and alarms.get("enable") and detail in alarms["alarmNames"]:
            current.triggered = [detail]
            # The event: "Amazon ECS service event messages". The reason's words are ours.
            why = "Service deployment rolled back because an alarm went into the ALARM state."
            self.fail(call, primary, "alarm detected", why, alarms.get("rollback", False))
            return False
        hooks = configuration.get("lifecycleHooks") or []
        for hook in hooks if word == failures.HOOK else ():
            # The words: https://github.com/hashicorp/terraform-provider-aws (ecs/service_test.go), and users' reports.
            why = (
                f"Service deployment rolled back because {hook['lifecycleStages'][0]} lifecycle hook(s) failed. "
                f"Lifecycle hook target {hook['hookTargetArn']} returned FAILED status."
            )
            self.fail(call, primary, "lifecycle hook failed", why, True)
            return False
        return not current.pauses(call, hooks)

    def breaker(self) -> dict[str, bool]:
        """The circuit breaker's settings."""
        return self.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]

    def break_circuit(self, call: Call, failed: dict[str, Any], failure: Failure) -> None:
        """The circuit breaker ends a deployment whose tasks have failed too often.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
        """
        tasks = failures.stopped(call, self, failed, failure)
        self.stopped_tasks = [*tasks, *self.stopped_tasks]
        for task in tasks if failure.event else ():
            port = self.settings["loadBalancers"][0]["containerPort"]
            self.say(f"(task {task['taskArn'].rpartition('/')[2]}) (port {port}) {failure.event}")
        self.history[0].failed_tasks = len(tasks)
        # The words: ecs/service_test.go of terraform-provider-aws.
        why = "Service deployment rolled back because the circuit breaker threshold was exceeded."
        self.fail(call, failed, "tasks failed to start", why, self.breaker()["rollback"])

    def fail(self, call: Call, failed: dict[str, Any], what: str, why: str, rolls_back: bool) -> None:
        """Ends a deployment; with rollback, the last completed one is the primary one again."""
        by = "ECS deployment circuit breaker" if self.history[0].failed_tasks else "ECS deployment failed"
        self.turn(failed, FAILED, f"{by}: {what}.")
        self.say(f"(deployment {failed['id']}) deployment failed: {what}.")
        if rolls_back:
            self.roll_back(call, failed, why, is_requested=False)
        else:
            self.history[0].turn(STOPPED, why.replace("rolled back", "stopped", 1))

    def roll_back(self, call: Call, failed: dict[str, Any], why: str, is_requested: bool) -> None:
        """Goes back to the last completed deployment, if there is one."""
        completed = [older for older in self.deployments[1:] if older["rolloutState"] == COMPLETED]
        self.history[0].roll_back(call, completed[0]["revision"] if completed else None, why, is_requested)
        if not completed:
            return
        [back] = completed
        back["status"], failed["status"], back["is_rollback"] = "PRIMARY", "ACTIVE", True
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
        if not network or failures.of(call, self):
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
                    **{name: value for name, value in deployment.items() if name not in KEPT},
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
