//! Kinds of the CloudWatch Logs API. One file per kind.

mod lines;
pub mod log_group;

use up_core::{
    AlreadyDone, Context, ErrorKind, ErrorRule, Limit, Of, Result, Service, Tagging, Tags, deploying::Deploying,
};

up_core::client!(aws_sdk_cloudwatchlogs, SERVICE);
up_core::tag_resource!(|tags: &Tags| tags.clone().into_iter().collect());

/// CloudWatch Logs.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ByArn(retag),
    kinds: &[&Of::<log_group::LogGroup>::KIND],
    deploying: Some(Deploying::Logs(&lines::Lines)),
    ..Service::new("logs")
};

/// A key policy takes effect for CloudWatch Logs after some seconds; until then it answers AccessDenied, or an invalid
/// parameter.
const ERRORS: &[ErrorRule] = &[
    ErrorRule::new(ErrorKind::Propagating).text("KMS key does not exist or is not allowed to be used"),
    ErrorRule::new(ErrorKind::Propagating).text("KMS Key Id could not be found"),
];

/// From "CloudWatch Logs quotas".
const LIMITS: &[Limit] = &[
    Limit::new("CreateLogGroup", 10.0, 10.0),
    Limit::new("DescribeLogGroups", 10.0, 10.0),
    Limit::new("PutRetentionPolicy", 10.0, 10.0).guess(),
    Limit::new("DeleteRetentionPolicy", 10.0, 10.0).guess(),
    Limit::new("DeleteLogGroup", 10.0, 10.0).guess(),
    Limit::new("*", 10.0, 5.0).guess(),
];

/// The tags of a resource; `None` if it no longer exists.
async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    let answer = client(cx).list_tags_for_resource().resource_arn(arn).send().await.unless_gone()?;
    // CloudWatch Logs leaves out an empty map.
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}
