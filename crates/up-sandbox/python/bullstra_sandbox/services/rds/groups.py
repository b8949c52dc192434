"""RDS's subnet groups and parameter groups: kept when modified, refused when in use."""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBSubnetGroup

from ...call import Call, Refusal
from ...world import backend
from .. import played, query, tag_rules
from ..interfaces import HeldInterface, sweep
from . import RDS, parameters

STATIC = {
    "innodb_buffer_pool_instances",
    "innodb_log_file_size",
    "lower_case_table_names",
    "max_connections",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "performance_schema",
    "rds.logical_replication",
    "shared_buffers",
    "shared_preload_libraries",
    "wal_buffers",
}
SWITCHES = {"on": "1", "true": "1", "off": "0", "false": "0"}
# What engines have where nobody says otherwise; a few.
DEFAULTS = {
    "postgres": {"log_connections": "0", "log_disconnections": "0", "log_lock_waits": "0", "log_statement": "none"},
    "mysql": {"slow_query_log": "0", "long_query_time": "10", "log_output": "TABLE", "require_secure_transport": "0"},
    "mariadb": {"slow_query_log": "0", "long_query_time": "10", "log_output": "TABLE", "require_secure_transport": "0"},
}
TAGGING = ("CreateDBSubnetGroup", "CreateDBParameterGroup", "CreateDBInstance", "AddTagsToResource")
NAMES = ("DBSubnetGroupName", "DBParameterGroupName", "DBInstanceIdentifier")


@RDS.around("*")
def names_are_lower_case(call: Call, proceed: Any) -> None:
    # RDS stores names in lower case; moto sometimes does, and then does not find them.
    lower = {name: call.params[name].lower() for name in NAMES if isinstance(call.get(name), str)}
    proceed({**call.params, **lower} if any(call.params[name] != lower[name] for name in lower) else None)


@RDS.around(*TAGGING)
def tags(call: Call, proceed: Any) -> None:
    tag_rules.check(call.get("Tags", default=[]), code="InvalidParameterValue")
    proceed()


@RDS.around("AddTagsToResource")
def plays(call: Call, proceed: Any) -> None:
    given = {tag["Key"]: tag["Value"] for tag in call.get("Tags", default=[])}
    database = backend("rds", call).databases.get(call.params["ResourceName"].rsplit(":", 1)[-1])
    instance = getattr(database, "instance", None)
    if instance is None or played.STATE_TAG not in given:
        proceed()
        return
    kept = played.take(instance, given)
    if kept:
        proceed({**call.params, "Tags": tag_rules.as_list(kept)})


@RDS.around("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource")
def tags_of_what_is_there(call: Call, proceed: Any) -> None:
    arn = call.params["ResourceName"]
    if arn.count(":") >= 6 and backend("rds", call)._get_resource_for_tagging(arn) is None:
        raise not_found(arn)
    proceed()


def not_found(arn: str) -> Refusal:
    kind, name = arn.split(":", 5)[5].split(":", 1)
    codes = {
        "db": ("DBInstanceNotFound", f"DBInstance {name} not found."),
        "subgrp": ("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist."),
        "pg": ("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}"),
    }
    return Refusal(*codes.get(kind, ("InvalidParameterValue", f"Invalid resource name: {arn}")))


def subnet_group(call: Call, name: str) -> Any:
    group = backend("rds", call).subnet_groups.get(name)
    if group is None:
        raise Refusal("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")
    return group


def subnets_of(call: Call) -> list[Any]:
    """The subnets of a request, refused where RDS needs others."""
    known = {subnet.id: subnet for subnet in backend("ec2", call).describe_subnets()}
    ids = call.params["SubnetIds"]
    unknown = [id for id in ids if id not in known]
    if unknown:
        raise Refusal("InvalidSubnet", f"Some input subnets in :[{', '.join(ids)}] are invalid.")
    subnets = [known[id] for id in ids]
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise Refusal("InvalidSubnet", "The DB subnets belong to different VPCs.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < 2:
        message = (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs."
        )
        raise Refusal("DBSubnetGroupDoesNotCoverEnoughAZs", message)
    return subnets


@RDS.around("CreateDBSubnetGroup")
def create_subnet_group(call: Call, proceed: Any) -> dict[str, Any]:
    name, rds = call.params["DBSubnetGroupName"], backend("rds", call)
    if name == "default":
        raise Refusal("InvalidParameterValue", "The DB subnet group name 'default' is reserved.")
    if name in rds.subnet_groups:
        raise Refusal("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    description, tags = call.params["DBSubnetGroupDescription"], call.get("Tags", default=[])
    group = rds.subnet_groups[name] = DBSubnetGroup(rds, name, description, subnets_of(call), tags)
    return {"DBSubnetGroup": described(group)}


def described(group: Any) -> dict[str, Any]:
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "VpcId": group.vpc_id,
        "SubnetGroupStatus": "Complete",
        "Subnets": [{**subnet, "SubnetOutpost": {}} for subnet in group.subnets],
        "DBSubnetGroupArn": group.arn,
        "SupportedNetworkTypes": ["IPV4"],
    }


@RDS.around("ModifyDBSubnetGroup")
def modify_subnet_group(call: Call, proceed: Any) -> dict[str, Any]:
    group = subnet_group(call, call.params["DBSubnetGroupName"])
    subnets = subnets_of(call)
    # RDS API reference, ModifyDBSubnetGroup: InvalidSubnet, "… or there was a problem because the subnets are not in the same
    # VPC"; terraform-provider-aws #10553.
    if subnets[0].vpc_id != group.vpc_id:
        message = "The new Subnets are not in the same Vpc as the existing subnet group"
        raise Refusal("InvalidParameterValue", message)
    removed = {subnet.id for subnet in group._subnets} - {subnet.id for subnet in subnets}
    sweep(call)
    held = (eni for eni in backend("ec2", call).enis.values() if isinstance(eni, HeldInterface))
    used = sorted({eni.subnet_id for eni in held if eni.requester_id == "amazon-rds" and eni.subnet_id in removed})
    if used:
        message = f"Some of the subnets to be deleted are currently in use: {', '.join(used)}"
        raise Refusal("SubnetAlreadyInUse", message)
    group.subnets = subnets
    group.description = call.get("DBSubnetGroupDescription", default=group.description)
    return {"DBSubnetGroup": described(group)}


@RDS.around("DeleteDBSubnetGroup")
def delete_subnet_group(call: Call, proceed: Any) -> None:
    name = call.params["DBSubnetGroupName"]
    subnet_group(call, name)
    for each in call.ask("rds", "DescribeDBInstances")["DBInstances"]:
        if each.get("DBSubnetGroup", {}).get("DBSubnetGroupName") == name:
            message = (
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{each['DBInstanceIdentifier']} is still using it."
            )
            raise Refusal("InvalidDBSubnetGroupStateFault", message)
    for each in call.ask("rds", "DescribeDBClusters")["DBClusters"]:
        if each.get("DBSubnetGroup") == name:
            message = (
                f"Cannot delete the subnet group '{name}' because at least one database cluster: "
                f"{each['DBClusterIdentifier']} is still using it."
            )
            raise Refusal("InvalidDBSubnetGroupStateFault", message)
    proceed()


def parameter_group(call: Call) -> Any:
    name = call.params["DBParameterGroupName"]
    group = backend("rds", call).db_parameter_groups.get(name)
    if group is None:
        raise Refusal("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")
    return group


@RDS.around("DescribeDBParameterGroups")
def describe_parameter_groups(call: Call, proceed: Any) -> None:
    if call.get("DBParameterGroupName"):
        parameter_group(call)
    proceed()


@RDS.around("ModifyDBParameterGroup")
def modify_parameter_group(call: Call, proceed: Any) -> None:
    group = parameter_group(call)
    refuse_default(group)
    for given in call.params["Parameters"]:
        static = given.get("ParameterName") in STATIC
        if static and given.get("ApplyMethod") == "immediate":
            message = "cannot use immediate apply method for static parameter"
            raise Refusal("InvalidParameterCombination", message)
    before = {name: given.get("ParameterValue") for name, given in group.parameters.items()}
    proceed()
    for given in call.params["Parameters"]:
        settle_parameter(group, given["ParameterName"])
    after = {name: given.get("ParameterValue") for name, given in group.parameters.items()}
    wait_for_reboot(call, group, {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)})


def settle_parameter(group: Any, name: str) -> None:
    """RDS spells switches 1 and 0, and calls nobody's what is as the engine has it (DescribeDBParameters, Source=user)."""
    given = group.parameters[name]
    value = SWITCHES.get(str(given.get("ParameterValue", "")).lower())
    if value is not None:
        given["ParameterValue"] = value
    if given.get("ParameterValue") == default_of(group, name):
        del group.parameters[name]


def default_of(group: Any, name: str) -> str | None:
    """The engine's default of a few parameters, by family."""
    family = next((known for known in DEFAULTS if group.family.startswith(known)), "")
    if name == "rds.force_ssl" and family == "postgres":
        # On from PostgreSQL 15 on (RDS user guide, "Using SSL with a PostgreSQL DB instance").
        return "1" if int(group.family.removeprefix("postgres")) >= 15 else "0"
    return DEFAULTS.get(family, {}).get(name)


def wait_for_reboot(call: Call, group: Any, changed: set[str]) -> None:
    """Databases have static parameters after their next reboot, and say until then that they wait for it."""
    if not changed & STATIC:
        return
    for database in backend("rds", call).databases.values():
        instance = getattr(database, "instance", None)
        if instance and instance.settings["DBParameterGroupName"] == group.name:
            instance.awaits_reboot = True


@RDS.around("ResetDBParameterGroup")
def reset_parameter_group(call: Call, proceed: Any) -> dict[str, Any]:
    group = parameter_group(call)
    refuse_default(group)
    if call.get("ResetAllParameters", default=not call.get("Parameters")):
        group.parameters.clear()
    names = [given["ParameterName"] for given in call.get("Parameters", default=[])]
    wait_for_reboot(call, group, {name for name in names if name in group.parameters})
    for name in names:
        group.parameters.pop(name, None)
    return {"DBParameterGroupName": group.name}


def refuse_default(group: Any) -> None:
    if group.name.startswith("default."):
        raise Refusal("InvalidParameterValue", f"The parameter group {group.name} cannot be modified.")


@RDS.around("DescribeDBParameters")
def describe_parameters(call: Call, proceed: Any) -> dict[str, Any]:
    """The group's parameters, or those that are asked for by name, in pages of 100: the engine has hundreds, whether set or not."""
    group, source = parameter_group(call), call.get("Source")
    given = group.parameters
    filters = {each["Name"]: each["Values"] for each in call.get("Filters", default=[])}
    names = set(filters.get("parameter-name", parameters.of(group.family) | set(given)))
    all_of_them = [described_parameter(name, given.get(name), default_of(group, name)) for name in sorted(names)]
    found = [each for each in all_of_them if source in (None, each["Source"])]
    shown, following = query.page(found, call.get("Marker"), call.get("MaxRecords"), default=100)
    return {"Parameters": shown, **({"Marker": following} if following else {})}


def described_parameter(name: str, given: dict[str, Any] | None, default: str | None) -> dict[str, Any]:
    seen = {
        "ParameterName": name,
        "Source": "user" if given else "engine-default",
        "ApplyType": "static" if name in STATIC else "dynamic",
        "DataType": "string",
        "IsModifiable": True,
        "ApplyMethod": (given or {}).get("ApplyMethod", "pending-reboot"),
    }
    value = given.get("ParameterValue") if given else default
    return seen if value is None else {**seen, "ParameterValue": value}


@RDS.around("DeleteDBParameterGroup")
def delete_parameter_group(call: Call, proceed: Any) -> None:
    group = parameter_group(call)
    if group.name.startswith("default."):
        raise Refusal("InvalidDBParameterGroupState", f"Default parameter group {group.name} cannot be deleted.")
    for each in call.ask("rds", "DescribeDBInstances")["DBInstances"]:
        if any(used["DBParameterGroupName"] == group.name for used in each.get("DBParameterGroups", [])):
            message = (
                f"One or more database instances are still members of this parameter group {group.name}, "
                "so the group cannot be deleted"
            )
            raise Refusal("InvalidDBParameterGroupState", message)
    proceed()
