"""The Resource Groups Tagging API: every tagged resource by its right ARN, filtered and paged by the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import iter_taggable_backends

from ..call import Call, Refusal
from ..service import Limit, Service, Tagged, every
from . import query

TAGGING_API = Service(
    "resourcegroupstaggingapi",
    signed_as="tagging",
    iam_prefix="tag",
    # The quotas of the Resource Groups Tagging API.
    limits=(Limit("Get*", 15, 15), Limit("*", 5, 5, guess=True)),
    invalid_codes=("InvalidParameterException", "InvalidParameterException"),
    failures=("InternalServiceException", "ServiceUnavailable"),
    reads_all=True,
)


def motos(call: Call) -> Iterator[Tagged]:
    """What moto lists of the services that do not list their resources themselves."""
    listed = {service.prefix for service in every() if service.indexes or not service.is_indexed}
    for backends in iter_taggable_backends(call.account, call.region):
        if backends.SERVICE_NAMESPACE not in listed:
            for resource in backends.iter_tagged_resources():
                yield resource.arn, resource.tags


def everything(call: Call) -> dict[str, dict[str, str]]:
    """All tagged resources, in the order of their ARNs."""
    indexes = [motos, *(index for service in every() for index in service.indexes)]
    return {arn: tags for arn, tags in sorted(pair for index in indexes for pair in index(call)) if tags}


@TAGGING_API.around("GetResources")
def get_resources(call: Call, proceed: Any) -> dict[str, Any]:
    size, arns = call.get("ResourcesPerPage", default=50), call.get("ResourceARNList")
    if not 1 <= size <= 100:
        raise Refusal("InvalidParameterException", "ResourcesPerPage must be between 1 and 100")
    if arns and (call.get("TagFilters") or call.get("ResourceTypeFilters")):
        message = "ResourceARNList cannot be used together with other filters"
        raise Refusal("InvalidParameterException", message)
    filters, types = call.get("TagFilters", default=[]), call.get("ResourceTypeFilters", default=[])
    found = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for arn, tags in everything(call).items()
        if (not arns or arn in arns)
        and all(matches(tags, each) for each in filters)
        and (not types or of_type(arn, types))
    ]
    token = call.get("PaginationToken")
    if token and not query.is_token(token):
        raise Refusal("PaginationTokenExpiredException", "The pagination token is not valid.")
    shown, following = query.page(found, token, size)
    return {"ResourceTagMappingList": shown, "PaginationToken": following or ""}


def matches(tags: dict[str, str], wanted: dict[str, Any]) -> bool:
    return wanted["Key"] in tags and (not wanted.get("Values") or tags[wanted["Key"]] in wanted["Values"])


def of_type(arn: str, types: list[str]) -> bool:
    """True where a type is the ARN's service, or its service and kind, as in `ec2:vpc`."""
    _, _, service, _, _, rest = arn.split(":", 5)
    kind = rest.replace(":", "/").partition("/")[0]
    return service in types or f"{service}:{kind}" in types


@TAGGING_API.around("GetTagKeys", "GetTagValues")
def tag_keys_and_values(call: Call, proceed: Any) -> dict[str, Any]:
    all_of_them = everything(call).values()
    if call.operation == "GetTagKeys":
        return {"TagKeys": sorted({key for tags in all_of_them for key in tags}), "PaginationToken": ""}
    wanted = call.params["Key"]
    return {"TagValues": sorted({tags[wanted] for tags in all_of_them if wanted in tags}), "PaginationToken": ""}
