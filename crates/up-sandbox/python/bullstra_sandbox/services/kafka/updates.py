"""Changes to MSK clusters: one at a time, checked against the current version, done after a while."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from ...call import Call, Refusal
from ...world import lifecycle
from . import KAFKA
from .cluster import KIND, VERSIONS, Cluster, clusters, find, refuse_bad_count, refuse_old_version
from .configuration import find_revision, now, paged


def broker_count(call: Call, cluster: Cluster) -> dict[str, Any]:
    wanted = call.params["TargetNumberOfBrokerNodes"]
    refuse_bad_count(wanted, cluster.settings["BrokerNodeGroupInfo"])
    if wanted <= cluster.settings["NumberOfBrokerNodes"]:
        refuse("The target number of broker nodes must be greater than the current one.", "targetNumberOfBrokerNodes")
    return {"NumberOfBrokerNodes": wanted}


def broker_type(call: Call, cluster: Cluster) -> dict[str, Any]:
    return nodes(cluster, InstanceType=call.params["TargetInstanceType"])


def broker_storage(call: Call, cluster: Cluster) -> dict[str, Any]:
    [wanted] = call.params["TargetBrokerEBSVolumeInfo"][:1]
    return storage(cluster, wanted.get("VolumeSizeGB"), wanted.get("ProvisionedThroughput"))


def cluster_storage(call: Call, cluster: Cluster) -> dict[str, Any]:
    changed = storage(cluster, call.get("VolumeSizeGB"), call.get("ProvisionedThroughput"))
    return {**changed, "StorageMode": call.get("StorageMode", default=cluster.settings["StorageMode"])}


def storage(cluster: Cluster, size: int | None, throughput: dict[str, Any] | None) -> dict[str, Any]:
    info = copy.deepcopy(cluster.settings["BrokerNodeGroupInfo"]["StorageInfo"])
    volume = info.setdefault("EbsStorageInfo", {})
    if size is not None:
        has = volume.get("VolumeSize", 0)
        if size == has and throughput is None:
            # terraform-provider-aws#20327.
            refuse("The request does not include any updates to the EBS volumes of the cluster.", "targetBrokerEBSVolumeInfo")
        if size < has + 10:
            message = f"The size of the EBS volumes is {has} GiB: you must increase it by at least 10 GiB."
            refuse(message, "targetBrokerEBSVolumeInfo")
        volume["VolumeSize"] = size
    if throughput is not None:
        volume["ProvisionedThroughput"] = throughput
    return nodes(cluster, StorageInfo=info)


def connectivity(call: Call, cluster: Cluster) -> dict[str, Any]:
    return nodes(cluster, ConnectivityInfo=call.params["ConnectivityInfo"])


def nodes(cluster: Cluster, **changed: Any) -> dict[str, Any]:
    return {"BrokerNodeGroupInfo": {**cluster.settings["BrokerNodeGroupInfo"], **changed}}


def configuration(call: Call, cluster: Cluster) -> dict[str, Any]:
    wanted = call.params["ConfigurationInfo"]
    find_revision(call, wanted["Arn"], wanted["Revision"])
    return {"ConfigurationInfo": wanted}


def kafka_version(call: Call, cluster: Cluster) -> dict[str, Any]:
    wanted = call.params["TargetKafkaVersion"]
    has = cluster.settings["KafkaVersion"]
    moves = wanted.endswith(".kraft") != has.endswith(".kraft")
    if wanted not in VERSIONS or VERSIONS.index(wanted) <= VERSIONS.index(has) or moves:
        refuse(f"Unsupported target Kafka version [{wanted}].", "targetKafkaVersion")
    return {"KafkaVersion": wanted, **(configuration(call, cluster) if call.get("ConfigurationInfo") else {})}


def monitoring(call: Call, cluster: Cluster) -> dict[str, Any]:
    return {
        name: call.params[name]
        for name in ("EnhancedMonitoring", "OpenMonitoring", "LoggingInfo")
        if name in call.params
    }


def security(call: Call, cluster: Cluster) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    # The three texts: crossplane-contrib/provider-aws#1822.
    if call.get("EncryptionInfo", "EncryptionAtRest") is not None:
        refuse("Updating encryption-at-rest settings on your cluster is not currently supported.", "encryptionInfo")
    if call.get("EncryptionInfo", "EncryptionInTransit", "InCluster") is not None:
        message = "Updating the inter-broker encryption setting on your cluster is not currently supported."
        refuse(message, "encryptionInfo")
    if call.get("ClientAuthentication"):
        changed["ClientAuthentication"] = call.params["ClientAuthentication"]
    if call.get("EncryptionInfo"):
        has = cluster.settings["EncryptionInfo"]
        in_transit = {**has["EncryptionInTransit"], **call.params["EncryptionInfo"].get("EncryptionInTransit", {})}
        changed["EncryptionInfo"] = {**has, "EncryptionInTransit": in_transit}
    if all(cluster.settings.get(name) == value for name, value in changed.items()):
        message = (
            "The request does not include any updates to the security setting of the cluster. Verify the request, then try "
            "again."
        )
        refuse(message, "clientAuthentication")
    return changed


def refuse(message: str, parameter: str) -> None:
    raise Refusal("BadRequestException", message, InvalidParameter=parameter)


UPDATES = {
    "UpdateBrokerCount": (broker_count, "INCREASE_BROKER_COUNT"),
    "UpdateBrokerStorage": (broker_storage, "UPDATE_BROKER_STORAGE"),
    "UpdateBrokerType": (broker_type, "UPDATE_BROKER_TYPE"),
    "UpdateClusterConfiguration": (configuration, "UPDATE_CLUSTER_CONFIGURATION"),
    "UpdateClusterKafkaVersion": (kafka_version, "UPDATE_CLUSTER_KAFKA_VERSION"),
    "UpdateConnectivity": (connectivity, "UPDATE_CONNECTIVITY"),
    "UpdateMonitoring": (monitoring, "UPDATE_MONITORING"),
    "UpdateSecurity": (security, "UPDATE_SECURITY"),
    "UpdateStorage": (cluster_storage, "UPDATE_STORAGE"),
}


@KAFKA.around(*UPDATES)
def update(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    refuse_old_version(call, cluster)
    if cluster.state(call) != "ACTIVE":
        refuse(f"You can't update cluster in {cluster.state(call)} state.", "clusterArn")
    changes_of, kind = UPDATES[call.operation]
    cluster.changes = changes_of(call, cluster)
    operation = call.arn("kafka", f"cluster-operation/{cluster.arn.split('cluster/')[1]}/{uuid.uuid4()}")
    cluster.operations.append(
        {
            "OperationArn": operation,
            "ClusterArn": cluster.arn,
            "CreationTime": now(),
            "OperationType": kind,
            "OperationState": "UPDATE_IN_PROGRESS",
        }
    )
    lifecycle.modifying(call, KIND, cluster.arn, share=0.25)
    return {"ClusterArn": cluster.arn, "ClusterOperationArn": operation}


@KAFKA.around("DescribeClusterOperation")
def describe_operation(call: Call, proceed: Any) -> dict[str, Any]:
    for cluster in clusters(call).values():
        cluster.state(call)
        for operation in cluster.operations:
            if operation["OperationArn"] == call.params["ClusterOperationArn"]:
                return {"ClusterOperationInfo": operation}
    raise Refusal("NotFoundException", "Cluster operation not found.", InvalidParameter="clusterOperationArn")


@KAFKA.around("ListClusterOperations")
def list_operations(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    cluster.state(call)
    return paged(call, "ClusterOperationInfoList", list(reversed(cluster.operations)))


@KAFKA.around("ListNodes")
def list_nodes(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    subnets = cluster.settings["BrokerNodeGroupInfo"]["ClientSubnets"]
    brokers = [
        {
            "NodeType": "BROKER",
            "InstanceType": cluster.settings["BrokerNodeGroupInfo"]["InstanceType"],
            "NodeARN": f"{cluster.arn.replace(':cluster/', ':broker/')}/{number + 1}",
            "BrokerNodeInfo": {
                "BrokerId": number + 1,
                "ClientSubnet": subnets[number % len(subnets)],
                "CurrentBrokerSoftwareInfo": cluster.provisioned()["CurrentBrokerSoftwareInfo"],
                "Endpoints": [f"b-{number + 1}.{cluster.domain}"],
            },
        }
        for number in range(cluster.settings["NumberOfBrokerNodes"])
    ]
    return paged(call, "NodeInfoList", brokers)
