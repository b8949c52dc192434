"""ECR's repositories, of which moto has nearly all: the rules of tags, and pages."""

from __future__ import annotations

from typing import Any

from ..call import Call
from ..hooks import around
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
