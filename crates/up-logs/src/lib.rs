//! Kinds of the CloudWatch Logs API. One file per kind.

pub mod log_group;

use up_core::{Context, Error, ErrorKind, ErrorRule, Later, Limit, Of, Result, Service, TagChange, Tagging, Tags};

up_core::client!(aws_sdk_cloudwatchlogs, SERVICE);

/// CloudWatch Logs.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ByArn(retag),
    kinds: &[&Of::<log_group::LogGroup>::KIND],
    ..Service::new("logs")
};

/// A key's policy takes some seconds until Logs sees it; it says so with AccessDenied, or as a wrong parameter.
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

/// Changes the tags of anything Logs knows by an ARN. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, arn: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            let set = change.set.clone().into_iter().collect();
            client(cx).tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
        }
        Ok(())
    })
}

/// The tags of a resource; `None` where it is gone.
async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    match client(cx).list_tags_for_resource().resource_arn(arn).send().await.map_err(Error::from) {
        // Logs leaves out what is empty.
        Ok(answer) => Ok(Some(answer.tags.unwrap_or_default().into_iter().collect())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
