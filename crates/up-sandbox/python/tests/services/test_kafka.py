"""MSK: clusters, their changes, and configurations."""

import pytest


@pytest.fixture
def kafka(client):
    return client("kafka")


def provisioned(network, **more):
    return {
        "BrokerNodeGroupInfo": {
            "ClientSubnets": network["subnets"],
            "InstanceType": "kafka.t3.small",
            "SecurityGroups": [network["group"]],
            "StorageInfo": {"EbsStorageInfo": {"VolumeSize": 100}},
        },
        "KafkaVersion": "3.8.x",
        "NumberOfBrokerNodes": 3,
        **more,
    }


def seen(kafka, arn):
    return kafka.describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]


@pytest.fixture
def cluster(kafka, network, until):
    made = kafka.create_cluster_v2(ClusterName="events", Provisioned=provisioned(network), Tags={"stack": "one"})
    until(lambda: seen(kafka, made["ClusterArn"])["State"], "ACTIVE")
    return made["ClusterArn"]


def test_a_cluster_becomes_active_with_all_its_settings(kafka, network, until):
    wanted = provisioned(network, ClientAuthentication={"Sasl": {"Iam": {"Enabled": True}}})
    arn = kafka.create_cluster_v2(ClusterName="events", Provisioned=wanted, Tags={"stack": "one"})["ClusterArn"]
    assert seen(kafka, arn)["State"] == "CREATING"
    until(lambda: seen(kafka, arn)["State"], "ACTIVE")
    [listed] = kafka.list_clusters_v2(ClusterNameFilter="ev")["ClusterInfoList"]
    assert (listed["Tags"], listed["ClusterType"]) == ({"stack": "one"}, "PROVISIONED")
    settings = listed["Provisioned"]
    assert settings["CurrentBrokerSoftwareInfo"]["KafkaVersion"] == "3.8.x"
    assert settings["EncryptionInfo"]["EncryptionInTransit"] == {"ClientBroker": "TLS", "InCluster": True}
    assert settings["BrokerNodeGroupInfo"]["StorageInfo"]["EbsStorageInfo"]["VolumeSize"] == 100
    brokers = kafka.get_bootstrap_brokers(ClusterArn=arn)
    assert brokers["BootstrapBrokerStringSaslIam"].count(":9098") == 3
    assert "BootstrapBrokerString" not in brokers


def test_names_and_settings_are_checked(kafka, network, cluster, refused):
    twice = refused(kafka.create_cluster_v2, ClusterName="events", Provisioned=provisioned(network))
    assert twice.startswith("ConflictException")
    odd = provisioned(network, NumberOfBrokerNodes=4)
    assert "must be a multiple" in refused(kafka.create_cluster_v2, ClusterName="odd", Provisioned=odd)
    old = provisioned(network, KafkaVersion="0.8")
    assert "Unsupported KafkaVersion" in refused(kafka.create_cluster_v2, ClusterName="old", Provisioned=old)


@pytest.mark.parametrize(
    ("operation", "change", "read"),
    [
        (
            "update_broker_storage",
            {"TargetBrokerEBSVolumeInfo": [{"KafkaBrokerNodeId": "All", "VolumeSizeGB": 200}]},
            lambda settings: settings["BrokerNodeGroupInfo"]["StorageInfo"]["EbsStorageInfo"]["VolumeSize"] == 200,
        ),
        (
            "update_broker_count",
            {"TargetNumberOfBrokerNodes": 6},
            lambda settings: settings["NumberOfBrokerNodes"] == 6,
        ),
        (
            "update_broker_type",
            {"TargetInstanceType": "kafka.m5.large"},
            lambda settings: settings["BrokerNodeGroupInfo"]["InstanceType"] == "kafka.m5.large",
        ),
        (
            "update_monitoring",
            {"EnhancedMonitoring": "PER_BROKER"},
            lambda settings: settings["EnhancedMonitoring"] == "PER_BROKER",
        ),
        (
            "update_security",
            {"ClientAuthentication": {"Sasl": {"Scram": {"Enabled": True}}}},
            lambda settings: settings["ClientAuthentication"]["Sasl"]["Scram"]["Enabled"],
        ),
    ],
)
def test_a_change_takes_time_and_a_new_version(kafka, cluster, refused, until, operation, change, read):
    version = seen(kafka, cluster)["CurrentVersion"]
    update = getattr(kafka, operation)
    assert "not the current version" in refused(update, ClusterArn=cluster, CurrentVersion="K0", **change)
    answer = update(ClusterArn=cluster, CurrentVersion=version, **change)
    assert seen(kafka, cluster)["State"] == "UPDATING"
    assert refused(update, ClusterArn=cluster, CurrentVersion=version, **change).startswith("BadRequestException")
    until(lambda: seen(kafka, cluster)["State"], "ACTIVE")
    after = seen(kafka, cluster)
    assert read(after["Provisioned"]) and after["CurrentVersion"] != version
    [operation] = kafka.list_cluster_operations(ClusterArn=cluster)["ClusterOperationInfoList"]
    assert (operation["OperationArn"], operation["OperationState"]) == (
        answer["ClusterOperationArn"],
        "UPDATE_COMPLETE",
    )


def test_a_deleted_cluster_releases_its_network(kafka, client, network, cluster, refused, until):
    ec2 = client("ec2")
    assert refused(ec2.delete_subnet, SubnetId=network["subnets"][0]).startswith("DependencyViolation")
    kafka.delete_cluster(ClusterArn=cluster)
    assert seen(kafka, cluster)["State"] == "DELETING"
    until(lambda: kafka.list_clusters_v2()["ClusterInfoList"], [])
    assert refused(kafka.describe_cluster_v2, ClusterArn=cluster).startswith("NotFoundException")
    ec2.delete_subnet(SubnetId=network["subnets"][0])


def test_a_configuration_has_revisions(kafka, refused):
    made = kafka.create_configuration(Name="tuned", KafkaVersions=["3.8.x"], ServerProperties=b"a=1\n")
    arn = made["Arn"]
    assert (made["LatestRevision"]["Revision"], made["State"]) == (1, "ACTIVE")
    again = refused(kafka.create_configuration, Name="tuned", ServerProperties=b"a=1\n")
    assert again.startswith("ConflictException")
    assert (
        kafka.update_configuration(Arn=arn, Description="two", ServerProperties=b"a=2\n")["LatestRevision"]["Revision"]
        == 2
    )
    assert kafka.describe_configuration_revision(Arn=arn, Revision=1)["ServerProperties"] == b"a=1\n"
    assert kafka.describe_configuration_revision(Arn=arn, Revision=2)["ServerProperties"] == b"a=2\n"
    assert [each["Revision"] for each in kafka.list_configuration_revisions(Arn=arn)["Revisions"]] == [1, 2]
    assert [each["Name"] for each in kafka.list_configurations()["Configurations"]] == ["tuned"]
    kafka.delete_configuration(Arn=arn)
    assert refused(kafka.describe_configuration, Arn=arn).startswith("NotFoundException")


def test_a_configuration_in_use_stays(kafka, network, cluster, refused, until):
    arn = kafka.create_configuration(Name="tuned", ServerProperties=b"a=1\n")["Arn"]
    version = seen(kafka, cluster)["CurrentVersion"]
    kafka.update_cluster_configuration(
        ClusterArn=cluster, CurrentVersion=version, ConfigurationInfo={"Arn": arn, "Revision": 1}
    )
    until(lambda: seen(kafka, cluster)["State"], "ACTIVE")
    assert seen(kafka, cluster)["Provisioned"]["CurrentBrokerSoftwareInfo"]["ConfigurationArn"] == arn
    assert "Configuration is in use" in refused(kafka.delete_configuration, Arn=arn)


def test_tags_change(kafka, cluster):
    kafka.tag_resource(ResourceArn=cluster, Tags={"owner": "me"})
    kafka.untag_resource(ResourceArn=cluster, TagKeys=["stack"])
    assert kafka.list_tags_for_resource(ResourceArn=cluster)["Tags"] == {"owner": "me"}


def test_a_failed_cluster_has_no_brokers(kafka, cluster, refused):
    kafka.tag_resource(ResourceArn=cluster, Tags={"sandbox:state": "FAILED"})
    assert seen(kafka, cluster)["State"] == "FAILED" and seen(kafka, cluster)["Tags"] == {"stack": "one"}
    words = "You can't get bootstrap broker nodes for a cluster in FAILED state."
    assert words in refused(kafka.get_bootstrap_brokers, ClusterArn=cluster)
    kafka.delete_cluster(ClusterArn=cluster)
    assert "in DELETING state" in refused(kafka.get_bootstrap_brokers, ClusterArn=cluster)


def test_what_security_never_changes(kafka, cluster, refused):
    def change(**in_transit):
        version = seen(kafka, cluster)["CurrentVersion"]
        encryption = {"EncryptionInTransit": in_transit}
        return {"ClusterArn": cluster, "CurrentVersion": version, "EncryptionInfo": encryption}

    assert "inter-broker encryption" in refused(kafka.update_security, **change(ClientBroker="TLS", InCluster=True))
    assert "does not include any updates" in refused(kafka.update_security, **change(ClientBroker="TLS"))
    kafka.update_security(**change(ClientBroker="TLS_PLAINTEXT"))


def test_volumes_grow_by_ten_and_never_shrink(kafka, cluster, refused):
    def change(size):
        volumes = [{"KafkaBrokerNodeId": "All", "VolumeSizeGB": size}]
        version = seen(kafka, cluster)["CurrentVersion"]
        return {"ClusterArn": cluster, "CurrentVersion": version, "TargetBrokerEBSVolumeInfo": volumes}

    assert "does not include any updates" in refused(kafka.update_broker_storage, **change(100))
    for size in (50, 109):
        assert "by at least 10 GiB" in refused(kafka.update_broker_storage, **change(size))
    kafka.update_broker_storage(**change(110))

