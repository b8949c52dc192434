"""ECR's repositories, of which moto has nearly all: the rules of tags, pages, all tags of images, policies' principals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from ..call import Call, Refusal
from ..dump import Place
from ..service import Found, Limit, Service, Tagged
from ..world import backend
from . import principals, query, tag_rules

ECR = Service(
    "ecr",
    tagging="ecr:TagResource",
    limits=(
        Limit("GetAuthorizationToken", 500, 500, guess=True),
        Limit("Describe*", 20, 20, guess=True),
        Limit("Get*", 20, 20, guess=True),
        Limit("List*", 20, 20, guess=True),
        Limit("*", 10, 5, guess=True),
    ),
    invalid_codes=("InvalidParameterException", "InvalidParameterException"),
    invalid_message="Invalid parameter at '{path}' failed to satisfy constraint: '{constraint}'",
    failures=("ServerException", "ServiceUnavailable"),
)


@ECR.around("CreateRepository", "TagResource")
def tags(call: Call, proceed: Any) -> None:
    given = call.get("tags", default=[])
    tag_rules.check(given, code="InvalidTagParameterException", too_many="TooManyTagsException")
    proceed()


@ECR.around("DescribeRepositories")
def pages(call: Call, proceed: Any) -> dict[str, Any]:
    asked = {name: value for name, value in call.params.items() if name not in ("maxResults", "nextToken")}
    found = sorted(proceed(asked)["repositories"], key=lambda each: each["repositoryName"])
    shown, following = query.page(found, call.get("nextToken"), call.get("maxResults"), default=100)
    return {"repositories": shown, **({"nextToken": following} if following else {})}


@ECR.around("CreateRepository", "PutImageScanningConfiguration")
def scanning(call: Call, proceed: Any) -> None:
    # What is left out is false; moto would leave the repository as it is.
    given = call.get("imageScanningConfiguration", default={})
    proceed({**call.params, "imageScanningConfiguration": {"scanOnPush": False, **given}})


@ECR.around("ListImages")
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


@ECR.around("PutImage")
def digest(call: Call, proceed: Any) -> dict[str, Any]:
    """The digest of an image is the SHA-256 of its manifest; moto draws one of 101.

    OCI image specification, "Descriptors"; ECR's API reference, PutImage, imageDigest.
    """
    own = "sha256:" + hashlib.sha256(call.get("imageManifest", default="").encode()).hexdigest()
    return proceed({**call.params, "imageDigest": call.get("imageDigest") or own})


@ECR.around("BatchGetImage")
def manifests(call: Call, proceed: Any) -> dict[str, Any]:
    """Images with their manifests, of the media types that the request accepts; moto gives all of them.

    The failure: API reference, ImageFailure.
    """
    accepted = call.get("acceptedMediaTypes", default=[])
    answer = proceed({name: value for name, value in call.params.items() if name != "acceptedMediaTypes"})
    found, failures = [], list(answer.get("failures", []))
    for image in answer.get("images", []):
        if accepted and image.get("imageManifestMediaType", accepted[0]) not in accepted:
            reason = "The image manifest's media type is not accepted"
            failures.append(
                {"imageId": image["imageId"], "failureCode": "UnsupportedImageType", "failureReason": reason}
            )
        else:
            found.append(image)
    return {"images": found, "failures": failures}


@ECR.around("SetRepositoryPolicy")
def repository_policy(call: Call, proceed: Any) -> None:
    """Refused while a principal is not known, and a role is known some seconds after it was made.

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/repository_policy.go
    """
    if not all(principals.is_known(call, arn) for arn in principals.named(call.params["policyText"])):
        message = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
        raise Refusal("InvalidParameterException", message)
    proceed()


@ECR.inventory
def repositories(place: Place) -> Iterator[Found]:
    for found in place.every("ecr", "DescribeRepositories", "repositories"):
        name, arn = found["repositoryName"], found["repositoryArn"]
        found["lifecyclePolicyText"] = place.maybe("ecr", "GetLifecyclePolicy", repositoryName=name).get(
            "lifecyclePolicyText"
        )
        found["policyText"] = place.maybe("ecr", "GetRepositoryPolicy", repositoryName=name).get("policyText")
        yield "ecr.repository", name, place.ask("ecr", "ListTagsForResource", resourceArn=arn).get("tags"), found


@ECR.tagged
def tagged(call: Call) -> Iterator[Tagged]:
    ecr = backend("ecr", call)
    for repository in ecr.repositories.values():
        yield repository.arn, ecr.tagger.get_tag_dict_for_resource(repository.arn)
