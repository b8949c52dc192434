//! `ecr.repository`: where a service's container images are kept.

use std::collections::BTreeSet;

use aws_sdk_ecr::types::{
    self as wire, EncryptionConfiguration, ImageScanningConfiguration, ImageTagMutabilityExclusionFilter,
    ImageTagMutabilityExclusionFilterType, ListImagesFilter, TagStatus,
};
use up_core::{Document, prelude::*};

use crate::{client, lifecycle::LifecyclePolicy, list, tags_of};

/// Keeps the container images of one service.
///
/// Deleting it deletes its images as well: `protect` or `prevent_destroy` guard it.
#[spec]
pub struct Repository {
    /// Its name, such as `bullstra/orders`. Default: derived from stack and address. A change replaces it, and loses
    /// its images.
    #[spec(name)]
    name: Option<String>,
    /// Whether a tag may be moved to another image. Default: `MUTABLE`.
    #[spec(default = ImageTagMutability::Mutable)]
    image_tag_mutability: ImageTagMutability,
    /// Tags that are excepted, with `*` for any text, such as `dev-*`; for the two `…_WITH_EXCLUSION`. Default: none.
    #[spec(default)]
    image_tag_mutability_exclusion_filters: BTreeSet<String>,
    /// Looks every image over for known weaknesses as it is pushed. Default: false.
    #[spec(default)]
    scan_on_push: bool,
    /// With whose key images are encrypted. Default: AWS's own, AES-256.
    #[spec(replace, default)]
    encryption_configuration: Encryption,
    /// Which images expire, as ECR's lifecycle policy language says it. Left out: as it is, which is none at first;
    /// `{ rules = [] }` removes it.
    lifecycle_policy: Option<LifecyclePolicy>,
    /// Who else may pull and push: a policy with principals. Left out: as it is, which is none at first;
    /// `{ Statement = [] }` removes it.
    repository_policy: Option<PolicyDocument>,
}

/// How images are encrypted.
#[part(Default, mirrors = EncryptionConfiguration)]
struct Encryption {
    /// Default: `AES256`.
    #[spec(default = EncryptionType::Aes256)]
    encryption_type: EncryptionType,
    /// ARN of the KMS key. Left out: AWS's own for ECR.
    kms_key: Option<String>,
}

up_core::aws_enum! {
    /// Whether a tag may be moved to another image.
    ImageTagMutability {
        /// It may.
        Mutable = "MUTABLE",
        /// It stays where it was first.
        Immutable = "IMMUTABLE",
        /// It stays, but for the exceptions.
        ImmutableWithExclusion = "IMMUTABLE_WITH_EXCLUSION",
        /// It may, but for the exceptions.
        MutableWithExclusion = "MUTABLE_WITH_EXCLUSION",
    }
    /// With whose key.
    EncryptionType {
        /// A key that AWS neither shows nor charges for.
        Aes256 = "AES256",
        /// A key of KMS.
        Kms = "KMS",
        /// Twice, with a key of KMS.
        KmsDsse = "KMS_DSSE",
    }
}

impl Kind for Repository {
    const NAME: &'static str = "ecr.repository";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECR::Repository",
        actions: Actions {
            observe: actions!(ecr: DescribeRepositories ListTagsForResource GetLifecyclePolicy GetRepositoryPolicy
                ListImages),
            create: actions!(ecr: CreateRepository TagResource ListTagsForResource,
                kms: CreateGrant DescribeKey RetireGrant),
            update: actions!(ecr: PutImageTagMutability PutImageScanningConfiguration PutLifecyclePolicy
                DeleteLifecyclePolicy SetRepositoryPolicy DeleteRepositoryPolicy),
            tag: actions!(ecr: TagResource UntagResource),
            delete: actions!(ecr: DeleteRepository, kms: RetireGrant),
        },
        attrs: &["arn", "name", "uri", "pushed_tags"],
        costly: &["pushed_tags"],
        longest_name: 256,
        holds_data: true,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call lists the account's repositories. Policies take one each, made only where some declared repository has
    /// one; so do the tags of images, where something declared reads `pushed_tags`.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_repositories().max_results(1000);
        let repositories = request.into_paginator().items().send().try_collect().await?;
        found(repositories.into_iter().map(|repository| read(cx, query, repository))).await
    }

    /// Safe to repeat: names are unique, and one that an earlier try has made is known by its tags. Policies take calls
    /// of their own.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_repository().repository_name(&name).set_tags(Some(list(&new.tags)));
        let request = request.image_scanning_configuration(self.scanning());
        let request = request.set_image_tag_mutability_exclusion_filters(self.exclusions()?);
        let request = fill!(request, cx, self: encryption_configuration, image_tag_mutability);
        match request.send().await.map_err(Error::from) {
            Err(error) if error.kind == ErrorKind::Exists => {
                let arn = crate::SERVICE.arn(cx, format_args!("repository/{name}"));
                let earlier = tags_of(cx, &arn).await?.is_some_and(|tags| new.gave(&tags));
                if earlier { Ok(name.into()) } else { Err(error) }
            }
            Err(error) => Err(error),
            Ok(answer) => {
                let repository = present(answer.repository, "repository that it made")?;
                // It begins empty and without policies, and ECR does not repeat the tags.
                let (lifecycle, policy) = (LifecyclePolicy::none(), nothing());
                let made = observed(repository, new.tags.clone(), Some(lifecycle), Some(policy))?;
                Ok(made.attr("pushed_tags", String::new()).into())
            }
        }
    }

    /// Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (ecr, name, was) = (client(cx), &observed.id, &observed.spec);
        let exempts = self.image_tag_mutability_exclusion_filters != was.image_tag_mutability_exclusion_filters;
        if self.image_tag_mutability != was.image_tag_mutability || exempts {
            let call = ecr.put_image_tag_mutability().repository_name(name);
            let call = call.set_image_tag_mutability_exclusion_filters(self.exclusions()?);
            fill!(call, cx, self: image_tag_mutability).send().await?;
        }
        if self.scan_on_push != was.scan_on_push {
            let call = ecr.put_image_scanning_configuration().repository_name(name);
            call.image_scanning_configuration(self.scanning()).send().await?;
        }
        match self.lifecycle_policy.as_ref().filter(|policy| was.lifecycle_policy.as_ref() != Some(policy)) {
            None => {}
            Some(policy) if policy.rules().is_some_and(Vec::is_empty) => {
                ecr.delete_lifecycle_policy().repository_name(name).send().await.ignore_not_found()?;
            }
            Some(policy) => {
                let call = ecr.put_lifecycle_policy().repository_name(name);
                call.lifecycle_policy_text(policy.text()).send().await?;
            }
        }
        match self.repository_policy.as_ref().filter(|policy| was.repository_policy.as_ref() != Some(policy)) {
            None => {}
            Some(policy) if states_nothing(policy) => {
                ecr.delete_repository_policy().repository_name(name).send().await.ignore_not_found()?;
            }
            Some(policy) => {
                ecr.set_repository_policy().repository_name(name).policy_text(policy.text()).send().await?;
            }
        }
        Ok(())
    }

    /// Deletes its images with it. Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_repository().repository_name(&observed.id).force(true).send().await?;
        Ok(())
    }

    /// One call for each repository: ECR lists the images of one.
    async fn before_delete(cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let names: Vec<_> = leaving.resources.iter().map(|repository| repository.id.clone()).collect();
        Ok(concurrently(names.into_iter().map(|name| images(cx, name))).await?.into_iter().flatten().collect())
    }

    fn check(&self) -> Vec<Problem> {
        let form = "a name is 2 to 256 lower-case letters and digits, with `.`, `_`, `-` and `/` between them";
        let name = Problem::unless_form("name", self.name.as_ref(), is_name, form);
        let excludes = matches!(
            self.image_tag_mutability,
            ImageTagMutability::ImmutableWithExclusion | ImageTagMutability::MutableWithExclusion
        );
        let (field, exceptions) =
            ("image_tag_mutability_exclusion_filters", self.image_tag_mutability_exclusion_filters.len());
        let encryption = &self.encryption_configuration;
        let rules = problems! {
            excludes && exceptions == 0 => field, "missing: the tags that are excepted";
            !excludes && exceptions > 0 => field,
                "only `IMMUTABLE_WITH_EXCLUSION` and `MUTABLE_WITH_EXCLUSION` have exceptions";
            excludes && exceptions > 5 => field, "ECR takes 5 exceptions at most";
            encryption.encryption_type == EncryptionType::Aes256 && encryption.kms_key.is_some() =>
                "encryption_configuration.kms_key", "only `KMS` and `KMS_DSSE` take a key of KMS";
        };
        let lifecycle = self.lifecycle_policy.iter().flat_map(|policy| policy.check("lifecycle_policy"));
        name.into_iter().chain(rules).chain(lifecycle).collect()
    }
}

impl Repository {
    fn scanning(&self) -> ImageScanningConfiguration {
        ImageScanningConfiguration::builder().scan_on_push(self.scan_on_push).build()
    }

    fn exclusions(&self) -> Result<Option<Vec<ImageTagMutabilityExclusionFilter>>> {
        let filter = |text: &String| {
            let filter = ImageTagMutabilityExclusionFilter::builder().filter(text);
            filter.filter_type(ImageTagMutabilityExclusionFilterType::Wildcard).build()
        };
        let filters = self.image_tag_mutability_exclusion_filters.iter().map(filter);
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        Ok((!filters.is_empty()).then_some(filters))
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || "._-".contains(c))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(part)
}

/// `None`: somebody else's, or gone meanwhile.
async fn read(cx: &Context, query: &Query, repository: wire::Repository) -> Result<Option<Observed<Repository>>> {
    let name = present(repository.repository_name.clone(), "name of a repository")?;
    let arn = present(repository.repository_arn.as_ref(), "ARN of a repository")?;
    let Some(tags) = query.tags(&name, arn, tags_of(cx, arn)).await? else { return Ok(None) };
    let lifecycle = if query.asks("lifecycle_policy") { Some(lifecycle(cx, &name).await?) } else { None };
    let policy = if query.asks("repository_policy") { Some(policy(cx, &name).await?) } else { None };
    let pushed = if query.asks_attribute("pushed_tags") { Some(pushed_tags(cx, &name).await?) } else { None };
    Ok(Some(observed(repository, tags, lifecycle, policy)?.attr("pushed_tags", pushed)))
}

/// A repository as ECR describes it, with what calls of their own tell.
fn observed(
    repository: wire::Repository,
    tags: Tags,
    lifecycle_policy: Option<LifecyclePolicy>,
    repository_policy: Option<PolicyDocument>,
) -> Result<Observed<Repository>> {
    let name = present(repository.repository_name, "name of a repository")?;
    let arn = present(repository.repository_arn, "ARN of a repository")?;
    let uri = present(repository.repository_uri, "URI of a repository")?;
    let filters = repository.image_tag_mutability_exclusion_filters.into_iter().flatten().map(|filter| filter.filter);
    let spec = Repository {
        name: Some(name.clone()),
        image_tag_mutability: read!(repository.image_tag_mutability)?,
        image_tag_mutability_exclusion_filters: filters.collect(),
        scan_on_push: repository.image_scanning_configuration.is_some_and(|scanning| scanning.scan_on_push),
        encryption_configuration: read!(repository.encryption_configuration or Encryption::default())?,
        lifecycle_policy,
        repository_policy,
    };
    let observed = Observed::new(name.clone(), tags, spec).attr("arn", arn).attr("name", name).attr("uri", uri);
    Ok(observed.created_at(repository.created_at))
}

/// The tags of all its images, in order, with spaces between them: none where it is gone meanwhile.
async fn pushed_tags(cx: &Context, name: &str) -> Result<String> {
    let tagged = ListImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let request = client(cx).list_images().repository_name(name).filter(tagged).max_results(1000);
    let images = request.into_paginator().items().send().try_collect().await.unless_gone()?;
    let tags: BTreeSet<_> = images.into_iter().flatten().filter_map(|image| image.image_tag).collect();
    Ok(tags.into_iter().collect::<Vec<_>>().join(" "))
}

async fn lifecycle(cx: &Context, name: &str) -> Result<LifecyclePolicy> {
    let answer = client(cx).get_lifecycle_policy().repository_name(name).send().await.unless_gone()?;
    let Some(answer) = answer else { return Ok(LifecyclePolicy::none()) };
    let text = present(answer.lifecycle_policy_text, "lifecycle policy")?;
    LifecyclePolicy::parse(&text).map_err(|error| Error::absent(&format!("readable lifecycle policy: {error}")))
}

async fn policy(cx: &Context, name: &str) -> Result<PolicyDocument> {
    let answer = client(cx).get_repository_policy().repository_name(name).send().await.unless_gone()?;
    let Some(answer) = answer else { return Ok(nothing()) };
    let text = present(answer.policy_text, "repository policy")?;
    PolicyDocument::parse(&text).map_err(|error| Error::absent(&format!("readable repository policy: {error}")))
}

/// What a repository without a policy has.
fn nothing() -> PolicyDocument {
    Document::from(serde_json::json!({ "Statement": [] })).into()
}

fn states_nothing(policy: &PolicyDocument) -> bool {
    policy.statements().is_some_and(<[_]>::is_empty)
}

/// How many images are deleted with a repository.
async fn images(cx: &Context, name: String) -> Result<Option<DeleteRemark>> {
    let call = client(cx).list_images().repository_name(&name).max_results(1000);
    let Some(answer) = call.send().await.unless_gone()? else { return Ok(None) };
    let images: BTreeSet<_> = answer.image_ids().iter().filter_map(|image| image.image_digest()).collect();
    let count = match (images.len(), answer.next_token.is_some()) {
        (0, _) => return Ok(None),
        (1, false) => "its only image is".to_owned(),
        (count, false) => format!("its {count} images are"),
        (count, true) => format!("its images, more than {count}, are"),
    };
    Ok(Some(DeleteRemark::note(name, format!("{count} deleted with it"))))
}
