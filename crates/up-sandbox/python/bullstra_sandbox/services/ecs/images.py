"""Which images tasks can be started from: those of the account's own ECR repositories must have been pushed."""

from __future__ import annotations

import re
from typing import Any

from ...call import Call
from ...world import backend

OWN = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^:@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?"
)


def why_not(call: Call, definition: Any) -> str | None:
    """What a task of this definition stops with before it runs; None where every image is there."""
    for container in definition.container_definitions:
        image = container["image"]
        found = OWN.fullmatch(image)
        if found and (found["account"], found["region"]) == (call.account, call.region) and not is_there(call, found):
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
            return (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
                f"{image}: {image}: not found"
            )
    return None


def digest(call: Call, image: str) -> str | None:
    """The digest of an image that is named by it, or whose tag the account's own repository has."""
    found = OWN.fullmatch(image)
    if found is None:
        return image.partition("@")[2] or None
    if found["digest"] or (found["account"], found["region"]) != (call.account, call.region):
        return found["digest"]
    repository = backend("ecr", call).repositories.get(found["repository"])
    images = repository.images if repository else []
    tagged = (each for each in images if (found["tag"] or "latest") in each.image_tags)
    return next((each.get_image_digest() for each in tagged), None)


def is_there(call: Call, image: re.Match[str]) -> bool:
    """True for an image that its repository holds."""
    repository = backend("ecr", call).repositories.get(image["repository"])
    images = repository.images if repository else []
    if image["digest"]:
        return any(each.get_image_digest() == image["digest"] for each in images)
    return any((image["tag"] or "latest") in each.image_tags for each in images)
