"""Creating and modifying RDS instances."""

from __future__ import annotations

import re
import uuid
from typing import Any

from ...call import Call, Refusal
from ...world import backend, lifecycle
from ..interfaces import release
from . import RDS
from .engine import ENGINES, Engine, numbers
from .instance import KIND, MODIFIABLE, WAITING, Instance, find, settle

NOT_A_SETTING = {
    "AllowMajorVersionUpgrade",
    "ApplyImmediately",
    "DBInstanceIdentifier",
    "NewDBInstanceIdentifier",
    "RotateMasterUserPassword",
}


@RDS.around("CreateDBInstance")
def create(call: Call, proceed: Any) -> dict[str, Any] | None:
    engine = ENGINES.get(call.get("Engine", default=""))
    if engine is None or call.get("DBClusterIdentifier"):
        proceed()
        return None
    settle(call)
    id = call.params["DBInstanceIdentifier"]
    if id in backend("rds", call).databases:
        raise Refusal("DBInstanceAlreadyExists", "DB instance already exists")
    instance = Instance(call, engine)
    refuse_ended(engine, instance.settings)
    refuse_bad_settings(call, engine, instance.settings, instance.vpc_id)
    refuse_bad_master(call, engine)
    release(backend("ec2", call), instance.arn)
    proceed({**call.params, "EngineVersion": instance.settings["EngineVersion"]})
    database = backend("rds", call).databases[id]
    database.instance = instance
    database.unique = uuid.uuid4().hex
    lifecycle.creating(call, KIND, instance.arn)
    instance.connect(call)
    return {"DBInstance": instance.described(call)}


def refuse_ended(engine: Engine, settings: dict[str, Any]) -> None:
    """Past its standard support a version is made with extended support only ("CreateDBInstance", API reference)."""
    wanted = settings["EngineLifecycleSupport"]
    if engine.major(settings["EngineVersion"]) in engine.ended and wanted.endswith("-disabled"):
        message = (
            f"Engine version {settings['EngineVersion']} of {engine.name} is past its end of standard support: it needs "
            "EngineLifecycleSupport open-source-rds-extended-support."
        )
        raise Refusal("InvalidParameterCombination", message)


def refuse_slow_gp3(engine: Engine, settings: dict[str, Any], given: dict[str, Any]) -> None:
    """gp3 below 400 GiB has a fixed speed, and from there on a least one (terraform-provider-aws#28382)."""
    if settings["StorageType"] != "gp3":
        return
    if settings["AllocatedStorage"] < 400 and (given.get("Iops") or given.get("StorageThroughput")):
        message = (
            f"You can't specify IOPS or storage throughput for engine {engine.name} and a storage size less than 400."
        )
        raise Refusal("InvalidParameterCombination", message)
    if settings["AllocatedStorage"] >= 400 and not 12000 <= given.get("Iops", 12000) <= 64000:
        message = f"Invalid iops value for engine name {engine.name} and storage type gp3: {given['Iops']}"
        raise Refusal("InvalidParameterCombination", message)


def refuse_bad_settings(call: Call, engine: Engine, settings: dict[str, Any], vpc_id: str) -> None:
    if settings["StorageType"] in ("gp2", "gp3") and not 20 <= settings.get("AllocatedStorage", 0) <= 65536:
        message = (
            f"Invalid storage size for engine name {engine.name} and storage type {settings['StorageType']}: "
            f"{settings.get('AllocatedStorage', 0)}"
        )
        raise Refusal("InvalidParameterCombination", message)
    size, most = settings["AllocatedStorage"], settings.get("MaxAllocatedStorage")
    # "At least 10% more"; the size itself is no limit: it switches growing off (RDS user guide, storage autoscaling).
    if call.get("MaxAllocatedStorage") and most != size and most * 10 < size * 11:
        message = f"Invalid max storage size for engine name {engine.name} and storage type {settings['StorageType']}: {most}"
        raise Refusal("InvalidParameterCombination", message)
    refuse_slow_gp3(engine, settings, call.params)
    for id in settings["VpcSecurityGroupIds"]:
        group = backend("ec2", call).get_security_group_from_id(id)
        if group is None:
            raise Refusal("InvalidParameterValue", f"Invalid security group , groupId= {id}, groupName=.")
        if group.vpc_id != vpc_id:
            message = (
                f"The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc_id} "
                f"and the EC2 security group is in {group.vpc_id}"
            )
            raise Refusal("InvalidParameterCombination", message)
    refuse_bad_parameter_group(call, engine, settings)
    unknown = set(settings["EnabledCloudwatchLogsExports"]) - engine.logs
    if unknown:
        version = f"{engine.name} {settings['EngineVersion']}"
        message = f"You cannot use the log types '{', '.join(sorted(unknown))}' with engine version {version}."
        raise Refusal("InvalidParameterCombination", message)


def refuse_bad_parameter_group(call: Call, engine: Engine, settings: dict[str, Any]) -> None:
    name, family = settings["DBParameterGroupName"], engine.family(settings["EngineVersion"])
    if name == f"default.{family}":
        return
    group = backend("rds", call).db_parameter_groups.get(name)
    if group is None:
        raise Refusal("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")
    if group.family != family:
        message = (
            f"The parameter group {name} with DBParameterGroupFamily {group.family} can't be used for this instance. "
            f"Use a parameter group with DBParameterGroupFamily {family}."
        )
        raise Refusal("InvalidParameterCombination", message)


def refuse_bad_master(call: Call, engine: Engine) -> None:
    name = call.get("MasterUsername")
    if not name:
        raise Refusal("InvalidParameterValue", "The parameter MasterUsername must be provided and must not be blank.")
    if name.lower() in engine.reserved:
        message = f"MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        raise Refusal("InvalidParameterValue", message)
    managed, password = call.get("ManageMasterUserPassword", default=False), call.get("MasterUserPassword")
    if managed and password:
        message = "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled."
        raise Refusal("InvalidParameterCombination", message)
    if not managed and not password:
        message = "The parameter MasterUserPassword must be provided and must not be blank."
        raise Refusal("InvalidParameterValue", message)
    if password:
        refuse_bad_password(password)


def refuse_bad_password(password: str) -> None:
    words = "The parameter MasterUserPassword is not a valid password"
    if len(password) < 8:
        raise Refusal("InvalidParameterValue", f"{words} because it is shorter than 8 characters.")
    if re.search(r"[/@\" ]|[^ -~]", password):
        message = f"{words}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        raise Refusal("InvalidParameterValue", message)


@RDS.around("ModifyDBInstance")
def modify(call: Call, proceed: Any) -> dict[str, Any] | None:
    instance = find(call, call.params["DBInstanceIdentifier"])
    if instance is None:
        proceed()
        return None
    if instance.state(call) not in MODIFIABLE:
        raise Refusal("InvalidDBInstanceState", "Database instance is not in available state.")
    changes = changes_of(call, instance)
    refuse_bad_change(call, instance, changes)
    change_password_keeping(call, instance)
    if changes.get("DBParameterGroupName") not in (None, instance.settings["DBParameterGroupName"]):
        instance.awaits_reboot = True
    waiting = {name: value for name, value in changes.items() if name in WAITING}
    # What is as it is already waits no more.
    for name in set(call.params) & set(instance.pending) - set(waiting):
        del instance.pending[name]
    instance.apply(call, {name: value for name, value in changes.items() if name not in WAITING})
    instance.pending = {**instance.pending, **waiting}
    if call.get("ApplyImmediately") and instance.pending:
        instance.applying = True
        lifecycle.modifying(call, KIND, instance.arn)
    # RDS answers with the state from before the change begins.
    return {"DBInstance": {**instance.described(call), "DBInstanceStatus": "available"}}


def changes_of(call: Call, instance: Instance) -> dict[str, Any]:
    """The settings a request changes, without those that are already so."""
    given = {name: value for name, value in call.params.items() if name not in NOT_A_SETTING}
    logs = given.pop("CloudwatchLogsExportConfiguration", {})
    if logs:
        kept = [
            name
            for name in instance.settings["EnabledCloudwatchLogsExports"]
            if name not in logs.get("DisableLogTypes", [])
        ]
        given["EnabledCloudwatchLogsExports"] = kept + [
            name for name in logs.get("EnableLogTypes", []) if name not in kept
        ]
    if given.get("EngineVersion"):
        given["EngineVersion"] = instance.engine.version(given["EngineVersion"])
    return {
        name: value
        for name, value in given.items()
        if instance.settings.get(name) != value or name == "MasterUserPassword"
    }


def refuse_bad_change(call: Call, instance: Instance, changes: dict[str, Any]) -> None:
    settings, engine = instance.settings, instance.engine
    if changes.get("AllocatedStorage", settings["AllocatedStorage"]) < settings["AllocatedStorage"]:
        raise Refusal("InvalidParameterCombination", "New storage size cannot be less than the current storage size")
    if "AllocatedStorage" in changes:
        # Less than a tenth more becomes a tenth ("ModifyDBInstance", API reference).
        tenth = settings["AllocatedStorage"] + -(-settings["AllocatedStorage"] // 10)
        changes["AllocatedStorage"] = max(changes["AllocatedStorage"], tenth)
    if "MasterUserPassword" in changes:
        refuse_bad_password(changes["MasterUserPassword"])
    wanted = {**settings, **changes}
    if numbers(wanted["EngineVersion"]) < numbers(settings["EngineVersion"]):
        message = f"Cannot upgrade {engine.name} from {settings['EngineVersion']} to {wanted['EngineVersion']}"
        raise Refusal("InvalidParameterCombination", message)
    before, after = (engine.major(each["EngineVersion"]) for each in (settings, wanted))
    if before != after:
        if not call.get("AllowMajorVersionUpgrade"):
            message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
            raise Refusal("InvalidParameterCombination", message)
        if wanted["DBParameterGroupName"].startswith("default."):
            changes["DBParameterGroupName"] = wanted["DBParameterGroupName"] = (
                f"default.{engine.family(wanted['EngineVersion'])}"
            )
    refuse_bad_settings(call, engine, wanted, instance.vpc_id)


def change_password_keeping(call: Call, instance: Instance) -> None:
    """Lets moto make, rotate or delete the secret of a managed password."""
    wanted = call.get("ManageMasterUserPassword")
    database = backend("rds", call).databases[instance.id]
    if wanted is False and not call.get("MasterUserPassword") and database.manage_master_user_password:
        message = "A new master user password is required when ManageMasterUserPassword is turned off."
        raise Refusal("InvalidParameterCombination", message)
    changed = wanted is not None and wanted != bool(database.manage_master_user_password)
    database.update(
        manage_master_user_password=wanted if changed else None,
        master_user_secret_kms_key_id=call.get("MasterUserSecretKmsKeyId"),
        rotate_master_user_password=call.get("RotateMasterUserPassword"),
    )
