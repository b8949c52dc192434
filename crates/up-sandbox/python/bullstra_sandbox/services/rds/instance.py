"""RDS instances of PostgreSQL, MySQL and MariaDB: defaults, time, changes that wait, and what stands in their way."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from ...call import Call, Refusal
from ...world import CREATING, DELETING, GONE, MODIFYING, READY, backend, lifecycle
from .. import query
from ..interfaces import keep, release
from . import RDS
from .engine import Engine
from .groups import described as described_group
from .groups import subnet_group

KIND = "rds.instance"
STATES = {CREATING: "creating", MODIFYING: "modifying", READY: "available", DELETING: "deleting", GONE: "deleting"}

# The states in which RDS takes changes.
MODIFIABLE = {"available", "storage-full", "storage-optimization", "incompatible-parameters", "incompatible-option-group"}
# The states in which RDS takes no last snapshot ("DeleteDBInstance", API reference).
NO_SNAPSHOT = {"failed", "incompatible-network", "incompatible-restore"}
# What waits for the maintenance window unless it is to be applied immediately.
WAITING = {
    "AllocatedStorage",
    "CACertificateIdentifier",
    "DBInstanceClass",
    "DBPortNumber",
    "EngineVersion",
    "Iops",
    "MasterUserPassword",
    "MultiAZ",
    "StorageThroughput",
    "StorageType",
}
# What a request calls otherwise than the instance does.
RENAMED = {
    "DBPortNumber": "Port",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
}
DEFAULTS: dict[str, Any] = {
    "AutoMinorVersionUpgrade": True,
    "BackupRetentionPeriod": 1,
    "BackupTarget": "region",
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "CopyTagsToSnapshot": False,
    "DatabaseInsightsMode": "standard",
    "DedicatedLogVolume": False,
    "DeletionProtection": False,
    "EngineLifecycleSupport": "open-source-rds-extended-support",
    "EnabledCloudwatchLogsExports": [],
    "IAMDatabaseAuthenticationEnabled": False,
    "MonitoringInterval": 0,
    "MultiAZ": False,
    "NetworkType": "IPV4",
    "PerformanceInsightsEnabled": False,
    "PreferredBackupWindow": "03:12-03:42",
    "PreferredMaintenanceWindow": "sun:05:16-sun:05:46",
    "StorageEncrypted": False,
    "StorageType": "gp2",
}
# Settings an answer has in a form of its own.
SHAPED = {
    "CloudwatchLogsExportConfiguration",
    "DBParameterGroupName",
    "DBSubnetGroupName",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUserSecretKmsKeyId",
    "Port",
    "Tags",
    "VpcSecurityGroupIds",
}
ENDPOINT_ZONES = {"eu-central-1": "Z1RLNUO7B9Q6NB", "us-east-1": "Z2R2ITUGPM61AM", "eu-west-1": "Z29XKXDKYMONMX"}


class Instance:
    """What RDS keeps of an instance beside what moto's record of it does: tags and the managed password."""

    def __init__(self, call: Call, engine: Engine) -> None:
        self.id = call.params["DBInstanceIdentifier"]
        self.arn = call.arn("rds", f"db:{self.id}")
        self.engine = engine
        group = call.get("DBSubnetGroupName")
        self.vpc_id = subnet_group(call, group).vpc_id if group else backend("ec2", call).get_default_vpc().id
        self.settings = {**DEFAULTS, **renamed(call.params)}
        self.settings["EngineVersion"] = engine.version(call.get("EngineVersion"))
        self.settings.setdefault("Port", engine.port)
        self.settings.setdefault("LicenseModel", engine.license)
        self.settings.setdefault("PubliclyAccessible", self._has_gateway(call))
        self.settings.setdefault("DBParameterGroupName", f"default.{engine.family(self.settings['EngineVersion'])}")
        self.settings.setdefault("OptionGroupName", engine.option_group(self.settings["EngineVersion"]))
        if not self.settings.get("VpcSecurityGroupIds"):
            self.settings["VpcSecurityGroupIds"] = [backend("ec2", call).get_default_security_group(self.vpc_id).id]
        self.pending: dict[str, Any] = {}
        self.applying = False
        # A state that is played, see `rds_played.py`.
        self.played: str | None = None
        self.awaits_reboot = False
        self.fill(call)

    def _has_gateway(self, call: Call) -> bool:
        gateways = backend("ec2", call).internet_gateways.values()
        return any(gateway.vpc and gateway.vpc.id == self.vpc_id for gateway in gateways)

    def fill(self, call: Call) -> None:
        """Fills in what follows from other settings."""
        settings = self.settings
        if settings["StorageType"] == "gp3":
            large = settings["AllocatedStorage"] >= 400
            settings["Iops"] = max(settings.get("Iops", 0), 12000 if large else 3000)
            settings["StorageThroughput"] = max(settings.get("StorageThroughput", 0), 500 if large else 125)
        if settings["StorageEncrypted"]:
            settings["KmsKeyId"] = key_arn(call, settings.get("KmsKeyId"), "aws/rds")
        if settings["PerformanceInsightsEnabled"]:
            settings.setdefault("PerformanceInsightsRetentionPeriod", 7)
            settings["PerformanceInsightsKMSKeyId"] = key_arn(
                call, settings.get("PerformanceInsightsKMSKeyId"), "aws/rds"
            )

    def state(self, call: Call) -> str:
        """Applies what is due, and says where the instance stands."""
        phase = lifecycle.phase(call, KIND, self.arn)
        if phase == READY and self.applying:
            self.apply(call, self.pending)
            self.pending, self.applying = {}, False
        return self.played if phase == READY and self.played else STATES[phase]

    def apply(self, call: Call, changes: dict[str, Any]) -> None:
        if changes.get("StorageType") not in (None, self.settings["StorageType"]):
            for name in ("Iops", "StorageThroughput"):
                self.settings.pop(name, None)
        if self.played == "storage-full" and "AllocatedStorage" in changes:
            self.played = None
        if "EngineVersion" in changes:
            # An upgrade starts the engine anew, with all its parameters.
            self.awaits_reboot = False
        self.settings |= renamed(changes)
        # moto looks its own one up, which may be deleted once no instance uses it.
        backend("rds", call).databases[self.id].db_parameter_group_name = self.settings["DBParameterGroupName"]
        if self.settings.get("MaxAllocatedStorage") == self.settings["AllocatedStorage"]:
            # A limit at the size itself switches storage autoscaling off.
            del self.settings["MaxAllocatedStorage"]
        self.fill(call)
        self.connect(call)

    def connect(self, call: Call) -> None:
        """Holds an interface in the subnets where the instance and its standby are."""
        group = self.settings.get("DBSubnetGroupName")
        places = [subnet.id for subnet in subnet_group(call, group)._subnets] if group else []
        keep(
            backend("ec2", call),
            places[: 2 if self.settings["MultiAZ"] else 1],
            holder=self.arn,
            holder_kind=KIND,
            description="RDSNetworkInterface",
            requester="amazon-rds",
            groups=self.settings["VpcSecurityGroupIds"],
        )

    def zones(self, call: Call) -> list[str]:
        group = self.settings.get("DBSubnetGroupName")
        places = subnet_group(call, group)._subnets if group else []
        zones = sorted({subnet.availability_zone for subnet in places}) or [f"{call.region}a", f"{call.region}b"]
        first = self.settings.get("AvailabilityZone", zones[0])
        return [first, *(zone for zone in zones if zone != first)]

    def described(self, call: Call) -> dict[str, Any]:
        state, database, settings = self.state(call), backend("rds", call).databases[self.id], self.settings
        shown = {name: value for name, value in settings.items() if name not in SHAPED}
        group = settings.get("DBSubnetGroupName")
        seen: dict[str, Any] = {
            **shown,
            "DBInstanceArn": self.arn,
            "DBInstanceStatus": state,
            "InstanceCreateTime": database.instance_create_time,
            "DbInstancePort": 0,
            "DbiResourceId": f"db-{hashlib.sha256(database.unique.encode()).hexdigest().upper()[:26]}",
            "VpcSecurityGroups": [
                {"VpcSecurityGroupId": id, "Status": "active"} for id in settings["VpcSecurityGroupIds"]
            ],
            "DBParameterGroups": [
                {
                    "DBParameterGroupName": settings["DBParameterGroupName"],
                    "ParameterApplyStatus": "pending-reboot" if self.awaits_reboot else "in-sync",
                }
            ],
            "OptionGroupMemberships": [{"OptionGroupName": settings["OptionGroupName"], "Status": "in-sync"}],
            "PendingModifiedValues": self.pending_as_described(),
            "CertificateDetails": {"CAIdentifier": settings["CACertificateIdentifier"]},
            "AvailabilityZone": self.zones(call)[0],
            "TagList": database.get_tags(),
        }
        seen.pop("OptionGroupName", None)
        if group:
            seen["DBSubnetGroup"] = described_group(subnet_group(call, group))
        if state != "creating":
            seen["Endpoint"] = {
                "Address": f"{self.id}.c{seen['DbiResourceId'][3:14].lower()}.{call.region}.rds.amazonaws.com",
                "Port": settings["Port"],
                "HostedZoneId": ENDPOINT_ZONES.get(call.region, ENDPOINT_ZONES["eu-central-1"]),
            }
            if settings["MultiAZ"]:
                seen["SecondaryAvailabilityZone"] = self.zones(call)[1]
        if secret := getattr(database, "master_user_secret", None):
            seen["MasterUserSecret"] = {
                "SecretArn": secret.secret_arn,
                "SecretStatus": "creating" if state == "creating" else "active",
                "KmsKeyId": key_arn(call, settings.get("MasterUserSecretKmsKeyId"), "aws/secretsmanager"),
            }
        return seen

    def pending_as_described(self) -> dict[str, Any]:
        pending = renamed(self.pending)
        return {**pending, "MasterUserPassword": "****"} if "MasterUserPassword" in pending else pending


def renamed(params: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in params.items()}


def key_arn(call: Call, key: str | None, alias: str) -> str:
    """The ARN of a key; without one, that of the key AWS keeps for the service."""
    if key and key.startswith("arn:"):
        return key
    stable = uuid.uuid5(uuid.NAMESPACE_URL, f"{call.account}/{call.region}/{key or alias}")
    named = key if key and not key.startswith("alias/") else stable
    return call.arn("kms", f"key/{named}")


def find(call: Call, id: str) -> Instance | None:
    """The instance of this name, if it is one of these engines and has not gone yet."""
    settle(call)
    database = backend("rds", call).databases.get(id)
    return getattr(database, "instance", None)


def settle(call: Call) -> None:
    """Forgets instances whose deletion is over."""
    rds = backend("rds", call)
    for id, database in list(rds.databases.items()):
        instance = getattr(database, "instance", None)
        if instance and lifecycle.phase(call, KIND, instance.arn) == GONE:
            database.deletion_protection = False
            rds.delete_db_instance(id, skip_final_snapshot=True)
            # moto makes an engine's default group when it describes an instance, and makes it again for another.
            rds.db_parameter_groups.pop(database.default_db_parameter_group_details()[1], None)
            release(backend("ec2", call), instance.arn)
            lifecycle.forget(call, KIND, instance.arn)


@RDS.around("DescribeDBInstances")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    settle(call)
    databases = backend("rds", call).databases
    others = ("Marker", "MaxRecords")
    seen = proceed({name: value for name, value in call.params.items() if name not in others})["DBInstances"]
    described = [
        instance.described(call)
        if (instance := getattr(databases[each["DBInstanceIdentifier"]], "instance", None))
        else each
        for each in seen
    ]
    shown, following = query.page(described, call.get("Marker"), call.get("MaxRecords"), default=100)
    return {"DBInstances": shown, **({"Marker": following} if following else {})}


@RDS.around("RebootDBInstance")
def reboot(call: Call, proceed: Any) -> dict[str, Any] | None:
    instance = find(call, call.params["DBInstanceIdentifier"])
    if instance is None:
        proceed()
        return None
    if instance.state(call) not in MODIFIABLE:
        raise Refusal("InvalidDBInstanceState", "Database instance is not in available state.")
    instance.awaits_reboot = False
    lifecycle.modifying(call, KIND, instance.arn, share=0.1)
    return {"DBInstance": {**instance.described(call), "DBInstanceStatus": "rebooting"}}


@RDS.around("DeleteDBInstance")
def delete(call: Call, proceed: Any) -> dict[str, Any] | None:
    instance = find(call, call.params["DBInstanceIdentifier"])
    if instance is None:
        proceed()
        return None
    if instance.state(call) == "deleting":
        raise Refusal("InvalidDBInstanceState", f"Instance {instance.id} is already being deleted.")
    if instance.settings["DeletionProtection"]:
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise Refusal("InvalidParameterCombination", message)
    snapshot, skipped = call.get("FinalDBSnapshotIdentifier"), call.get("SkipFinalSnapshot", default=False)
    if not snapshot and not skipped:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise Refusal("InvalidParameterCombination", message)
    if snapshot and instance.state(call) in NO_SNAPSHOT:
        message = f"Cannot create a final snapshot because the instance is in {instance.state(call)} state."
        raise Refusal("InvalidDBInstanceState", message)
    if snapshot and skipped:
        message = (
            "FinalDBSnapshotIdentifier cannot be specified when deleting a DB Instance with SkipFinalSnapshot enabled."
        )
        raise Refusal("InvalidParameterCombination", message)
    if snapshot:
        database = backend("rds", call).databases[instance.id]
        tags = database.get_tags() if instance.settings["CopyTagsToSnapshot"] else []
        backend("rds", call).create_db_snapshot(instance.id, snapshot, tags=tags)
    lifecycle.deleting(call, KIND, instance.arn)
    return {"DBInstance": {**instance.described(call), "DBInstanceStatus": "deleting"}}
