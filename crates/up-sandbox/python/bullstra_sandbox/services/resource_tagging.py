"""The Resource Groups Tagging API: every tagged resource by its right ARN, filtered and paged by the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from moto.core.resource_tagging import iter_taggable_backends
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE

from ..call import Call, Refusal
from ..hooks import around
from ..world import backend
from . import kafka, query, rds_instance

Tagged = tuple[str, dict[str, str]]

# Answered by sources of ours, or, as Auto Scaling groups, by nobody: AWS does not return them.
NOT_MOTOS = ("autoscaling", "ec2", "ecs", "elasticloadbalancing", "kafka", "logs", "rds", "ecr")

EC2_TYPES = {
    **EC2_PREFIX_TO_RESOURCE,
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "nat": "natgateway",
    "pl": "prefix-list",
    "sir": "spot-instances-request",
}

sources: list[Callable[[Call], Iterable[Tagged]]] = []


def source(listing: Callable[[Call], Iterable[Tagged]]) -> Callable[[Call], Iterable[Tagged]]:
    """Registers a function that lists resources moto does not: (ARN, tags) each."""
    sources.append(listing)
    return listing


def as_map(tags: Iterable[dict[str, str]] | None) -> dict[str, str]:
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or []}


@source
def motos(call: Call) -> Iterator[Tagged]:
    for backends in iter_taggable_backends(call.account, call.region):
        if backends.SERVICE_NAMESPACE not in NOT_MOTOS:
            for resource in backends.iter_tagged_resources():
                yield resource.arn, resource.tags


@source
def ec2(call: Call) -> Iterator[Tagged]:
    for id, tags in backend("ec2", call).tags.items():
        kind = EC2_TYPES.get(id.rpartition("-")[0])
        if kind:
            yield call.arn("ec2", f"{kind}/{id}"), tags


@source
def elbv2(call: Call) -> Iterator[Tagged]:
    elb = backend("elbv2", call)
    balancers = elb.load_balancers.values()
    arns = [
        *elb.load_balancers,
        *elb.target_groups,
        *(arn for balancer in balancers for arn in balancer.listeners),
        *(
            arn
            for balancer in balancers
            for listener in balancer.listeners.values()
            for arn in listener._non_default_rules
        ),
    ]
    for arn in arns:
        yield arn, elb.tagging_service.get_tag_dict_for_resource(arn)


@source
def ecs(call: Call) -> Iterator[Tagged]:
    ecs = backend("ecs", call)
    definitions = (each for revisions in ecs.task_definitions.values() for each in revisions.values())
    for resource in (*ecs.clusters.values(), *ecs.services.values(), *definitions):
        if resource.status != "INACTIVE":
            yield resource.arn, as_map(resource.tags)
    for provider in ecs.capacity_providers.values():
        yield provider.capacity_provider_arn, as_map(provider.tags)


@source
def rds(call: Call) -> Iterator[Tagged]:
    rds_instance.settle(call)
    rds = backend("rds", call)
    held = (
        rds.databases,
        rds.clusters,
        rds.subnet_groups,
        rds.db_parameter_groups,
        rds.db_cluster_parameter_groups,
        rds.database_snapshots,
        rds.cluster_snapshots,
    )
    for resources in held:
        for resource in resources.values():
            yield resource.arn, as_map(resource.get_tags())


@source
def msk(call: Call) -> Iterator[Tagged]:
    for cluster in kafka.clusters(call).values():
        yield cluster.arn, cluster.tags


@source
def ecr(call: Call) -> Iterator[Tagged]:
    ecr = backend("ecr", call)
    for repository in ecr.repositories.values():
        yield repository.arn, ecr.tagger.get_tag_dict_for_resource(repository.arn)


@source
def logs(call: Call) -> Iterator[Tagged]:
    logs = backend("logs", call)
    for group in logs.groups.values():
        arn = group.arn.removesuffix(":*")
        yield arn, logs.list_tags_for_resource(arn)


def everything(call: Call) -> dict[str, dict[str, str]]:
    """All tagged resources, in the order of their ARNs."""
    return {arn: tags for arn, tags in sorted(pair for listing in sources for pair in listing(call)) if tags}


@around("resourcegroupstaggingapi", "GetResources")
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


@around("resourcegroupstaggingapi", "GetTagKeys", "GetTagValues")
def tag_keys_and_values(call: Call, proceed: Any) -> dict[str, Any]:
    all_of_them = everything(call).values()
    if call.operation == "GetTagKeys":
        return {"TagKeys": sorted({key for tags in all_of_them for key in tags}), "PaginationToken": ""}
    wanted = call.params["Key"]
    return {"TagValues": sorted({tags[wanted] for tags in all_of_them if wanted in tags}), "PaginationToken": ""}
