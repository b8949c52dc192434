"""States that are played: what AWS says of a resource that has met with trouble.

A tag with the key `sandbox:state` is not kept. Its value is the state that the resource is in from then on, as AWS spells it,
until something mends it; an empty value mends it.

    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "sandbox:state", "Value": "storage-full"}])
    kafka.tag_resource(ResourceArn=arn, Tags={"sandbox:state": "FAILED"})
"""

from __future__ import annotations

from typing import Any

STATE_TAG = "sandbox:state"


def take(resource: Any, tags: dict[str, str]) -> dict[str, str]:
    """Plays the state that `tags` name, and gives the tags that are to be kept."""
    if STATE_TAG in tags:
        resource.played = tags[STATE_TAG] or None
    return {key: value for key, value in tags.items() if key != STATE_TAG}
