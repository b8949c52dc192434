//! What is to be done for a service: nothing, watch what is under way, or begin.

use std::time::{Duration, SystemTime};

use up_core::deploying::{DeployedImage, DeployedService, Deployment, DeploymentPhase};

use super::Images;

/// What is to be done for a service.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// The images run already; with the deployment that brought them, if it is known.
    Nothing(Option<Deployment>),
    /// A deployment of the images is under way.
    Watch(Deployment),
    /// An earlier run of this command was cut off while it watched this deployment, which has ended since.
    Tell(Deployment),
    /// The service names the images, and its deployment is not listed yet.
    Await,
    /// Another deployment is under way.
    Busy(Deployment),
    /// A deployment is to begin. `force` where the service names the revision already, and its deployment has failed.
    Begin { force: bool },
}

/// How far the clocks of AWS and of this machine may be apart.
const SKEW: Duration = Duration::from_secs(60);

/// `deployments` are the service's, the newest first. `interrupted` is when an earlier run of this command began that did not end.
pub(super) fn decide(
    service: &DeployedService,
    images: &Images,
    deployments: &[Deployment],
    interrupted: Option<SystemTime>,
) -> Action {
    let newest = deployments.first();
    let deploys = |deployment: &Deployment| {
        images.iter().all(|(name, image)| deployment.images.get(name).is_some_and(|it| is_same(it, image)))
    };
    match newest {
        Some(newest) if !newest.phase.is_over() && deploys(newest) => return Action::Watch(newest.clone()),
        Some(newest) if !newest.phase.is_over() => return Action::Busy(newest.clone()),
        _ => {}
    }
    let is_cut_off = |newest: &&Deployment| {
        let began = interrupted.and_then(|began| began.checked_sub(SKEW));
        deploys(newest) && began.is_some_and(|began| newest.created.is_some_and(|created| created >= began))
    };
    let runs = |(name, image): (&String, &String)| {
        service.containers.iter().any(|container| container.name == *name && container.image == *image)
    };
    let is_named = images.iter().all(runs);
    let has_failed = newest.is_some_and(|newest| newest.phase != DeploymentPhase::Successful && deploys(newest));
    match newest.filter(is_cut_off) {
        Some(ended) if has_failed => Action::Tell(ended.clone()),
        // After a rollback, the newest deployment is not of what runs.
        _ if is_named && newest.is_some_and(|it| it.phase == DeploymentPhase::Successful && !deploys(it)) => {
            Action::Await
        }
        _ if is_named && !has_failed => Action::Nothing(newest.filter(|newest| deploys(newest)).cloned()),
        _ => Action::Begin { force: is_named },
    }
}

/// True if it was deployed as `image`, which has a digest.
fn is_same(deployed: &DeployedImage, image: &str) -> bool {
    let is_digest = || deployed.digest.as_ref().is_some_and(|digest| image.ends_with(digest.as_str()));
    let repository = |image: &str| image.split(['@', ':']).next().map(str::to_owned);
    deployed.image == image || (is_digest() && repository(&deployed.image) == repository(image))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use up_core::deploying::DeployedContainer;

    use super::*;

    const OLD: &str = "repo@sha256:01";
    const NEW: &str = "repo@sha256:02";

    fn service(image: &str) -> DeployedService {
        let container = DeployedContainer { name: "web".into(), image: image.into(), log: None };
        DeployedService {
            id: "arn".into(),
            name: "web".into(),
            desired_count: 1,
            definition: "web:1".into(),
            containers: vec![container],
            architecture: "amd64".into(),
            events: vec![],
        }
    }

    fn deployment(image: &str, phase: DeploymentPhase, at: u64) -> Deployment {
        let image = DeployedImage { image: image.into(), digest: None };
        Deployment {
            id: format!("d{at}"),
            phase,
            status: String::new(),
            reason: None,
            definition: None,
            images: [("web".to_owned(), image)].into(),
            created: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at)),
            finished: None,
            tasks: None,
            failed_tasks: 0,
            rolled_back_to: None,
            stage: None,
            alarms: vec![],
            paused: None,
        }
    }

    fn decided(runs: &str, newest: Option<(&str, DeploymentPhase)>, interrupted: Option<u64>) -> String {
        let images: Images = BTreeMap::from([("web".to_owned(), NEW.to_owned())]);
        let newest: Vec<_> = newest.into_iter().map(|(image, phase)| deployment(image, phase, 1000)).collect();
        let interrupted = interrupted.map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
        match decide(&service(runs), &images, &newest, interrupted) {
            Action::Nothing(deployment) => format!("nothing {}", deployment.is_some()),
            Action::Watch(_) => "watch".into(),
            Action::Tell(_) => "tell".into(),
            Action::Await => "await".into(),
            Action::Busy(_) => "busy".into(),
            Action::Begin { force } => format!("begin {force}"),
        }
    }

    #[test]
    fn what_is_under_way_is_watched_and_never_begun_again() {
        use DeploymentPhase::{RolledBack, RollingBack, Running, Stopped, Successful};
        assert_eq!(decided(OLD, Some((OLD, Successful)), None), "begin false");
        assert_eq!(decided(OLD, None, None), "begin false");
        assert_eq!(decided(NEW, Some((NEW, Running)), None), "watch");
        assert_eq!(decided(OLD, Some((NEW, RollingBack)), None), "watch");
        assert_eq!(decided(NEW, Some((NEW, Successful)), None), "nothing true");
        assert_eq!(decided(NEW, None, None), "nothing false");
        assert_eq!(decided(NEW, Some((OLD, RolledBack)), None), "nothing false");
        assert_eq!(decided(NEW, Some((OLD, Successful)), Some(990)), "await");
        assert_eq!(decided("repo:9", Some(("repo:9", Running)), None), "busy");
        // A deployment that failed is begun again, unless nobody has told of its failure.
        assert_eq!(decided(OLD, Some((NEW, RolledBack)), None), "begin false");
        assert_eq!(decided(NEW, Some((NEW, Stopped)), None), "begin true");
        assert_eq!(decided(OLD, Some((NEW, RolledBack)), Some(990)), "tell");
        assert_eq!(decided(OLD, Some((NEW, RolledBack)), Some(2000)), "begin false");
        assert_eq!(decided(NEW, Some((NEW, Successful)), Some(990)), "nothing true");
    }

    #[test]
    fn an_image_is_the_same_by_its_digest() {
        let deployed = |image: &str, digest: Option<&str>| DeployedImage {
            image: image.to_owned(),
            digest: digest.map(str::to_owned),
        };
        assert!(is_same(&deployed("repo:v2", Some("sha256:02")), NEW));
        assert!(!is_same(&deployed("other:v2", Some("sha256:02")), NEW));
        assert!(!is_same(&deployed("repo:v2", None), NEW));
    }
}
