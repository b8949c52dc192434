"""S3's buckets: each is in one region, and is not reached through another's endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..call import Call, Refusal
from ..dump import Place
from ..service import Error, Found, Service
from ..world import backend

S3 = Service(
    "s3",
    is_global=True,
    actions={
        "ListBuckets": "ListAllMyBuckets",
        "HeadBucket": "ListBucket",
        "ListObjectsV2": "ListBucket",
        "ListObjects": "ListBucket",
        "HeadObject": "GetObject",
        "DeleteBucketTagging": "PutBucketTagging",
        "DeleteObjects": "DeleteObject",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "GetBucketEncryption": "GetEncryptionConfiguration",
    },
    invalid_codes=("InvalidArgument", "InvalidArgument"),
    unchecked=("Bucket",),
    expired=Error("ExpiredToken", "The provided token has expired.", 400),
    unknown_key=Error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403),
    denied=Error("AccessDenied", "Access Denied", 403),
    throttled=Error("SlowDown", "Please reduce your request rate.", 503),
    failures=("InternalError", "ServiceUnavailable"),
    request_id_header="x-amz-request-id",
)


@S3.around("HeadBucket", "ListObjectsV2", "GetObject", "PutObject", "DeleteObject", "DeleteObjects")
def elsewhere(call: Call, proceed: Any) -> None:
    bucket = backend("s3", call).buckets.get(call.params["Bucket"])
    # Who knows no better asks in us-east-1, and is told where; others have signed for the wrong region.
    if bucket is not None and bucket.region_name != call.region:
        if call.region == "us-east-1":
            message = (
                "The bucket you are attempting to access must be addressed using the specified endpoint. Please send "
                "all future requests to this endpoint."
            )
            raise Refusal("PermanentRedirect", message, status=301)
        message = (
            "The authorization header is malformed; "
            f"the region '{call.region}' is wrong; expecting '{bucket.region_name}'"
        )
        raise Refusal("AuthorizationHeaderMalformed", message, status=400)
    proceed()


@S3.inventory
def buckets(place: Place) -> Iterator[Found]:
    for found in place.every("s3", "ListBuckets", "Buckets"):
        tags = place.maybe("s3", "GetBucketTagging", Bucket=found["Name"]).get("TagSet")
        yield "s3.bucket", found["Name"], tags, found
