"""MSK's configurations and their revisions, which moto does not have."""

from __future__ import annotations

import base64
import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

from ...call import Call, Refusal
from ...world import store
from .. import query
from . import KAFKA


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclass
class Configuration:
    """A named set of server properties; a change adds a revision."""

    arn: str
    name: str
    description: str
    kafka_versions: list[str]
    created: datetime.datetime = field(default_factory=now)
    revisions: list[dict[str, Any]] = field(default_factory=list)

    def revise(self, description: str, properties: Any) -> None:
        content = properties if isinstance(properties, bytes) else base64.b64decode(properties)
        number = len(self.revisions) + 1
        self.description = description
        self.revisions.append(
            {"Revision": number, "CreationTime": now(), "Description": description, "ServerProperties": content}
        )

    def revision(self, number: int) -> dict[str, Any]:
        """A revision without its properties, as lists have it."""
        revision = self.revisions[number - 1]
        return {name: revision[name] for name in ("Revision", "CreationTime", "Description")}

    def described(self) -> dict[str, Any]:
        return {
            "Arn": self.arn,
            "Name": self.name,
            "Description": self.description,
            "CreationTime": self.created,
            "KafkaVersions": self.kafka_versions,
            "LatestRevision": self.revision(len(self.revisions)),
            "State": "ACTIVE",
        }


def configurations(call: Call) -> dict[str, Configuration]:
    return store("kafka.configurations", call)


def find(call: Call, arn: str) -> Configuration:
    found = configurations(call).get(arn)
    if found is None:
        raise Refusal("NotFoundException", "The configuration ARN does not exist.", InvalidParameter="arn")
    return found


def find_revision(call: Call, arn: str, number: int) -> Configuration:
    found = find(call, arn)
    if not 1 <= int(number) <= len(found.revisions):
        raise Refusal("NotFoundException", "The configuration revision does not exist.", InvalidParameter="revision")
    return found


@KAFKA.around("CreateConfiguration")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    name = call.params["Name"]
    if any(each.name == name for each in configurations(call).values()):
        raise Refusal("ConflictException", "A resource with this name already exists.", InvalidParameter="name")
    arn = call.arn("kafka", f"configuration/{name}/{uuid.uuid4()}-2")
    made = Configuration(arn, name, call.get("Description", default=""), call.get("KafkaVersions", default=[]))
    made.revise(made.description, call.params["ServerProperties"])
    configurations(call)[arn] = made
    shown = made.described()
    return {member: shown[member] for member in ("Arn", "CreationTime", "LatestRevision", "Name", "State")}


@KAFKA.around("DescribeConfiguration")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    return find(call, call.params["Arn"]).described()


@KAFKA.around("DescribeConfigurationRevision")
def describe_revision(call: Call, proceed: Any) -> dict[str, Any]:
    found = find_revision(call, call.params["Arn"], call.params["Revision"])
    return {"Arn": found.arn, **found.revisions[int(call.params["Revision"]) - 1]}


@KAFKA.around("ListConfigurations")
def listed(call: Call, proceed: Any) -> dict[str, Any]:
    return paged(call, "Configurations", [each.described() for each in configurations(call).values()])


@KAFKA.around("ListConfigurationRevisions")
def list_revisions(call: Call, proceed: Any) -> dict[str, Any]:
    found = find(call, call.params["Arn"])
    return paged(call, "Revisions", [found.revision(number + 1) for number in range(len(found.revisions))])


def paged(call: Call, name: str, items: list[Any]) -> dict[str, Any]:
    shown, following = query.page(items, call.get("NextToken"), call.get("MaxResults"), default=100)
    return {name: shown, **({"NextToken": following} if following else {})}


@KAFKA.around("UpdateConfiguration")
def update(call: Call, proceed: Any) -> dict[str, Any]:
    found = find(call, call.params["Arn"])
    found.revise(call.get("Description", default=found.description), call.params["ServerProperties"])
    return {"Arn": found.arn, "LatestRevision": found.revision(len(found.revisions))}


@KAFKA.around("DeleteConfiguration")
def delete(call: Call, proceed: Any) -> dict[str, Any]:
    found = find(call, call.params["Arn"])
    for cluster in store("kafka.clusters", call).values():
        if cluster.settings.get("ConfigurationInfo", {}).get("Arn") == found.arn:
            message = "Configuration is in use by one or more clusters. Dissociate the configuration from the clusters."
            raise Refusal("BadRequestException", message, InvalidParameter="arn")
    del configurations(call)[found.arn]
    return {"Arn": found.arn, "State": "DELETING"}
