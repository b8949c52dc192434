//! Looks at deployments, and stops, continues and takes back.
//!
//! None of these takes the stack's lock: a run of `deploy` that watches may hold it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use up_core::{
    Address, Query,
    deploying::{Deployer, Deployment, DeploymentPhase},
};
use up_stack::Stack;

use super::{
    Change, DeployOptions, DeployReport, Images, ServiceReport, names, refused,
    report::{DEPLOY_FORMAT, DeployResult, Ended, at},
    run::built_in,
    short_revision,
    watch::Watched,
};
use crate::{Engine, Failure, Reason, Session, SessionOptions, StackTarget};

/// How many deployments are looked through for one to go back to.
const PAST: usize = 50;

/// The deployments of a service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceHistory {
    /// Its address.
    pub service: Address,
    /// The newest first.
    pub deployments: Vec<PastDeployment>,
}

/// A deployment, under way or over.
#[derive(Debug, Clone, Serialize)]
pub struct PastDeployment {
    /// The ARN of the service deployment.
    pub deployment: String,
    /// Its status in AWS's word.
    pub status: String,
    /// True while it is under way.
    pub running: bool,
    /// AWS's reason.
    pub reason: Option<String>,
    /// The revision that it deploys, such as `orders:42`.
    pub revision: Option<String>,
    /// The images by container.
    pub images: BTreeMap<String, String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl Engine {
    /// The last deployments of the named services, or of all.
    ///
    /// # Errors
    /// When a service does not exist, or AWS cannot be read.
    pub async fn deployments(
        &self,
        stack: &Stack,
        services: &[String],
        session: &SessionOptions,
        limit: usize,
    ) -> Result<Vec<ServiceHistory>, Failure> {
        let deployer = built_in()?;
        let addresses = addresses(stack, services)?;
        let session = self.open(&StackTarget::of(stack), session).await?;
        self.guarded(async {
            let live = session.live_services(deployer).await?;
            let mut all = vec![];
            for address in addresses {
                // One that is not applied yet has none.
                let listed = match live.get(&address) {
                    Some(arn) => session.listed(deployer, arn, limit).await?,
                    None if services.is_empty() => continue,
                    None => return Err(missing(&address)),
                };
                let deployments = listed.into_iter().map(|it| self.past(it)).collect();
                all.push(ServiceHistory { service: address, deployments });
            }
            Ok(all)
        })
        .await
    }

    fn past(&self, deployment: Deployment) -> PastDeployment {
        PastDeployment {
            running: !deployment.phase.is_over(),
            deployment: deployment.id,
            status: deployment.status,
            reason: deployment.reason.map(|reason| self.secrets.masked(&reason).into_owned()),
            revision: deployment.definition.as_deref().map(short_revision).map(str::to_owned),
            images: deployment.images.into_iter().map(|(name, it)| (name, with_digest(&it.image, it.digest))).collect(),
            created: deployment.created.and_then(at),
            finished: deployment.finished.and_then(at),
        }
    }

    /// Stops the deployments that are under way, and watches how AWS goes back. Services without one are left out.
    ///
    /// # Errors
    /// When none is under way, or AWS refuses.
    pub async fn abort(
        &self,
        stack: &Stack,
        services: &[String],
        session: &SessionOptions,
        options: &DeployOptions,
    ) -> Result<DeployReport, Failure> {
        self.steer(stack, services, session, options, Steering::Stop).await
    }

    /// Lets deployments that are paused go on, or go back.
    ///
    /// # Errors
    /// When none is paused, or AWS refuses.
    pub async fn resume(
        &self,
        stack: &Stack,
        services: &[String],
        session: &SessionOptions,
        options: &DeployOptions,
        back: bool,
    ) -> Result<DeployReport, Failure> {
        self.steer(stack, services, session, options, if back { Steering::GoBack } else { Steering::GoOn }).await
    }

    async fn steer(
        &self,
        stack: &Stack,
        services: &[String],
        session: &SessionOptions,
        options: &DeployOptions,
        how: Steering,
    ) -> Result<DeployReport, Failure> {
        let begun = std::time::Instant::now();
        let deployer = built_in()?;
        let addresses = addresses(stack, services)?;
        let session = self.open(&StackTarget::of(stack), session).await?;
        let work = self.guarded(session.steer(deployer, addresses, options, how));
        let services = work.await?;
        if services.is_empty() {
            let failure = Failure::new(Reason::Input, format!("no deployment of `{}` is {}", stack.name, how.wanted()));
            return Err(failure.hint("`bullstra-up deploy status` shows the newest ones"));
        }
        let (account, region) = (session.cx.account().to_owned(), session.cx.region().to_owned());
        let seconds = begun.elapsed().as_secs_f64();
        Ok(DeployReport { format: DEPLOY_FORMAT, stack: stack.name.clone(), account, region, services, seconds })
    }

    /// The changes that bring back what ran before: `to` a revision (`41`) or a digest, by default the last deployment that was
    /// successful and had other images. `None` while a deployment is under way: that is to be stopped instead.
    ///
    /// # Errors
    /// When there is nothing to go back to.
    pub async fn earlier(
        &self,
        stack: &Stack,
        service: &str,
        to: Option<&str>,
        session: &SessionOptions,
    ) -> Result<Option<Vec<Change>>, Failure> {
        let deployer = built_in()?;
        let address = names::service_named(stack, service)?;
        let session = self.open(&StackTarget::of(stack), session).await?;
        self.guarded(async {
            let live = session.live_services(deployer).await?;
            let arn = live.get(&address).ok_or_else(|| missing(&address))?;
            let listed = session.listed(deployer, arn, PAST).await?;
            if to.is_none() && listed.first().is_some_and(|newest| !newest.phase.is_over()) {
                return Ok(None);
            }
            let now = deployer.service(&session.cx, arn).await;
            let now = now.map_err(|error| refused(&format!("to read {address}"), &error))?;
            let running: Images = now.containers.into_iter().map(|it| (it.name, it.image)).collect();
            let is_meant = |deployment: &&Deployment| match to {
                Some(to) => names_it(deployment, to),
                None => deployment.phase == DeploymentPhase::Successful,
            };
            let changes = listed.iter().filter(is_meant).map(|deployment| {
                let images = deployment.images.iter();
                let images = images.map(|(name, it)| (name.clone(), with_digest(&it.image, it.digest.clone())));
                let other = images.filter(|(name, image)| running.get(name).is_some_and(|running| running != image));
                let change =
                    |(container, image)| Change { service: address.to_string(), container: Some(container), image };
                other.map(change).collect::<Vec<_>>()
            });
            let found = changes.into_iter().find(|changes| !changes.is_empty());
            found.map(Some).ok_or_else(|| nothing_earlier(&address, to))
        })
        .await
    }
}

/// What is done with deployments that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steering {
    Stop,
    GoOn,
    GoBack,
}

impl Steering {
    fn wanted(self) -> &'static str {
        if self == Self::Stop { "under way" } else { "paused" }
    }
}

impl Session {
    /// The ARNs of the stack's services.
    async fn live_services(&self, deployer: &dyn Deployer) -> Result<BTreeMap<Address, String>, Failure> {
        let index = up_kinds::index(&self.cx, Some(&self.stack)).await;
        let index = index.map_err(|error| refused("to list the stack's resources", &error))?;
        let name = deployer.service_kind();
        let known = self.past()?.snapshot.and_then(|snapshot| snapshot.ids.get(name).cloned()).unwrap_or_default();
        let query =
            Query { stack: self.stack.clone(), index: Arc::new(index), known: Arc::new(known), ..Query::default() };
        let Some(kind) = up_kinds::find(name) else { return Ok(BTreeMap::new()) };
        let found = kind.observe(&self.cx, &query).await;
        let found = found.map_err(|error| refused(&format!("to read {name}"), &error))?;
        Ok(found.into_iter().filter_map(|it| Some((it.address(&self.stack)?, it.id))).collect())
    }

    async fn listed(&self, deployer: &dyn Deployer, arn: &str, limit: usize) -> Result<Vec<Deployment>, Failure> {
        let listed = deployer.deployments(&self.cx, arn, limit).await;
        listed.map_err(|error| refused("to list the deployments of a service", &error))
    }

    async fn steer(
        &self,
        deployer: &dyn Deployer,
        addresses: Vec<Address>,
        options: &DeployOptions,
        how: Steering,
    ) -> Result<Vec<ServiceReport>, Failure> {
        let live = self.live_services(deployer).await?;
        let mut meant = vec![];
        for address in addresses {
            let Some(arn) = live.get(&address) else { continue };
            let newest = self.listed(deployer, arn, 1).await?.into_iter().find(|newest| !newest.phase.is_over());
            let Some(newest) = newest else { continue };
            let answer = if how == Steering::Stop {
                deployer.stop(&self.cx, &newest.id).await
            } else {
                let seen = deployer.watch(&self.cx, std::slice::from_ref(&newest.id)).await;
                let seen = seen.map_err(|error| refused("to look at the deployments", &error))?;
                let Some(pause) = seen.into_iter().find_map(|it| it.paused) else { continue };
                deployer.resume(&self.cx, &newest.id, &pause.hook, how == Steering::GoBack).await
            };
            answer.map_err(|error| refused(&format!("to steer the deployment of {address}"), &error))?;
            let service = deployer.service(&self.cx, arn).await;
            let service = service.map_err(|error| refused(&format!("to read {address}"), &error))?;
            meant.push((address, service, newest));
        }
        let watched = meant.iter().map(|(address, service, newest)| {
            let definition = newest.definition.clone().unwrap_or_default();
            Watched { found: Some(newest.clone()), ..Watched::new(address.to_string(), &service.id, definition) }
        });
        let mut watched: Vec<_> = watched.collect();
        self.watch(deployer, &mut watched, if options.detach { Default::default() } else { options.timeout }).await?;
        let mut reports = vec![];
        for ((address, service, newest), watched) in meant.iter().zip(&watched) {
            let phase = watched.found.as_ref().map_or(newest.phase, |found| found.phase);
            let result = match phase {
                DeploymentPhase::Successful => DeployResult::Deployed,
                DeploymentPhase::RolledBack => DeployResult::RolledBack,
                DeploymentPhase::RollbackFailed => DeployResult::RollbackFailed,
                DeploymentPhase::Stopped => DeployResult::Stopped,
                _ if options.detach => DeployResult::Started,
                DeploymentPhase::Running | DeploymentPhase::RollingBack => DeployResult::TimedOut,
            };
            let images = newest.images.iter().map(|(name, it)| (name.clone(), it.image.clone())).collect();
            let ended = Ended {
                address,
                service,
                images: &images,
                definition: &watched.definition,
                previous: None,
                deployment: watched.found.as_ref(),
                superseded_by: watched.superseded_by.as_deref(),
                result,
            };
            reports.push(self.report(ended).await);
        }
        Ok(reports)
    }
}

fn addresses(stack: &Stack, services: &[String]) -> Result<Vec<Address>, Failure> {
    match services {
        [] => Ok(names::services(stack).map(|declared| declared.address.clone()).collect()),
        named => named.iter().map(|name| names::service_named(stack, name)).collect(),
    }
}

fn missing(address: &Address) -> Failure {
    Failure::new(Reason::Input, format!("{address} does not exist")).hint("`bullstra-up apply` creates it")
}

fn nothing_earlier(address: &Address, to: Option<&str>) -> Failure {
    let message = match to {
        Some(to) => format!("no deployment of {address} with other images than now is of `{to}`"),
        None => format!("{address} has no earlier deployment that was successful and had other images"),
    };
    Failure::new(Reason::Input, message).hint("`bullstra-up deploy history` shows what AWS remembers: 90 days")
}

/// The image by its digest, if that is known.
fn with_digest(image: &str, digest: Option<String>) -> String {
    let Some(digest) = digest.filter(|_| !image.contains('@')) else { return image.to_owned() };
    let tag = image.rfind(':').filter(|at| !image[*at..].contains('/'));
    format!("{}@{digest}", tag.map_or(image, |at| &image[..at]))
}

/// True if `to` is the deployment's revision (`41`, `:41`, `orders:41`) or the digest of one of its images.
fn names_it(deployment: &Deployment, to: &str) -> bool {
    let revision = deployment.definition.as_deref().map(short_revision).unwrap_or_default();
    let number = revision.rsplit(':').next().unwrap_or_default();
    let digest = to.strip_prefix('@').unwrap_or(to);
    let is_digest = |image: &up_core::deploying::DeployedImage| {
        digest.starts_with("sha256:") && (image.image.ends_with(digest) || image.digest.as_deref() == Some(digest))
    };
    to == revision || to.trim_start_matches(':') == number || deployment.images.values().any(is_digest)
}
