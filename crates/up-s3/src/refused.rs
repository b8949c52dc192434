//! What S3 says when a backend cannot be used, and what to do about it.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use up_core::{Error, ErrorKind};
use up_state::StateError;

use crate::ACTIONS;

/// The code of an error that is none of S3's own words: the bucket is in another region.
const ELSEWHERE: &str = "WrongRegion";

/// An error of S3. Where the bucket is in another region, S3 says so in as many ways as there are calls, and the region
/// in a header.
pub(crate) fn sorted<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E, HttpResponse>: aws_types::request_id::RequestId,
{
    const CODES: [&str; 4] = [
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ];
    let response = error.raw_response();
    let redirected = response.is_some_and(|response| (300..400).contains(&response.status().as_u16()));
    let region = response.and_then(|response| response.headers().get("x-amz-bucket-region")).map(str::to_owned);
    let is_elsewhere = redirected || error.code().is_some_and(|code| CODES.contains(&code));
    let sorted = Error::from(error);
    if !is_elsewhere {
        return sorted;
    }
    let message = match region {
        Some(region) => format!("the bucket is in {region}"),
        None => format!("the bucket is in another region ({})", sorted.message),
    };
    Error { request_id: sorted.request_id, ..Error::refused(ELSEWHERE, message) }
}

/// The same, with the file's name and with advice.
pub(crate) fn refused(verb: &'static str, at: String, bucket: &str, region: &str, error: Error) -> StateError {
    let hint = match (error.code.as_str(), error.kind) {
        ("NoSuchBucket", _) => Some(format!(
            "make it (`aws s3 mb s3://{bucket} --region {region}`), or mend `backend` in `[stack]` or `--state`"
        )),
        (ELSEWHERE, _) => {
            Some(format!("state is kept in the region of the stack, {region}: name a bucket that is there"))
        }
        (_, ErrorKind::Denied) => Some(format!(
            "a backend needs {}; in somebody else's bucket, of a name that is mistaken, they do not help",
            ACTIONS.join(", ")
        )),
        _ => None,
    };
    StateError::Store { verb, at, error: Box::new(error), hint }
}
