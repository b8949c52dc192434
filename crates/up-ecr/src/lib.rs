//! Kinds of the ECR API. One file per kind.

mod lifecycle;
pub mod repository;

use up_core::{Context, Error, ErrorKind, ErrorRule, Later, Limit, Of, Result, Service, TagChange, Tagging, Tags};

up_core::client!(aws_sdk_ecr, SERVICE);
up_core::tags!(aws_sdk_ecr::types::Tag, required);

/// ECR.
pub static SERVICE: Service = Service {
    errors: ERRORS,
    limits: LIMITS,
    tagging: Tagging::ByArn(retag),
    kinds: &[&Of::<repository::Repository>::KIND],
    ..Service::new("ecr")
};

const ERRORS: &[ErrorRule] = &[
    // A policy that names a role made a moment ago (terraform-provider-aws, ecr/repository_policy.go). One that is wrong
    // for good gets the same words, and is told of a little later.
    ErrorRule::new(ErrorKind::Propagating).on("SetRepositoryPolicy").text("Invalid repository policy provided"),
];

const LIMITS: &[Limit] = &[
    Limit::new("GetAuthorizationToken", 500.0, 500.0).guess(),
    Limit::new("Describe*", 20.0, 20.0).guess(),
    Limit::new("Get*", 20.0, 20.0).guess(),
    Limit::new("List*", 20.0, 20.0).guess(),
    Limit::new("*", 10.0, 5.0).guess(),
];

/// Changes the tags of anything ECR knows by an ARN. Safe to repeat: tags are set, not added.
fn retag<'a>(cx: &'a Context, arn: &'a str, change: &'a TagChange) -> Later<'a, ()> {
    Box::pin(async move {
        if !change.set.is_empty() {
            client(cx).tag_resource().resource_arn(arn).set_tags(Some(list(&change.set))).send().await?;
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
        Ok(answer) => Ok(Some(tags(answer.tags))),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
