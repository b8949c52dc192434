"""S3's buckets: each is in one region, and is not reached through another's endpoint."""

from __future__ import annotations

from typing import Any

from ..call import Call, Refusal
from ..hooks import around
from ..world import backend


@around("s3", "HeadBucket", "ListObjectsV2", "GetObject", "PutObject", "DeleteObject", "DeleteObjects")
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
