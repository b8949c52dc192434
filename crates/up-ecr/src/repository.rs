//! `ecr.repository`: where a service's container images are kept.

use std::collections::BTreeSet;

use aws_sdk_ecr::types::{
    EncryptionConfiguration, ImageScanningConfiguration, ImageTagMutabilityExclusionFilter,
    ImageTagMutabilityExclusionFilterType, ListImagesFilter, Repository as Described, Tag, TagStatus,
};
use up_core::{Document, placeholder, prelude::*};

use crate::{client, lifecycle::LifecyclePolicy};

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
}

/// How images are encrypted.
#[part]
struct Encryption {
    /// Default: `AES256`.
    #[spec(default = EncryptionType::Aes256)]
    encryption_type: EncryptionType,
    /// ARN of the KMS key. Left out: AWS's own for ECR.
    kms_key: Option<String>,
}

up_core::aws_enum! {
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

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECR::Repository",
        actions: Actions {
            observe: &[
                "ecr:DescribeRepositories",
                "ecr:ListTagsForResource",
                "ecr:GetLifecyclePolicy",
                "ecr:GetRepositoryPolicy",
                "ecr:ListImages",
            ],
            create: &[
                "ecr:CreateRepository",
                "ecr:TagResource",
                "ecr:ListTagsForResource",
                "kms:CreateGrant",
                "kms:DescribeKey",
                "kms:RetireGrant",
            ],
            update: &[
                "ecr:PutImageTagMutability",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutLifecyclePolicy",
                "ecr:DeleteLifecyclePolicy",
                "ecr:SetRepositoryPolicy",
                "ecr:DeleteRepositoryPolicy",
            ],
            tag: &["ecr:TagResource", "ecr:UntagResource"],
            delete: &["ecr:DeleteRepository", "kms:RetireGrant"],
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
        let read = repositories.into_iter().map(|repository| read(cx, query, repository));
        let observed: Vec<Option<Observed<Self>>> = concurrently(read).await?;
        Ok(observed.into_iter().flatten().collect())
    }

    /// Safe to repeat: names are unique, and one that an earlier try has made is known by its tags. Policies take calls
    /// of their own.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let Encryption { encryption_type, kms_key } = &self.encryption_configuration;
        let encryption = EncryptionConfiguration::builder().encryption_type(encryption_type.as_str().into());
        let encryption = encryption.set_kms_key(kms_key.clone()).build()?;
        let request = client(cx).create_repository().repository_name(&name).set_tags(Some(list(&new.tags)?));
        let request = request.encryption_configuration(encryption).image_scanning_configuration(self.scanning());
        let request = request.image_tag_mutability(self.image_tag_mutability.as_str().into());
        let request = request.set_image_tag_mutability_exclusion_filters(self.exclusions()?);
        match request.send().await.map_err(Error::from) {
            Err(error) if error.kind == ErrorKind::Exists => {
                let arn = format!("arn:{}:ecr:{}:{}:repository/{name}", cx.partition(), cx.region(), cx.account());
                let earlier = tags_of(cx, &arn).await?.is_some_and(|tags| new.gave(&tags));
                if earlier { Ok(name.into()) } else { Err(error) }
            }
            Err(error) => Err(error),
            Ok(answer) => {
                let repository = answer.repository.ok_or_else(|| Error::absent("repository that it made"))?;
                // It begins empty and without policies, and ECR does not repeat the tags.
                let (lifecycle, policy) = (LifecyclePolicy::none(), nothing());
                let mut made = observed(repository, new.tags.clone(), Some(lifecycle), Some(policy))?;
                made.attrs.insert("pushed_tags".into(), String::new());
                Ok(made.into())
            }
        }
    }

    /// Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (ecr, name, was) = (client(cx), &observed.id, &observed.spec);
        let exclusions_differ =
            self.image_tag_mutability_exclusion_filters != was.image_tag_mutability_exclusion_filters;
        if self.image_tag_mutability != was.image_tag_mutability || exclusions_differ {
            let call = ecr.put_image_tag_mutability().repository_name(name);
            let call = call.image_tag_mutability(self.image_tag_mutability.as_str().into());
            call.set_image_tag_mutability_exclusion_filters(self.exclusions()?).send().await?;
        }
        if self.scan_on_push != was.scan_on_push {
            let call = ecr.put_image_scanning_configuration().repository_name(name);
            call.image_scanning_configuration(self.scanning()).send().await?;
        }
        match &self.lifecycle_policy {
            same if *same == was.lifecycle_policy => {}
            None => {}
            Some(policy) if policy.rules().is_some_and(Vec::is_empty) => {
                ecr.delete_lifecycle_policy().repository_name(name).send().await.ignore_not_found()?;
            }
            Some(policy) => {
                let call = ecr.put_lifecycle_policy().repository_name(name);
                call.lifecycle_policy_text(policy.text()).send().await?;
            }
        }
        match &self.repository_policy {
            same if *same == was.repository_policy => {}
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

    /// Safe to repeat: keys are set and removed.
    async fn tag(cx: &Context, observed: &Observed<Self>, change: &TagChange) -> Result<()> {
        let arn = observed.attrs.get("arn").ok_or_else(|| Error::ours("a repository without ARN"))?;
        if !change.set.is_empty() {
            client(cx).tag_resource().resource_arn(arn).set_tags(Some(list(&change.set)?)).send().await?;
        }
        if !change.remove.is_empty() {
            let keys = change.remove.iter().cloned().collect();
            client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(keys)).send().await?;
        }
        Ok(())
    }

    /// Deletes its images with it. Safe to repeat: gone is gone.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_repository().repository_name(&observed.id).force(true).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let name = self.name.as_ref().filter(|name| !is_name(name)).map(|name| {
            let message = "2 to 256 lower-case letters and digits, with `.`, `_`, `-` and `/` between them";
            Problem::new("name", format!("a name is {message}, and this is `{name}`"))
        });
        let excludes = matches!(
            self.image_tag_mutability,
            ImageTagMutability::ImmutableWithExclusion | ImageTagMutability::MutableWithExclusion
        );
        let field = "image_tag_mutability_exclusion_filters";
        let filters = match (excludes, self.image_tag_mutability_exclusion_filters.len()) {
            (true, 0) => Some(Problem::new(field, "missing: the tags that are excepted")),
            (false, 1..) => {
                let message = "only `IMMUTABLE_WITH_EXCLUSION` and `MUTABLE_WITH_EXCLUSION` have exceptions";
                Some(Problem::new(field, message))
            }
            (true, 6..) => Some(Problem::new(field, "ECR takes 5 exceptions at most")),
            _ => None,
        };
        let Encryption { encryption_type, kms_key } = &self.encryption_configuration;
        let stray = *encryption_type == EncryptionType::Aes256 && kms_key.is_some();
        let key = stray
            .then(|| Problem::new("encryption_configuration.kms_key", "only `KMS` and `KMS_DSSE` take a key of KMS"));
        let lifecycle = self.lifecycle_policy.iter().flat_map(|policy| policy.check("lifecycle_policy"));
        [name, filters, key].into_iter().flatten().chain(lifecycle).collect()
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

impl Default for Encryption {
    fn default() -> Self {
        Self { encryption_type: Encryption::default_encryption_type(), kms_key: None }
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || "._-".contains(c))
    };
    placeholder::has_placeholder(name) || ((2..=256).contains(&name.len()) && name.split('/').all(part))
}

fn list(tags: &Tags) -> Result<Vec<Tag>> {
    tags.iter().map(|(key, value)| Ok(Tag::builder().key(key).value(value).build()?)).collect()
}

/// `None`: not ours, or gone meanwhile.
/// `None`: somebody else's, or gone meanwhile.
async fn read(cx: &Context, query: &Query, repository: Described) -> Result<Option<Observed<Repository>>> {
    let (Some(arn), Some(name)) = (&repository.repository_arn, repository.repository_name.clone()) else {
        return Err(Error::absent("name of a repository"));
    };
    let Some(tags) = query.tags(&name, arn, tags_of(cx, arn)).await? else { return Ok(None) };
    let lifecycle = if query.asks("lifecycle_policy") { Some(lifecycle(cx, &name).await?) } else { None };
    let policy = if query.asks("repository_policy") { Some(policy(cx, &name).await?) } else { None };
    let mut observed = observed(repository, tags, lifecycle, policy)?;
    if query.asks_attribute("pushed_tags") {
        observed.attrs.insert("pushed_tags".into(), pushed_tags(cx, &name).await?);
    }
    Ok(Some(observed))
}

/// A repository as ECR describes it, with what calls of their own tell.
fn observed(
    repository: Described,
    tags: Tags,
    lifecycle_policy: Option<LifecyclePolicy>,
    repository_policy: Option<PolicyDocument>,
) -> Result<Observed<Repository>> {
    let (Some(arn), Some(name)) = (repository.repository_arn, repository.repository_name) else {
        return Err(Error::absent("name of a repository"));
    };
    let mutability = repository.image_tag_mutability.ok_or_else(|| Error::absent("image tag mutability"))?;
    let filters = repository.image_tag_mutability_exclusion_filters.into_iter().flatten().map(|filter| filter.filter);
    let encryption_configuration = match repository.encryption_configuration {
        Some(encryption) => Encryption {
            encryption_type: EncryptionType::observed(encryption.encryption_type.as_str()),
            kms_key: encryption.kms_key,
        },
        None => Encryption::default(),
    };
    let spec = Repository {
        name: Some(name.clone()),
        image_tag_mutability: ImageTagMutability::observed(mutability.as_str()),
        image_tag_mutability_exclusion_filters: filters.collect(),
        scan_on_push: repository.image_scanning_configuration.is_some_and(|scanning| scanning.scan_on_push),
        encryption_configuration,
        lifecycle_policy,
        repository_policy,
    };
    let uri = repository.repository_uri.ok_or_else(|| Error::absent("URI of a repository"))?;
    let attrs = [("arn".into(), arn), ("name".into(), name.clone()), ("uri".into(), uri)].into();
    Ok(Observed { attrs, ..Observed::new(name, tags, spec) })
}

/// `None`: gone meanwhile.
async fn tags_of(cx: &Context, arn: &str) -> Result<Option<Tags>> {
    match client(cx).list_tags_for_resource().resource_arn(arn).send().await.map_err(Error::from) {
        Ok(answer) => Ok(Some(answer.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The tags of all its images, in order, with spaces between them.
async fn pushed_tags(cx: &Context, name: &str) -> Result<String> {
    let tagged = ListImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let request = client(cx).list_images().repository_name(name).filter(tagged).max_results(1000);
    match request.into_paginator().items().send().try_collect().await.map_err(Error::from) {
        Ok(images) => {
            let tags: BTreeSet<_> = images.into_iter().filter_map(|image| image.image_tag).collect();
            Ok(tags.into_iter().collect::<Vec<_>>().join(" "))
        }
        // Gone meanwhile.
        Err(error) if error.kind == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

async fn lifecycle(cx: &Context, name: &str) -> Result<LifecyclePolicy> {
    match client(cx).get_lifecycle_policy().repository_name(name).send().await.map_err(Error::from) {
        Ok(answer) => {
            let text = answer.lifecycle_policy_text.ok_or_else(|| Error::absent("lifecycle policy"))?;
            LifecyclePolicy::parse(&text).map_err(|error| Error::absent(&format!("readable lifecycle policy: {error}")))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(LifecyclePolicy::none()),
        Err(error) => Err(error),
    }
}

async fn policy(cx: &Context, name: &str) -> Result<PolicyDocument> {
    match client(cx).get_repository_policy().repository_name(name).send().await.map_err(Error::from) {
        Ok(answer) => {
            let text = answer.policy_text.ok_or_else(|| Error::absent("repository policy"))?;
            PolicyDocument::parse(&text).map_err(|error| Error::absent(&format!("readable repository policy: {error}")))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(nothing()),
        Err(error) => Err(error),
    }
}

/// What a repository without a policy has.
fn nothing() -> PolicyDocument {
    Document::from(serde_json::json!({ "Statement": [] })).into()
}

fn states_nothing(policy: &PolicyDocument) -> bool {
    policy.statements().is_some_and(<[_]>::is_empty)
}
