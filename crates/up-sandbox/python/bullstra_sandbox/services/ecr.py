"""ECR's repositories, of which moto has nearly all: the rules of tags, pages, all tags of images, policies' principals."""

from __future__ import annotations

import datetime
import json
from typing import Any

from ..call import Call, Refusal
from ..hooks import around
from ..world import backend, clock, lifecycle
from . import query, tag_rules


@around("ecr", "CreateRepository", "TagResource")
def tags(call: Call, proceed: Any) -> None:
    given = call.get("tags", default=[])
    tag_rules.check(given, code="InvalidTagParameterException", too_many="TooManyTagsException")
    proceed()


@around("ecr", "DescribeRepositories")
def pages(call: Call, proceed: Any) -> dict[str, Any]:
    asked = {name: value for name, value in call.params.items() if name not in ("maxResults", "nextToken")}
    found = sorted(proceed(asked)["repositories"], key=lambda each: each["repositoryName"])
    shown, following = query.page(found, call.get("nextToken"), call.get("maxResults"), default=100)
    return {"repositories": shown, **({"nextToken": following} if following else {})}


@around("ecr", "CreateRepository", "PutImageScanningConfiguration")
def scanning(call: Call, proceed: Any) -> None:
    # What is left out is false; moto would leave the repository as it is.
    given = call.get("imageScanningConfiguration", default={})
    proceed({**call.params, "imageScanningConfiguration": {"scanOnPush": False, **given}})


@around("ecr", "ListImages")
def images(call: Call, proceed: Any) -> dict[str, Any]:
    # One entry for each tag of an image; moto tells of one tag only, and has no pages.
    repository = backend("ecr", call).repositories.get(call.params["repositoryName"])
    if repository is None:
        proceed()
        return {}
    wanted = call.get("filter", "tagStatus", default="ANY")
    listed = [
        {"imageDigest": image.get_image_digest(), **({"imageTag": tag} if tag else {})}
        for image in repository.images
        for tag in image.image_tags or [None]
        if wanted in ("ANY", "TAGGED" if tag else "UNTAGGED")
    ]
    shown, following = query.page(listed, call.get("nextToken"), call.get("maxResults"), default=100)
    return {"imageIds": shown, **({"nextToken": following} if following else {})}


@around("ecr", "SetRepositoryPolicy")
def repository_policy(call: Call, proceed: Any) -> None:
    """Refused while a principal is not known, and a role is known some seconds after it was made.

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/repository_policy.go
    """
    for arn in principals(call.params["policyText"]):
        if f":iam::{call.account}:role/" in arn and not is_known(call, arn):
            message = (
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
            )
            raise Refusal("InvalidParameterException", message)
    proceed()


def principals(text: str) -> list[str]:
    """The AWS principals that a policy names."""
    statements = json.loads(text).get("Statement", [])
    found = []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        found += named if isinstance(named, list) else [named]
    return found


def is_known(call: Call, arn: str) -> bool:
    roles = {role.arn: role for role in backend("iam", call).roles.values()}
    if arn not in roles:
        return False
    made = roles[arn].create_date.replace(tzinfo=datetime.timezone.utc).timestamp()
    return clock() - made >= lifecycle.seconds("iam.role")
