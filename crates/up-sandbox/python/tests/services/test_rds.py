"""RDS: subnet groups, parameter groups and instances."""

import pytest


@pytest.fixture
def rds(client):
    return client("rds")


@pytest.fixture
def groups(rds, network):
    rds.create_db_subnet_group(
        DBSubnetGroupName="Data", DBSubnetGroupDescription="data", SubnetIds=network["subnets"][:2]
    )
    rds.create_db_parameter_group(DBParameterGroupName="pg", DBParameterGroupFamily="postgres16", Description="pg")


def postgres(network, **more):
    return {
        "DBInstanceIdentifier": "db",
        "Engine": "postgres",
        "EngineVersion": "16.13",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "app",
        "ManageMasterUserPassword": True,
        "DBSubnetGroupName": "data",
        "VpcSecurityGroupIds": [network["group"]],
        **more,
    }


def seen(rds, id="db"):
    return rds.describe_db_instances(DBInstanceIdentifier=id)["DBInstances"][0]


@pytest.fixture
def instance(rds, network, groups, until):
    rds.create_db_instance(**postgres(network))
    until(lambda: seen(rds)["DBInstanceStatus"], "available")


def test_subnet_groups_have_one_name_and_two_zones(rds, network, groups, refused):
    again = {"DBSubnetGroupName": "data", "DBSubnetGroupDescription": "d", "SubnetIds": network["subnets"]}
    assert refused(rds.create_db_subnet_group, **again).startswith("DBSubnetGroupAlreadyExists")
    one = {"DBSubnetGroupName": "one", "DBSubnetGroupDescription": "d", "SubnetIds": network["subnets"][:1]}
    assert refused(rds.create_db_subnet_group, **one).startswith("DBSubnetGroupDoesNotCoverEnoughAZs")


def test_a_modified_subnet_group_is_still_there(rds, network, groups):
    rds.modify_db_subnet_group(DBSubnetGroupName="data", SubnetIds=network["subnets"])
    [group] = rds.describe_db_subnet_groups(DBSubnetGroupName="data")["DBSubnetGroups"]
    assert {each["SubnetIdentifier"] for each in group["Subnets"]} == set(network["subnets"])
    assert group["DBSubnetGroupDescription"] == "data"


def test_a_subnet_group_stays_in_its_vpc(rds, client, groups, refused):
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    refusal = refused(rds.modify_db_subnet_group, DBSubnetGroupName="data", SubnetIds=subnets)
    assert "not in the same Vpc" in refusal


def test_an_instance_takes_time_and_then_has_an_endpoint(rds, network, groups, until):
    more = {
        "MultiAZ": True,
        "StorageEncrypted": True,
        "StorageType": "gp3",
        "EnablePerformanceInsights": True,
        "EnableCloudwatchLogsExports": ["postgresql"],
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "01:00-01:30",
        "DBParameterGroupName": "pg",
        "Tags": [{"Key": "stack", "Value": "one"}],
    }
    made = rds.create_db_instance(**postgres(network, **more))["DBInstance"]
    assert made["DBInstanceStatus"] == "creating" and "Endpoint" not in made
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    after = seen(rds)
    assert after["Endpoint"]["Port"] == 5432
    assert after["SecondaryAvailabilityZone"] == "eu-central-1b"
    assert (after["Iops"], after["StorageThroughput"]) == (3000, 125)
    assert after["MasterUserSecret"]["SecretStatus"] == "active"
    assert ":key/" in after["KmsKeyId"] and after["PerformanceInsightsRetentionPeriod"] == 7
    assert after["DBParameterGroups"] == [{"DBParameterGroupName": "pg", "ParameterApplyStatus": "in-sync"}]
    assert after["TagList"] == [{"Key": "stack", "Value": "one"}]


def test_an_instance_has_awss_defaults(rds, network, groups):
    made = rds.create_db_instance(**postgres(network, Engine="mysql", EngineVersion="8.0"))["DBInstance"]
    assert made["EngineVersion"].startswith("8.0.")
    assert made["DBParameterGroups"][0]["DBParameterGroupName"] == "default.mysql8.0"
    assert made["OptionGroupMemberships"][0]["OptionGroupName"] == "default:mysql-8-0"
    assert made["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert (made["BackupRetentionPeriod"], made["AutoMinorVersionUpgrade"], made["MultiAZ"]) == (1, True, False)


def test_changes_wait_unless_they_are_to_apply_immediately(rds, instance, until):
    rds.modify_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.t4g.small", BackupRetentionPeriod=5)
    after = seen(rds)
    assert (after["DBInstanceClass"], after["PendingModifiedValues"]) == (
        "db.t4g.micro",
        {"DBInstanceClass": "db.t4g.small"},
    )
    assert after["BackupRetentionPeriod"] == 5
    rds.modify_db_instance(DBInstanceIdentifier="db", AllocatedStorage=30, ApplyImmediately=True)
    assert seen(rds)["DBInstanceStatus"] == "modifying"
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    after = seen(rds)
    assert (after["DBInstanceClass"], after["AllocatedStorage"], after["PendingModifiedValues"]) == (
        "db.t4g.small",
        30,
        {},
    )


def test_a_busy_instance_is_not_modified(rds, network, groups, refused):
    rds.create_db_instance(**postgres(network))
    words = "InvalidDBInstanceState: Database instance is not in available state."
    assert refused(rds.modify_db_instance, DBInstanceIdentifier="db", MultiAZ=True) == words


def test_a_new_parameter_group_waits_for_a_reboot(rds, instance, until):
    rds.modify_db_instance(DBInstanceIdentifier="db", DBParameterGroupName="pg", ApplyImmediately=True)
    assert seen(rds)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="db")
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    assert seen(rds)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"


def test_upgrades_are_checked(rds, instance, refused):
    upgrade = {"DBInstanceIdentifier": "db", "EngineVersion": "17.9", "ApplyImmediately": True}
    assert "AllowMajorVersionUpgrade" in refused(rds.modify_db_instance, **upgrade)
    assert "Cannot upgrade postgres" in refused(rds.modify_db_instance, **{**upgrade, "EngineVersion": "15.17"})
    assert "Cannot find version" in refused(rds.modify_db_instance, **{**upgrade, "EngineVersion": "99"})
    rds.modify_db_instance(AllowMajorVersionUpgrade=True, **upgrade)


def test_the_managed_password_is_given_up_for_another(rds, instance, refused):
    off = {"DBInstanceIdentifier": "db", "ManageMasterUserPassword": False, "ApplyImmediately": True}
    assert refused(rds.modify_db_instance, **off).startswith("InvalidParameterCombination")
    rds.modify_db_instance(MasterUserPassword="secret-enough", **off)
    assert "MasterUserSecret" not in seen(rds)


def test_what_an_instance_uses_stays(rds, client, network, instance, refused, until):
    ec2 = client("ec2")
    [held] = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}])[
        "NetworkInterfaces"
    ]
    assert held["RequesterId"] == "amazon-rds"
    assert refused(rds.delete_db_subnet_group, DBSubnetGroupName="data").startswith("InvalidDBSubnetGroupStateFault")
    fewer = {"DBSubnetGroupName": "data", "SubnetIds": network["subnets"][1:]}
    assert refused(rds.modify_db_subnet_group, **fewer).startswith("SubnetAlreadyInUse")
    assert refused(ec2.delete_security_group, GroupId=network["group"]).startswith("DependencyViolation")
    rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    assert seen(rds)["DBInstanceStatus"] == "deleting"
    until(lambda: rds.describe_db_instances()["DBInstances"], [])
    rds.delete_db_subnet_group(DBSubnetGroupName="data")
    ec2.delete_security_group(GroupId=network["group"])


def test_a_parameter_group_in_use_stays(rds, network, groups, refused):
    rds.create_db_instance(**postgres(network, DBParameterGroupName="pg"))
    assert refused(rds.delete_db_parameter_group, DBParameterGroupName="pg").startswith("InvalidDBParameterGroupState")


def test_deletion_is_protected_and_leaves_a_snapshot(rds, instance, refused, until):
    rds.modify_db_instance(DBInstanceIdentifier="db", DeletionProtection=True)
    delete = {"DBInstanceIdentifier": "db"}
    assert "Cannot delete protected DB Instance" in refused(rds.delete_db_instance, SkipFinalSnapshot=True, **delete)
    rds.modify_db_instance(DBInstanceIdentifier="db", DeletionProtection=False)
    assert "FinalDBSnapshotIdentifier is required" in refused(rds.delete_db_instance, **delete)
    rds.delete_db_instance(FinalDBSnapshotIdentifier="last", **delete)
    assert "already being deleted" in refused(rds.delete_db_instance, FinalDBSnapshotIdentifier="other", **delete)
    until(lambda: rds.describe_db_instances()["DBInstances"], [])
    assert rds.describe_db_snapshots(DBSnapshotIdentifier="last")["DBSnapshots"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AllocatedStorage": 5}, "Invalid storage size"),
        ({"ManageMasterUserPassword": False}, "MasterUserPassword must be provided"),
        ({"ManageMasterUserPassword": False, "MasterUserPassword": "short"}, "shorter than 8 characters"),
        ({"MasterUsername": "admin"}, "reserved word"),
        ({"EngineVersion": "99"}, "Cannot find version 99 for postgres"),
        ({"EngineVersion": "15.17", "DBParameterGroupName": "pg"}, "postgres16 can't be used for this instance"),
        ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "Invalid security group"),
        ({"DBSubnetGroupName": "none"}, "DBSubnetGroupNotFoundFault"),
        ({"Tags": [{"Key": "a", "Value": "*"}]}, "InvalidParameterValue"),
        ({"EnableCloudwatchLogsExports": ["slowquery"]}, "You cannot use the log types 'slowquery'"),
    ],
)
def test_settings_are_checked(rds, network, groups, refused, change, words):
    assert words in refused(rds.create_db_instance, **postgres(network, **change))


def test_names_are_taken_once(rds, network, instance, refused):
    words = "DBInstanceAlreadyExists: DB instance already exists"
    assert refused(rds.create_db_instance, **postgres(network, DBInstanceIdentifier="DB")) == words


def test_parameters_are_set_and_reset(rds, groups, refused):
    def user_set():
        found = rds.describe_db_parameters(DBParameterGroupName="pg", Source="user")["Parameters"]
        return {each["ParameterName"]: (each["ParameterValue"], each["ApplyMethod"]) for each in found}

    log = {"ParameterName": "log_statement", "ParameterValue": "all", "ApplyMethod": "immediate"}
    static = {"ParameterName": "max_connections", "ParameterValue": "200", "ApplyMethod": "immediate"}
    change = {"DBParameterGroupName": "pg"}
    assert "static parameter" in refused(rds.modify_db_parameter_group, Parameters=[static], **change)
    rds.modify_db_parameter_group(Parameters=[log, {**static, "ApplyMethod": "pending-reboot"}], **change)
    assert user_set() == {"log_statement": ("all", "immediate"), "max_connections": ("200", "pending-reboot")}
    rds.reset_db_parameter_group(Parameters=[log], **change)
    assert set(user_set()) == {"max_connections"}


def test_a_group_has_all_parameters_of_its_family_in_pages(rds, groups):
    first = rds.describe_db_parameters(DBParameterGroupName="pg")
    assert len(first["Parameters"]) == 100 and first["Marker"]
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="pg")
    found = {each["ParameterName"]: each for page in pages for each in page["Parameters"]}
    assert {"log_statement", "rds.force_ssl", "work_mem", "shared_buffers"} <= found.keys()
    assert {each["Source"] for each in found.values()} == {"engine-default"}
    assert found["log_statement"]["ParameterValue"] == "none" and found["shared_buffers"]["ApplyType"] == "static"


def test_old_versions_are_not_made_any_more(rds, network, groups, refused):
    for engine, version in (("postgres", "16.4"), ("postgres", "16.10"), ("postgres", "17.6"), ("mysql", "8.4.4")):
        words = f"InvalidParameterCombination: Cannot find version {version} for {engine}"
        assert refused(rds.create_db_instance, **postgres(network, Engine=engine, EngineVersion=version)) == words


def test_an_ended_version_needs_extended_support(rds, network, groups, refused):
    old = postgres(network, Engine="mysql", EngineVersion="8.0.46")
    off = "open-source-rds-extended-support-disabled"
    assert "end of standard support" in refused(rds.create_db_instance, EngineLifecycleSupport=off, **old)
    rds.create_db_instance(**old)
    made = rds.create_db_instance(**postgres(network, DBInstanceIdentifier="new", EngineLifecycleSupport=off))
    assert made["DBInstance"]["EngineLifecycleSupport"] == off


def test_there_is_no_way_back_to_an_older_version(rds, instance, refused):
    back = {"DBInstanceIdentifier": "db", "EngineVersion": "16.11", "ApplyImmediately": True}
    assert "Cannot upgrade postgres from 16.13 to 16.11" in refused(rds.modify_db_instance, **back)


def test_full_storage_is_mended_by_more(rds, instance, until, refused):
    arn = seen(rds)["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "sandbox:state", "Value": "storage-full"}])
    assert seen(rds)["DBInstanceStatus"] == "storage-full" and seen(rds)["TagList"] == []
    # Less than a tenth more becomes a tenth.
    rds.modify_db_instance(DBInstanceIdentifier="db", AllocatedStorage=21, ApplyImmediately=True)
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    assert seen(rds)["AllocatedStorage"] == 22


def test_a_broken_instance_leaves_no_snapshot(rds, instance, refused):
    arn = seen(rds)["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "sandbox:state", "Value": "incompatible-network"}])
    delete = {"DBInstanceIdentifier": "db"}
    assert "final snapshot" in refused(rds.delete_db_instance, FinalDBSnapshotIdentifier="last", **delete)
    rds.delete_db_instance(SkipFinalSnapshot=True, **delete)


def test_storage_stops_growing_at_its_own_size(rds, instance, refused):
    rds.modify_db_instance(DBInstanceIdentifier="db", MaxAllocatedStorage=100)
    assert seen(rds)["MaxAllocatedStorage"] == 100
    assert "Invalid max storage size" in refused(
        rds.modify_db_instance, DBInstanceIdentifier="db", MaxAllocatedStorage=21
    )
    rds.modify_db_instance(DBInstanceIdentifier="db", MaxAllocatedStorage=20)
    assert "MaxAllocatedStorage" not in seen(rds)


def test_small_gp3_has_a_fixed_speed(rds, network, groups, refused):
    small = postgres(network, StorageType="gp3", Iops=4000)
    assert "a storage size less than 400" in refused(rds.create_db_instance, **small)
    assert "Invalid iops value" in refused(rds.create_db_instance, **{**small, "AllocatedStorage": 400})


def test_a_default_is_nobodys_setting(rds, groups):
    def parameters(**more):
        found = rds.describe_db_parameters(DBParameterGroupName="pg", **more)["Parameters"]
        return {each["ParameterName"]: (each.get("ParameterValue"), each["Source"]) for each in found}

    ssl = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
    switch = {"ParameterName": "log_connections", "ParameterValue": "ON", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[ssl, switch])
    assert parameters(Source="user") == {"log_connections": ("1", "user")}
    filters = [{"Name": "parameter-name", "Values": ["rds.force_ssl"]}]
    assert parameters(Filters=filters) == {"rds.force_ssl": ("1", "engine-default")}


def test_a_static_parameter_waits_for_a_reboot(rds, network, groups, until):
    rds.create_db_instance(**postgres(network, DBParameterGroupName="pg"))
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    static = {"ParameterName": "max_connections", "ParameterValue": "200", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[static])
    assert seen(rds)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"


def test_a_group_that_was_left_can_go(rds, network, groups, until):
    rds.create_db_instance(**postgres(network, DBParameterGroupName="pg"))
    until(lambda: seen(rds)["DBInstanceStatus"], "available")
    rds.create_db_parameter_group(DBParameterGroupName="next", DBParameterGroupFamily="postgres16", Description="pg")
    rds.modify_db_instance(DBInstanceIdentifier="db", DBParameterGroupName="next", ApplyImmediately=True)
    rds.delete_db_parameter_group(DBParameterGroupName="pg")
    assert seen(rds)["DBParameterGroups"][0]["DBParameterGroupName"] == "next"


def test_the_versions_that_are_made_are_listed(rds):
    found = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16")["DBEngineVersions"]
    assert [each["EngineVersion"] for each in found] == ["16.11", "16.12", "16.13"]
    assert found[0]["DBParameterGroupFamily"] == "postgres16"
    [default] = rds.describe_db_engine_versions(Engine="mysql", DefaultOnly=True)["DBEngineVersions"]
    assert default["EngineVersion"] == "8.4.11"
