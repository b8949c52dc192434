//! Which image a tag or a digest means, and whether it can be deployed.

use up_core::{Context, deploying::DeployedService};

use super::{Images, names::Target, refused, repository};
use crate::{Engine, Failure, Level, Reason};

impl Engine {
    /// The images of a target by container, each with the digest that its tag has now.
    ///
    /// The repository is that of the image that the file declares, or that runs, if it is one of AWS's; else `own`, a repository
    /// of the stack.
    pub(super) async fn images(
        &self,
        cx: &Context,
        target: &Target,
        service: &DeployedService,
        declared: &(dyn Fn(&str) -> Option<String> + Sync),
        own: Option<&str>,
        is_deployed: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Images, Failure> {
        let mut images = Images::new();
        for (container, wanted) in &target.images {
            let name = container_of(target, service, container.as_deref(), is_deployed)?;
            let running = service.containers.iter().find(|it| it.name == name).map(|it| it.image.clone());
            let sources = [declared(&name), running.clone(), own.map(str::to_owned)].into_iter().flatten();
            let mut of_aws = sources.filter(|image| repository(cx, image).is_some());
            let from = of_aws.next().or(running).unwrap_or_default();
            let image = self.image(cx, &from, wanted, &service.architecture).await?;
            images.insert(name, image);
        }
        Ok(images)
    }

    /// An image with its digest. `from` says the repository where `wanted` does not.
    async fn image(&self, cx: &Context, from: &str, wanted: &str, architecture: &str) -> Result<String, Failure> {
        let (base, reference) = parted(from, wanted);
        let Some((registry, repository)) = repository(cx, &base) else {
            if reference.starts_with("sha256:") {
                let message =
                    format!("{base} is not in ECR in {}: nobody has checked that the image exists", cx.region());
                self.message(Level::Warning, &message);
                return Ok(format!("{base}@{reference}"));
            }
            let message = format!("only ECR in {} tells the digest of a tag, and `{base}` is not there", cx.region());
            let hint = "name the image in full (`service=ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG`), or its digest \
                        (`service=@sha256:…`)";
            return Err(Failure::new(Reason::Input, message).hint(hint));
        };
        let found = registry.find(cx, &repository, &reference).await;
        let found = found.map_err(|error| refused(&format!("to look for an image in {}", repository.uri), &error))?;
        let Some(found) = found else {
            let message = format!("{} has no image `{reference}`", repository.uri);
            return Err(Failure::new(Reason::Input, message).hint("push it first, then run the same command again"));
        };
        if !found.architectures.is_empty() && !found.architectures.iter().any(|it| it == architecture) {
            let message = format!(
                "the image `{reference}` is built for {}, and the tasks need {architecture}",
                found.architectures.join(", ")
            );
            let hint =
                "build it for that platform too (`docker buildx build --platform`), or change `runtime_platform`";
            return Err(Failure::new(Reason::Input, message).hint(hint));
        }
        Ok(format!("{}@{}", repository.uri, found.digest))
    }
}

/// The repository, and the tag or digest there.
fn parted(from: &str, wanted: &str) -> (String, String) {
    let base = |image: &str| {
        let image = image.split_once('@').map_or(image, |(image, _)| image);
        // A colon before the last slash is that of a port.
        let tag = image.rfind(':').filter(|at| image[*at..].find('/').is_none());
        tag.map_or(image, |at| &image[..at]).to_owned()
    };
    match wanted.strip_prefix('@').unwrap_or(wanted) {
        digest if digest.starts_with("sha256:") => (base(from), digest.to_owned()),
        image if image.contains('/') => {
            let base = base(image);
            let reference = image[base.len()..].trim_start_matches([':', '@']);
            // A tag before the digest says nothing more.
            let reference = reference.split_once('@').map_or(reference, |(_, digest)| digest);
            let reference = if reference.is_empty() { "latest" } else { reference }.to_owned();
            (base, reference)
        }
        tag => (base(from), tag.to_owned()),
    }
}

/// The container that is meant.
fn container_of(
    target: &Target,
    service: &DeployedService,
    named: Option<&str>,
    is_deployed: &dyn Fn(&str) -> bool,
) -> Result<String, Failure> {
    let names: Vec<_> = service.containers.iter().map(|container| container.name.as_str()).collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(named) = named {
        let failure = || {
            let message = format!("{} has no container `{named}`", target.address);
            Failure::new(Reason::Input, message).hint(format!("it has {listed}"))
        };
        return names.iter().find(|name| **name == named).map(|name| (*name).to_owned()).ok_or_else(failure);
    }
    let deployed: Vec<_> = names.iter().filter(|name| is_deployed(name)).collect();
    match (&names[..], &deployed[..]) {
        ([sole], _) => Ok((*sole).to_owned()),
        (_, [sole]) => Ok((**sole).to_owned()),
        _ => {
            let message = format!("{} has several containers: {listed}", target.address);
            Err(Failure::new(Reason::Input, message).hint("say which: `service#container=TAG`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart() {
        let from = "1.dkr.ecr.x.amazonaws.com/shop/orders@sha256:ab";
        let repository = "1.dkr.ecr.x.amazonaws.com/shop/orders";
        let parted = |wanted: &str| {
            let (base, reference) = parted(from, wanted);
            format!("{base} {reference}")
        };
        assert_eq!(parted("v2"), format!("{repository} v2"));
        assert_eq!(parted("@sha256:cd"), format!("{repository} sha256:cd"));
        assert_eq!(parted("sha256:cd"), format!("{repository} sha256:cd"));
        assert_eq!(parted("host:5000/app"), "host:5000/app latest");
        assert_eq!(parted("host:5000/app:v3"), "host:5000/app v3");
        assert_eq!(parted("host/app:v3@sha256:ef"), "host/app sha256:ef");
    }
}
