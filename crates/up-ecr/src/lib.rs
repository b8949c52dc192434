//! Kinds of the ECR API. One file per kind.

mod images;
mod lifecycle;
pub mod repository;

use up_core::{
    AlreadyDone, Context, ErrorKind, ErrorRule, Limit, Of, Result, Service, Tagging, Tags, deploying::Deploying,
};

up_core::client!(aws_sdk_ecr, SERVICE);
up_core::tags!(aws_sdk_ecr::types::Tag, required);
up_core::tag_resource!(list);

/// ECR.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ByArn(retag),
    kinds: &[&Of::<repository::Repository>::KIND],
    deploying: Some(Deploying::Images(&images::Images)),
    ..Service::new("ecr")
};

const ERRORS: &[ErrorRule] = &[
    // A policy that names a new role (terraform-provider-aws, ecr/repository_policy.go). ECR reports an invalid policy
    // with the same words: that error appears after the retries.
    ErrorRule::new(ErrorKind::Propagating).on("SetRepositoryPolicy").text("Invalid repository policy provided"),
];

const LIMITS: &[Limit] = &[
    Limit::new("GetAuthorizationToken", 500.0, 500.0).guess(),
    Limit::new("Describe*", 20.0, 20.0).guess(),
    Limit::new("Get*", 20.0, 20.0).guess(),
    Limit::new("List*", 20.0, 20.0).guess(),
    Limit::new("*", 10.0, 5.0).guess(),
];

/// The tags of a resource; `None` if it no longer exists.
async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    let answer = client(cx).list_tags_for_resource().resource_arn(arn).send().await.unless_gone()?;
    Ok(answer.map(|answer| tags(answer.tags)))
}
