//! What has become of deployments.

use anstyle::Style;
use up_engine::{DeployReport, DeployResult, PastDeployment, ServiceHistory, ServiceReport};

use super::{
    style::{ADDED, CHANGED, MOVED, QUIET, REMOVED, STRONG, paint},
    text::safe,
};

/// How many characters of a digest are shown.
const DIGEST: usize = 12;

/// Each service: what became of it, and why.
pub(crate) fn deployed(report: &DeployReport) -> String {
    report.services.iter().map(service).collect::<Vec<_>>().join("\n")
}

fn service(report: &ServiceReport) -> String {
    let revision = report.revision.as_deref().map_or("the revision".to_owned(), safe);
    let back = report.rolled_back_to.as_deref().map(|back| format!(" to {}", number(back))).unwrap_or_default();
    let (style, what) = match report.result {
        DeployResult::Deployed => (ADDED, format!("deployed {revision}")),
        DeployResult::Unchanged => (ADDED, format!("{revision} runs these images already")),
        DeployResult::Registered => {
            (CHANGED, format!("registered {revision}; the service is to run no tasks: nothing is proven"))
        }
        DeployResult::Started => (MOVED, format!("the deployment of {revision} is under way")),
        DeployResult::RolledBack => (REMOVED, format!("{revision} failed: rolled back{back}")),
        DeployResult::RollbackFailed => (REMOVED, format!("{revision} failed, and AWS could not roll back")),
        DeployResult::Stopped => (REMOVED, format!("{revision} failed: stopped, and not rolled back")),
        DeployResult::Superseded => {
            let by = report.superseded_by.as_deref().map_or("another revision".to_owned(), safe);
            (REMOVED, format!("{revision} was superseded by a newer deployment, of {by}"))
        }
        DeployResult::Paused => (CHANGED, format!("the deployment of {revision} is paused")),
        DeployResult::TimedOut => (REMOVED, format!("the deployment of {revision} has not ended in time: it goes on")),
    };
    let mut lines = vec![format!("{}: {}", paint(STRONG, &report.service), paint(style, what))];
    lines.extend(report.images.iter().map(|(name, image)| format!("  {}  {}", safe(name), shortened(image))));
    lines.extend(report.previous.as_ref().map(|previous| paint(QUIET, format_args!("  before: {}", safe(previous)))));
    if !report.result.is_good() {
        lines.extend(reasons(report));
    }
    lines.join("\n")
}

/// `:41` of `orders:41`.
fn number(revision: &str) -> String {
    revision.rfind(':').map_or_else(|| safe(revision), |at| safe(&revision[at..]))
}

fn reasons(report: &ServiceReport) -> Vec<String> {
    let mut lines = vec![];
    lines.extend(report.reason.as_ref().map(|reason| format!("  AWS says: {}", safe(reason))));
    lines.extend(report.stage.as_ref().map(|stage| format!("  stage: {}", safe(stage))));
    for failure in &report.failures {
        let container = failure.container.as_ref().map(|name| format!(", container {}", safe(name)));
        let code = failure.exit_code.map(|code| format!(", exit code {code}"));
        let why = failure.container_reason.as_ref().map(|why| format!(": {}", safe(why)));
        let more = [container, code, why].into_iter().flatten().collect::<String>();
        lines.push(format!("  task stopped: {}{more}", safe(&failure.reason)));
    }
    lines.extend(report.health.iter().map(|reason| format!("  target health: {}", safe(reason))));
    lines.extend(report.alarms.iter().map(|alarm| format!("  alarm: {}", safe(alarm))));
    if let Some(pause) = &report.paused {
        let until = pause.expires.map(|at| format!(" until {at:.0}")).unwrap_or_default();
        lines.push(format!("  paused{until}: `bullstra-up deploy continue` lets it go on"));
    }
    if let Some(log) = &report.log {
        lines.push(paint(QUIET, format_args!("  {} {}", safe(&log.group), safe(&log.stream))));
        lines.extend(log.lines.iter().map(|line| format!("    {}", safe(line))));
    }
    lines
}

/// An image with the beginning of its digest.
fn shortened(image: &str) -> String {
    match image.split_once("@sha256:") {
        Some((repository, digest)) if digest.len() > DIGEST && digest.is_ascii() => {
            format!("{}@sha256:{}…", safe(repository), safe(&digest[..DIGEST]))
        }
        _ => safe(image),
    }
}

/// The deployments of each service, the newest first.
pub(crate) fn deployments(stack: &str, all: &[ServiceHistory]) -> String {
    if all.is_empty() {
        return format!("The stack {} has no services.", safe(stack));
    }
    let one = |service: &ServiceHistory| {
        let mut lines = vec![paint(STRONG, &service.service)];
        lines.extend(service.deployments.iter().flat_map(deployment));
        if service.deployments.is_empty() {
            lines.push("  AWS knows of no deployment".to_owned());
        }
        lines.join("\n")
    };
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn deployment(past: &PastDeployment) -> Vec<String> {
    let at = past.created.map(|at| format!("{at:.0}")).unwrap_or_default();
    let revision = past.revision.as_deref().map_or("?".to_owned(), safe);
    let status = paint(style(past), safe(&past.status));
    let images = past.images.iter().map(|(name, image)| format!("{} {}", safe(name), shortened(image)));
    let mut lines = vec![format!("  {at}  {revision}  {status}  {}", images.collect::<Vec<_>>().join(", "))];
    let reason = past.reason.as_ref().filter(|_| past.status != "SUCCESSFUL");
    lines.extend(reason.map(|reason| paint(QUIET, format_args!("      {}", safe(reason)))));
    lines
}

fn style(past: &PastDeployment) -> Style {
    match past.status.as_str() {
        "SUCCESSFUL" => ADDED,
        _ if past.running => CHANGED,
        _ => REMOVED,
    }
}
