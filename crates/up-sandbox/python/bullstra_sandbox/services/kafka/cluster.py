"""MSK's provisioned clusters: complete, in time, and with brokers."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

from ...call import Call, Refusal
from ...world import CREATING, DELETING, GONE, MODIFYING, READY, backend, lifecycle, store
from .. import played, tag_rules
from ..interfaces import keep, release
from ..rds.instance import key_arn
from . import KAFKA
from .configuration import find_revision, now, paged

KIND = "kafka.cluster"
STATES = {CREATING: "CREATING", MODIFYING: "UPDATING", READY: "ACTIVE", DELETING: "DELETING", GONE: "DELETING"}
VERSIONS = (
    "2.8.1",
    "3.3.2",
    "3.4.0",
    "3.5.1",
    "3.6.0",
    "3.7.x",
    "3.7.x.kraft",
    "3.8.x",
    "3.8.x.kraft",
    "3.9.x",
    "3.9.x.kraft",
    "4.0.x.kraft",
)
NO_MSK = {"use1-az3"}
PORTS = {"": 9092, "Tls": 9094, "SaslScram": 9096, "SaslIam": 9098}
DEFAULTS: dict[str, Any] = {
    "EnhancedMonitoring": "DEFAULT",
    "StorageMode": "LOCAL",
    "LoggingInfo": {"BrokerLogs": {}},
    "OpenMonitoring": {
        "Prometheus": {"JmxExporter": {"EnabledInBroker": False}, "NodeExporter": {"EnabledInBroker": False}}
    },
}


def version() -> str:
    return f"K{uuid.uuid4().hex[:13].upper()}"


@dataclass
class Cluster:
    """A cluster; `settings` are the members of a CreateClusterV2 request's `Provisioned`."""

    arn: str
    name: str
    settings: dict[str, Any]
    tags: dict[str, str]
    created: datetime.datetime = field(default_factory=now)
    current_version: str = field(default_factory=version)
    changes: dict[str, Any] | None = None
    operations: list[dict[str, Any]] = field(default_factory=list)
    policy: tuple[str, str] | None = None
    # A state that is played, see `played.py`.
    played: str | None = None

    def state(self, call: Call) -> str:
        """Applies what is due, and says where the cluster stands."""
        phase = lifecycle.phase(call, KIND, self.arn)
        if phase == READY and self.changes is not None:
            self.settings |= self.changes
            self.changes = None
            self.current_version = version()
            self.operations[-1] |= {"OperationState": "UPDATE_COMPLETE", "EndTime": now()}
            self.connect(call)
        return self.played if phase == READY and self.played else STATES[phase]

    def connect(self, call: Call) -> None:
        nodes = self.settings["BrokerNodeGroupInfo"]
        keep(
            backend("ec2", call),
            nodes["ClientSubnets"] * (self.settings["NumberOfBrokerNodes"] // len(nodes["ClientSubnets"])),
            holder=self.arn,
            holder_kind=KIND,
            description=f"DO NOT DELETE - Amazon MSK network interface for cluster {self.arn}",
            requester="amazon-aws",
            groups=nodes["SecurityGroups"],
        )

    @property
    def domain(self) -> str:
        account, region = self.arn.split(":")[4], self.arn.split(":")[3]
        return (
            f"{self.name}.{uuid.uuid5(uuid.NAMESPACE_URL, self.arn + account).hex[:6]}.c2.kafka.{region}.amazonaws.com"
        )

    def provisioned(self) -> dict[str, Any]:
        configured = self.settings.get("ConfigurationInfo", {})
        software = {"KafkaVersion": self.settings["KafkaVersion"]}
        if configured:
            software |= {"ConfigurationArn": configured["Arn"], "ConfigurationRevision": configured["Revision"]}
        keepers = "" if "kraft" in self.settings["KafkaVersion"] else self.domain
        shown = {
            name: value for name, value in self.settings.items() if name not in ("ConfigurationInfo", "KafkaVersion")
        }
        return {
            **shown,
            "CurrentBrokerSoftwareInfo": software,
            "CustomerActionStatus": "NONE",
            **({"ZookeeperConnectString": ",".join(f"z-{n}.{keepers}:2181" for n in (1, 2, 3))} if keepers else {}),
            **({"ZookeeperConnectStringTls": ",".join(f"z-{n}.{keepers}:2182" for n in (1, 2, 3))} if keepers else {}),
        }

    def common(self, call: Call) -> dict[str, Any]:
        seen = {
            "ClusterArn": self.arn,
            "ClusterName": self.name,
            "CreationTime": self.created,
            "State": self.state(call),
            "CurrentVersion": self.current_version,
            "Tags": self.tags,
        }
        if seen["State"] == "FAILED":
            seen["StateInfo"] = {"Code": "InternalServiceError", "Message": "The cluster could not be created or deleted."}
        busy = self.changes is not None
        return {**seen, "ActiveOperationArn": self.operations[-1]["OperationArn"]} if busy else seen


def clusters(call: Call) -> dict[str, Cluster]:
    """The clusters there are, without those whose deletion is over."""
    all_of_them = store("kafka.clusters", call)
    for arn in list(all_of_them):
        if lifecycle.phase(call, KIND, arn) == GONE:
            release(backend("ec2", call), arn)
            lifecycle.forget(call, KIND, arn)
            del all_of_them[arn]
    return all_of_them


def find(call: Call) -> Cluster:
    found = clusters(call).get(call.params["ClusterArn"])
    if found is None:
        raise Refusal("NotFoundException", "Cluster not found.", InvalidParameter="clusterArn")
    return found


@KAFKA.around("CreateCluster", "CreateClusterV2")
def create(call: Call, proceed: Any) -> dict[str, Any] | None:
    second = call.operation == "CreateClusterV2"
    if second and not call.get("Provisioned"):
        raise Refusal(
            "BadRequestException", "The sandbox has provisioned clusters only.", InvalidParameter="serverless"
        )
    given = call.params["Provisioned"] if second else call.params
    name = call.params["ClusterName"]
    if any(cluster.name == name for cluster in clusters(call).values()):
        message = "This cluster name already exists. Provide a unique cluster name and try again."
        raise Refusal("ConflictException", message, InvalidParameter="clusterName")
    tag_rules.check(tag_rules.as_list(call.get("Tags")), code="BadRequestException")
    settings = settings_of(call, {key: value for key, value in given.items() if key not in ("ClusterName", "Tags")})
    arn = call.arn("kafka", f"cluster/{name}/{uuid.uuid4()}-2")
    made = store("kafka.clusters", call)[arn] = Cluster(arn, name, settings, call.get("Tags", default={}))
    lifecycle.creating(call, KIND, arn)
    made.connect(call)
    answer = {"ClusterArn": arn, "ClusterName": name, "State": made.state(call)}
    return {**answer, "ClusterType": "PROVISIONED"} if second else answer


def settings_of(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """A request's settings with AWS's defaults, refused where AWS needs others."""
    nodes = given["BrokerNodeGroupInfo"]
    known = {subnet.id: subnet for subnet in backend("ec2", call).describe_subnets()}
    if given["KafkaVersion"] not in VERSIONS:
        message = f"Unsupported KafkaVersion [{given['KafkaVersion']}]. Valid values: [{', '.join(VERSIONS)}]"
        raise Refusal("BadRequestException", message, InvalidParameter="kafkaVersion")
    missing = [id for id in nodes["ClientSubnets"] if id not in known]
    zones = {known[id].availability_zone for id in nodes["ClientSubnets"] if id in known}
    # "Client subnets can't occupy the Availability Zone with ID use1-az3" (BrokerNodeGroupInfo, API reference).
    bad = [id for id in nodes["ClientSubnets"] if id in known and known[id].availability_zone_id in NO_MSK]
    if bad:
        message = f"One or more subnets belong to unsupported availability zones: [{known[bad[0]].availability_zone}]."
        raise Refusal("BadRequestException", message, InvalidParameter="clientSubnets")
    if missing or len(zones) not in (2, 3) or len(zones) < len(nodes["ClientSubnets"]):
        message = "Specify either two or three client subnets, each in an Availability Zone of its own."
        raise Refusal("BadRequestException", message, InvalidParameter="clientSubnets")
    refuse_bad_count(given["NumberOfBrokerNodes"], nodes)
    if given.get("ConfigurationInfo"):
        find_revision(call, given["ConfigurationInfo"]["Arn"], given["ConfigurationInfo"]["Revision"])
    for group in nodes.get("SecurityGroups", []):
        if backend("ec2", call).get_security_group_from_id(group) is None:
            message = "One or more of the specified security groups do not exist."
            raise Refusal("BadRequestException", message, InvalidParameter="securityGroups")
    vpc = known[nodes["ClientSubnets"][0]].vpc_id
    default_group = backend("ec2", call).get_default_security_group(vpc)
    filled = {
        "BrokerAZDistribution": "DEFAULT",
        "StorageInfo": {"EbsStorageInfo": {"VolumeSize": 1000}},
        "ConnectivityInfo": {"PublicAccess": {"Type": "DISABLED"}},
        "ZoneIds": sorted(known[id].availability_zone_id for id in nodes["ClientSubnets"]),
        **nodes,
        "SecurityGroups": nodes.get("SecurityGroups") or [default_group.id],
    }
    return {**DEFAULTS, **given, "BrokerNodeGroupInfo": filled, "EncryptionInfo": encryption(call, given)}


def encryption(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get("EncryptionInfo", {})
    key = wanted.get("EncryptionAtRest", {}).get("DataVolumeKMSKeyId")
    in_transit = {"ClientBroker": "TLS", "InCluster": True, **wanted.get("EncryptionInTransit", {})}
    return {
        "EncryptionAtRest": {"DataVolumeKMSKeyId": key_arn(call, key, "aws/kafka")},
        "EncryptionInTransit": in_transit,
    }


def refuse_bad_count(count: int, nodes: dict[str, Any]) -> None:
    if count < 1 or count % len(nodes["ClientSubnets"]):
        message = (
            "The number of broker nodes must be a multiple of the number of Availability Zones in the Client Subnets "
            "parameter."
        )
        raise Refusal("BadRequestException", message, InvalidParameter="numberOfBrokerNodes")


def first_form(call: Call, cluster: Cluster) -> dict[str, Any]:
    return {**cluster.common(call), **cluster.provisioned()}


def second_form(call: Call, cluster: Cluster) -> dict[str, Any]:
    return {**cluster.common(call), "ClusterType": "PROVISIONED", "Provisioned": cluster.provisioned()}


@KAFKA.around("DescribeCluster", "DescribeClusterV2")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    form = second_form if call.operation.endswith("V2") else first_form
    return {"ClusterInfo": form(call, find(call))}


@KAFKA.around("ListClusters", "ListClustersV2")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    form = second_form if call.operation.endswith("V2") else first_form
    prefix = call.get("ClusterNameFilter", default="")
    found = [cluster for cluster in clusters(call).values() if cluster.name.startswith(prefix)]
    if call.get("ClusterTypeFilter", default="PROVISIONED").upper() == "SERVERLESS":
        found = []
    return paged(call, "ClusterInfoList", [form(call, cluster) for cluster in found])


@KAFKA.around("DeleteCluster")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    refuse_old_version(call, cluster)
    if cluster.state(call) not in ("ACTIVE", "FAILED"):
        message = f"You can't delete cluster in {cluster.state(call)} state."
        raise Refusal("BadRequestException", message, InvalidParameter="clusterArn")
    lifecycle.deleting(call, KIND, cluster.arn)
    return {"ClusterArn": cluster.arn, "State": "DELETING"}


def refuse_old_version(call: Call, cluster: Cluster) -> None:
    given = call.get("CurrentVersion")
    cluster.state(call)
    if given and given != cluster.current_version:
        message = "The specified cluster version is not the current version of the cluster."
        raise Refusal("BadRequestException", message, InvalidParameter="currentVersion")


@KAFKA.around("GetBootstrapBrokers")
def bootstrap_brokers(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    if cluster.state(call) in ("CREATING", "DELETING", "FAILED"):
        # angelabad/terraform-aws-msk-cluster#28.
        message = f"You can't get bootstrap broker nodes for a cluster in {cluster.state(call)} state."
        raise Refusal("BadRequestException", message, InvalidParameter="clusterArn")
    in_transit = cluster.settings["EncryptionInfo"]["EncryptionInTransit"]["ClientBroker"]
    sasl = cluster.settings.get("ClientAuthentication", {}).get("Sasl", {})
    offered = {
        "": "PLAINTEXT" in in_transit,
        "Tls": "TLS" in in_transit,
        "SaslScram": sasl.get("Scram", {}).get("Enabled", False),
        "SaslIam": sasl.get("Iam", {}).get("Enabled", False),
    }
    brokers = range(1, min(3, cluster.settings["NumberOfBrokerNodes"]) + 1)
    return {
        f"BootstrapBrokerString{way}": ",".join(f"b-{number}.{cluster.domain}:{PORTS[way]}" for number in brokers)
        for way, on in offered.items()
        if on
    }


@KAFKA.around("ListKafkaVersions")
def versions(call: Call, proceed: Any) -> dict[str, Any]:
    return paged(call, "KafkaVersions", [{"Version": version, "Status": "ACTIVE"} for version in VERSIONS])


@KAFKA.around("TagResource", "UntagResource", "ListTagsForResource")
def tags(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = clusters(call).get(call.params["ResourceArn"])
    if cluster is None:
        raise Refusal("NotFoundException", "Resource not found.", InvalidParameter="resourceArn")
    if call.operation == "ListTagsForResource":
        return {"Tags": cluster.tags}
    if call.operation == "TagResource":
        tag_rules.check(tag_rules.as_list(call.params["Tags"]), code="BadRequestException")
        cluster.tags |= played.take(cluster, call.params["Tags"])
    for key in call.get("TagKeys", default=[]):
        cluster.tags.pop(key, None)
    return {}


@KAFKA.around("GetClusterPolicy", "PutClusterPolicy", "DeleteClusterPolicy")
def policy(call: Call, proceed: Any) -> dict[str, Any]:
    cluster = find(call)
    if call.operation == "PutClusterPolicy":
        cluster.policy = (version(), call.params["Policy"])
        return {"CurrentVersion": cluster.policy[0]}
    if cluster.policy is None:
        raise Refusal("NotFoundException", "The cluster has no policy.", InvalidParameter="clusterArn")
    if call.operation == "DeleteClusterPolicy":
        cluster.policy = None
        return {}
    return {"CurrentVersion": cluster.policy[0], "Policy": cluster.policy[1]}
