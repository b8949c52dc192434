"""One deployment of a service in its history, and the service revision that it deploys.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
"""

from __future__ import annotations

import datetime
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from ...call import Call
from ...world import CREATING, lifecycle
from . import images, task_definition
from .failures import THRESHOLD
from .task_definition import now

if TYPE_CHECKING:
    from .deployments import Kept

KIND = "ecs.service_deployment"
AWAITING = "AWAITING_ACTION"
# 14 days, in minutes.
LONGEST_PAUSE = 14 * 24 * 60
PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED = "PENDING", "IN_PROGRESS", "SUCCESSFUL", "STOPPED"
ROLLING_BACK, ROLLED_BACK, NOT_ROLLED_BACK = "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"
ONGOING = (PENDING, IN_PROGRESS, ROLLING_BACK)
REVISED = (
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


class ServiceDeployment:
    """A deployment, from its beginning on. `number` is that of the deployment in the service's own list."""

    def __init__(self, call: Call, kept: Kept, number: str, source: str | None) -> None:
        record = kept.record
        place = f"{record.cluster_name}/{record.name}"
        self.arn = call.arn("ecs", f"service-deployment/{place}/{secrets.token_urlsafe(16)[:21]}")
        self.revision = call.arn("ecs", f"service-revision/{place}/{number}")
        self.service, self.cluster = record.arn, record.cluster_arn
        self.settings = {name: kept.settings[name] for name in REVISED if kept.settings.get(name)}
        self.configuration = kept.settings["deploymentConfiguration"]
        self.wanted = kept.settings["desiredCount"]
        self.images = images_of(call, self.settings.get("taskDefinition"))
        self.source = source
        self.created = self.updated = now()
        self.finished: Any = None
        self.status, self.reason = IN_PROGRESS, ""
        self.rollback: dict[str, Any] | None = None
        self.failed_tasks = 0
        self.triggered: list[str] = []
        self.hook: dict[str, Any] | None = None
        self.stage = ""
        lifecycle.creating(call, KIND, self.arn)

    @property
    def is_ongoing(self) -> bool:
        return self.status in ONGOING

    def turn(self, status: str, reason: str = "") -> None:
        """Notes how far it has come; a reason stays until there is another one."""
        self.status, self.reason, self.updated = status, reason or self.reason, now()
        if not self.is_ongoing:
            self.finished = self.updated

    def roll_back(self, call: Call, to: str | None, reason: str, is_requested: bool) -> None:
        """Begins the way back, or ends where there is nothing to go back to."""
        if to is None:
            # The words: TestAccECSService_BlueGreenDeployment_createFailure of terraform-provider-aws.
            self.turn(NOT_ROLLED_BACK, f"{reason} No rollback candidate was found to run the rollback.")
            return
        self.rollback = {"reason": reason, "startedAt": now(), "serviceRevisionArn": to}
        self.turn(ROLLING_BACK, reason)
        if is_requested:
            lifecycle.creating(call, KIND, self.arn)

    def pauses(self, call: Call, hooks: list[dict[str, Any]]) -> bool:
        """True while a hook of the type PAUSE waits for ContinueServiceDeployment.

        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html
        """
        pausing = next((hook for hook in hooks if hook.get("targetType") == "PAUSE"), None)
        if pausing is None or (self.hook and self.hook["status"] != AWAITING):
            return False
        if self.hook is None:
            self.stage, self.updated = pausing["lifecycleStages"][0], now()
            timeout = pausing.get("timeoutConfiguration") or {}
            self.hook = {
                "hookId": str(uuid.uuid4()),
                "targetType": "PAUSE",
                "status": AWAITING,
                "expiresAt": now() + datetime.timedelta(minutes=timeout.get("timeoutInMinutes", LONGEST_PAUSE)),
                "timeoutAction": timeout.get("action", "ROLLBACK"),
            }
        return True

    def status_now(self, call: Call) -> str:
        """Its state: pending at first, and a rollback that was asked for begins after a moment."""
        if self.is_ongoing and lifecycle.phase(call, KIND, self.arn) == CREATING:
            return "ROLLBACK_REQUESTED" if self.status == ROLLING_BACK else PENDING
        return self.status

    def brief(self, call: Call) -> dict[str, Any]:
        """As a list shows it."""
        return {
            "serviceDeploymentArn": self.arn,
            "serviceArn": self.service,
            "clusterArn": self.cluster,
            "createdAt": self.created,
            "startedAt": self.created,
            **({"finishedAt": self.finished} if self.finished else {}),
            "targetServiceRevisionArn": self.revision,
            "status": self.status_now(call),
            **({"statusReason": self.reason} if self.reason else {}),
        }

    def described(self, call: Call, kept: Kept) -> dict[str, Any]:
        seen = self.brief(call)
        del seen["targetServiceRevisionArn"]
        running = kept.running if self.status == SUCCESSFUL else 0
        return {
            **seen,
            "updatedAt": self.updated,
            **({"stoppedAt": self.finished} if self.status == STOPPED else {}),
            "sourceServiceRevisions": [summary(self.source, 0, kept.running - running)] if self.source else [],
            "targetServiceRevision": summary(self.revision, self.wanted, running),
            "deploymentConfiguration": self.configuration,
            **({"rollback": self.rollback} if self.rollback else {}),
            **({"lifecycleStage": self.stage} if self.stage else {}),
            **({"lifecycleHookDetails": [self.hook]} if self.hook else {}),
            "deploymentCircuitBreaker": self.breaker(),
            "alarms": self.alarms(),
        }

    def breaker(self) -> dict[str, Any]:
        enabled = self.configuration["deploymentCircuitBreaker"]["enable"]
        tripped = self.failed_tasks >= THRESHOLD
        return {"status": self.monitor(enabled, tripped), "failureCount": self.failed_tasks, "threshold": THRESHOLD}

    def alarms(self) -> dict[str, Any]:
        watched = self.configuration.get("alarms") or {}
        status = self.monitor(watched.get("enable", False), bool(self.triggered))
        return {"status": status, "alarmNames": watched.get("alarmNames", []), "triggeredAlarmNames": self.triggered}

    def monitor(self, enabled: bool, triggered: bool) -> str:
        if not enabled:
            return "DISABLED"
        return "TRIGGERED" if triggered else "MONITORING" if self.is_ongoing else "MONITORING_COMPLETE"

    def as_revision(self) -> dict[str, Any]:
        """What it deploys, as a service revision."""
        return {
            "serviceRevisionArn": self.revision,
            "serviceArn": self.service,
            "clusterArn": self.cluster,
            **self.settings,
            "containerImages": self.images,
            "guardDutyEnabled": False,
            "createdAt": self.created,
        }


def summary(revision: str, wanted: int, running: int) -> dict[str, Any]:
    counts = {"requestedTaskCount": wanted, "runningTaskCount": running, "pendingTaskCount": max(0, wanted - running)}
    return {"arn": revision, **counts}


def images_of(call: Call, definition: str | None) -> list[dict[str, Any]]:
    """The images of a task definition, with their digests where ECS can tell."""
    found = task_definition.find(call, definition) if definition else None
    seen = []
    for container in found.container_definitions if found else []:
        digest = images.digest(call, container["image"])
        named = {"containerName": container["name"], "image": container["image"]}
        seen.append({**named, **({"imageDigest": digest} if digest else {})})
    return seen
