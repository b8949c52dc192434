//! Images in repositories: found by tag or digest.

use aws_sdk_ecr::types::{ImageFailureCode, ImageIdentifier};
use serde::Deserialize;
use up_core::{
    AlreadyDone, Context, Error, Later, Result,
    deploying::{FoundImage, ImageRegistry, ImageRepository},
};

use crate::client;

/// Images in ECR.
#[derive(Debug)]
pub(crate) struct Images;

/// All sorts of manifests: without them, ECR may answer with another one than the tag's own.
const MANIFESTS: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

impl ImageRegistry for Images {
    fn repository_kind(&self) -> (&'static str, &'static str) {
        (<crate::repository::Repository as up_core::Kind>::NAME, "uri")
    }

    fn repository(&self, cx: &Context, image: &str) -> Option<ImageRepository> {
        let (host, path) = image.split_once('/')?;
        let mut parts = host.splitn(6, '.');
        let account = parts.next().filter(|it| it.len() == 12 && it.bytes().all(|byte| byte.is_ascii_digit()))?;
        let is_here = parts.next() == Some("dkr")
            && parts.next() == Some("ecr")
            && parts.next() == Some(cx.region())
            && parts.next() == Some("amazonaws");
        let path = path.split_once('@').map_or(path, |(path, _)| path);
        let name = path.split_once(':').map_or(path, |(name, _)| name);
        let repository =
            || ImageRepository { uri: format!("{host}/{name}"), account: account.to_owned(), name: name.to_owned() };
        is_here.then(repository)
    }

    fn find<'a>(
        &'a self,
        cx: &'a Context,
        repository: &'a ImageRepository,
        reference: &'a str,
    ) -> Later<'a, Option<FoundImage>> {
        Box::pin(find(cx, repository, reference))
    }
}

async fn find(cx: &Context, repository: &ImageRepository, reference: &str) -> Result<Option<FoundImage>> {
    let id = match reference.starts_with("sha256:") {
        true => ImageIdentifier::builder().image_digest(reference),
        false => ImageIdentifier::builder().image_tag(reference),
    };
    let request = client(cx).batch_get_image().registry_id(&repository.account).repository_name(&repository.name);
    let request = request.image_ids(id.build()).set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).into()));
    let Some(answer) = request.send().await.unless_gone()? else { return Ok(None) };
    if let Some(image) = answer.images.into_iter().flatten().next() {
        let digest = image.image_id.and_then(|id| id.image_digest);
        let digest = digest.ok_or_else(|| Error::absent("digest of an image"))?;
        let architectures = image.image_manifest.map(|manifest| architectures(&manifest)).unwrap_or_default();
        return Ok(Some(FoundImage { digest, architectures }));
    }
    match answer.failures.into_iter().flatten().next() {
        None => Ok(None),
        Some(failure) => match failure.failure_code {
            Some(
                ImageFailureCode::ImageNotFound
                | ImageFailureCode::InvalidImageDigest
                | ImageFailureCode::InvalidImageTag
                | ImageFailureCode::ImageTagDoesNotMatchDigest,
            ) => Ok(None),
            code => {
                let code = code.as_ref().map_or("ImageFailure", |code| code.as_str());
                Err(Error::refused(code, failure.failure_reason.unwrap_or_default()))
            }
        },
    }
}

/// The architectures in an index of images. The manifest of a single one does not tell.
fn architectures(manifest: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        platform: Option<Platform>,
    }
    #[derive(Deserialize)]
    struct Platform {
        architecture: String,
    }
    let index: Index = serde_json::from_str(manifest).unwrap_or(Index { manifests: vec![] });
    let platforms = index.manifests.into_iter().filter_map(|entry| entry.platform);
    // Attestations have no architecture.
    platforms.map(|platform| platform.architecture).filter(|it| it != "unknown").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_tells_its_architectures() {
        let index = r#"{ "manifests": [
            { "digest": "sha256:1", "platform": { "architecture": "arm64", "os": "linux" } },
            { "digest": "sha256:2", "platform": { "architecture": "unknown", "os": "unknown" } }, { "digest": "sha256:3" }] }"#;
        assert_eq!(architectures(index), ["arm64"]);
        assert!(architectures(r#"{ "config": {}, "layers": [] }"#).is_empty() && architectures("no json").is_empty());
    }
}
