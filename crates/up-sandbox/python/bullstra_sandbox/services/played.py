"""States that are played: what AWS says of a resource that has met with trouble.

A tag with the key `sandbox:state` is not kept. Its value is the state that the resource is in from then on, as AWS spells it,
until something mends it; an empty value mends it.

    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "sandbox:state", "Value": "storage-full"}])
    kafka.tag_resource(ResourceArn=arn, Tags={"sandbox:state": "FAILED"})
"""

from __future__ import annotations

from typing import Any

from ..call import Call
from ..hooks import around
from ..world import backend, store

STATE_TAG = "sandbox:state"


@around("rds", "AddTagsToResource")
def rds_state(call: Call, proceed: Any) -> None:
    tags = call.get("Tags", default=[])
    states = [tag["Value"] for tag in tags if tag["Key"] == STATE_TAG]
    if not states:
        proceed()
        return
    name = call.params["ResourceName"].rsplit(":", 1)[-1]
    instance = getattr(backend("rds", call).databases[name], "instance")
    instance.played = states[-1] or None


@around("kafka", "TagResource")
def kafka_state(call: Call, proceed: Any) -> None:
    state = call.params["Tags"].get(STATE_TAG)
    if state is None:
        proceed()
        return
    store("kafka.clusters", call)[call.params["ResourceArn"]].played = state or None
