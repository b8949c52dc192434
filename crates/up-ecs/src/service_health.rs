//! How a service is: what its deployments say, and what mends one that failed.

use std::time::{Duration, SystemTime};

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use up_core::{Error, Impairment, Result, Status};

/// For how long a deployment that failed still counts that ECS has rolled back and no longer lists: longer than it takes
/// to roll back, so that the run whose deployment it was sees it.
const LATELY: Duration = Duration::from_secs(15 * 60);

/// The deployment that ECS wants, or has gone back to.
pub(crate) fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|it| it.status.as_deref() == Some("PRIMARY"))
}

/// `None` where it is gone. A service is never deleted because a deployment of it has failed: another UpdateService mends
/// it, or ECS has rolled back already.
pub(crate) fn status(service: &Service) -> Result<Option<Status>> {
    match service.status.as_deref() {
        Some("ACTIVE") => {}
        Some("DRAINING") => return Ok(Some(Status::Deleting("DRAINING".into()))),
        Some("INACTIVE") => return Ok(None),
        // A word of AWS's that is newer than this program.
        Some(word) => return Ok(Some(Status::Pending(word.into()))),
        // Taken for gone, it would be made a second time.
        None => return Err(Error::absent("status of a service")),
    }
    let primary = primary(service);
    let state = primary.and_then(|primary| primary.rollout_state.as_ref());
    let counts = format!("{} of {} tasks run", service.running_count, service.desired_count);
    Ok(Some(match (state, primary) {
        (Some(DeploymentRolloutState::Failed), Some(failed)) => Impairment::repairable(
            format!("the deployment failed: {}", reason(failed)),
            "an apply starts it again; mend what stops its tasks first: see the service's events and its stopped tasks",
        ),
        (Some(DeploymentRolloutState::InProgress), _) => Status::Pending(counts),
        (Some(DeploymentRolloutState::Completed), Some(primary)) => {
            rolled_back(service, primary).unwrap_or(Status::Ready)
        }
        // Deployments of other controllers have no such state, and ECS may come to know others.
        _ if service.running_count == service.desired_count => Status::Ready,
        _ => Status::Pending(counts),
    }))
}

fn reason(deployment: &Deployment) -> &str {
    deployment.rollout_state_reason.as_deref().unwrap_or("ECS gives no reason")
}

/// A deployment that began after the primary one and has failed: ECS went back from it. It is listed until its tasks have
/// stopped, and the service's events tell of it after that.
fn rolled_back(service: &Service, primary: &Deployment) -> Option<Status> {
    let is_later = |at: Option<&aws_sdk_ecs::primitives::DateTime>| at > primary.created_at.as_ref();
    let listed = service
        .deployments()
        .iter()
        .find(|it| it.rollout_state == Some(DeploymentRolloutState::Failed) && is_later(it.created_at.as_ref()));
    let told = service.events().iter().find(|event| {
        let is_failure = event.message.as_deref().is_some_and(|message| message.contains(") deployment failed"));
        is_failure && is_later(event.created_at.as_ref()) && event.created_at.as_ref().is_some_and(is_recent)
    });
    let why = listed.map(reason).or_else(|| told?.message.as_deref())?;
    Some(Impairment::explained(
        format!("the last deployment failed: {why}; ECS went back to the one before"),
        "mend the task definition or the image, then apply again",
    ))
}

fn is_recent(at: &aws_sdk_ecs::primitives::DateTime) -> bool {
    let at = SystemTime::try_from(*at).ok();
    at.is_some_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < LATELY))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::{primitives::DateTime, types::ServiceEvent};

    use super::*;

    fn deployment(status: &str, state: DeploymentRolloutState, at: i64) -> Deployment {
        let deployment = Deployment::builder().status(status).created_at(DateTime::from_secs(at));
        deployment.rollout_state(state).rollout_state_reason("tasks failed to start.").build()
    }

    fn service(deployments: Vec<Deployment>) -> Service {
        Service::builder().status("ACTIVE").set_deployments(Some(deployments)).build()
    }

    #[test]
    fn a_failed_deployment_is_no_reason_to_replace_its_service() {
        let failed = status(&service(vec![deployment("PRIMARY", DeploymentRolloutState::Failed, 1)]));
        let Ok(Some(Status::Impaired(trouble))) = failed else { panic!("{failed:?}") };
        assert!(trouble.repair && trouble.why.contains("tasks failed to start."), "{trouble:?}");
    }

    #[test]
    fn what_is_rolled_back_is_explained() {
        let primary = deployment("PRIMARY", DeploymentRolloutState::Completed, 10);
        let after = deployment("ACTIVE", DeploymentRolloutState::Failed, 20);
        let Ok(Some(Status::Impaired(trouble))) = status(&service(vec![primary.clone(), after])) else { panic!() };
        assert!(!trouble.repair);
        let before = deployment("ACTIVE", DeploymentRolloutState::Failed, 5);
        assert_eq!(status(&service(vec![primary, before])).unwrap(), Some(Status::Ready), "it was mended since");
    }

    #[test]
    fn events_tell_for_a_while_of_what_is_no_longer_listed() {
        let now = SystemTime::now();
        let at = |ago: u64| DateTime::from(now - Duration::from_secs(ago));
        let failed = "(service orders) (deployment ecs-svc/1) deployment failed: tasks failed to start.";
        let after = |ago: u64| {
            let primary = deployment("PRIMARY", DeploymentRolloutState::Completed, 10);
            let event = ServiceEvent::builder().message(failed).created_at(at(ago)).build();
            Service::builder().status("ACTIVE").deployments(primary).events(event).build()
        };
        assert!(matches!(status(&after(60)), Ok(Some(Status::Impaired(_)))));
        assert_eq!(status(&after(3600)).unwrap(), Some(Status::Ready));
    }

    /// Whatever ECS says, or comes to say, nothing is planned to be deleted for it but what ECS deletes itself.
    #[test]
    fn no_state_leads_to_a_delete() {
        let states = DeploymentRolloutState::values().iter().map(|word| DeploymentRolloutState::from(*word));
        for state in states.chain([DeploymentRolloutState::from("NEW_WORD")]) {
            let found = status(&service(vec![deployment("PRIMARY", state.clone(), 1)])).unwrap();
            assert!(!matches!(found, None | Some(Status::Failed(_) | Status::Deleting(_))), "{state:?}: {found:?}");
        }
        let odd = Service::builder().status("NEW_WORD").build();
        assert_eq!(status(&odd).unwrap(), Some(Status::Pending("NEW_WORD".into())));
    }
}
