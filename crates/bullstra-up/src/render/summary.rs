//! The summary of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use up_apply::Outcome;
use up_core::{Address, Error, ErrorKind};
use up_engine::Level;
use up_plan::{Action, Plan, Step};

use super::{
    calls::ApiCalls,
    failures::{failed_step, failures},
    notices::{notices, remaining},
    style::{ADDED, REMOVED, STRONG, message, paint},
    text::{count, safe, took},
    verb::VerbForms,
};

/// Failures with their reasons, steps not reached, notices, changes done, elapsed time, and API calls.
pub(crate) fn summary(plan: &Plan, outcome: &Outcome, elapsed: Duration, calls: &ApiCalls) -> String {
    let mut lines = failures(plan, outcome);
    lines.extend(not_reached(plan, outcome));
    lines.extend(without_replacement(plan, outcome));
    let remaining = remaining(plan, outcome);
    lines.extend(notices(remaining.iter().map(|it| (&it.address, it.message.as_str()))));
    let is_whole = outcome.failed.is_empty() && outcome.skipped.is_empty();
    let word = if is_whole { paint(ADDED.bold(), "Done") } else { paint(REMOVED.bold(), "Not done") };
    lines.push(format!("{word} after {}: {}.", took(elapsed), done(outcome)));
    lines.push(api_calls(calls));
    if let Some(error) = lost_access(outcome) {
        let why = if error.is_expired() { "the credentials expired" } else { "the credentials are no longer valid" };
        lines.push(message(Level::Hint, &format!("{why}: sign in again and run the same command again")));
    } else if !is_whole {
        lines.push(message(Level::Hint, "run the same command again to continue from here"));
    }
    lines.join("\n")
}

/// The steps that were not begun, by the step that they waited for.
fn not_reached(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut causes: BTreeMap<Option<&Address>, Vec<&Step>> = BTreeMap::new();
    let failed: BTreeSet<_> =
        outcome.failed.iter().filter_map(|(address, _)| Some(failed_step(plan, outcome, address)?.0)).collect();
    let is_open = |index: &usize| !outcome.finished.contains(index) && !failed.contains(index);
    let steps = plan.steps.iter().enumerate().filter(|(index, _)| is_open(index));
    for (index, step) in steps.filter(|(_, step)| outcome.skipped.contains(&step.address)) {
        causes.entry(cause(plan, outcome, index)).or_default().push(step);
    }
    let lines = causes.into_iter().flat_map(|(cause, steps)| {
        let because = match cause {
            Some(failed) => format!("{failed} failed"),
            None if lost_access(outcome).is_some_and(Error::is_expired) => "the credentials expired".to_owned(),
            None if lost_access(outcome).is_some() => "the credentials are no longer valid".to_owned(),
            None => "the run was interrupted".to_owned(),
        };
        // A step that was begun continues in AWS.
        let open = if cause.is_some() { "not begun" } else { "not finished" };
        let title = format!("{} {open}, because {because}:", count(steps.len(), "step"));
        let steps = steps.into_iter().map(|step| format!("  {} {}", VerbForms::of(step).plain, step.address));
        [paint(STRONG, title)].into_iter().chain(steps).chain([String::new()]).collect::<Vec<_>>()
    });
    lines.collect()
}

/// The resources that were deleted to be replaced, and whose replacement was not created.
fn without_replacement(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let is_created = |address: &Address| {
        let mut steps = plan.steps.iter().enumerate().filter(|(_, step)| step.address == *address);
        steps.all(|(index, step)| outcome.finished.contains(&index) || !matches!(step.action, Action::Create { .. }))
    };
    let finished = plan.steps.iter().enumerate().filter(|(index, _)| outcome.finished.contains(index));
    let deleted = finished.filter_map(|(_, step)| match &step.action {
        Action::Delete { observed, replaced: true } if !is_created(&step.address) => {
            Some((&step.address, &observed.id))
        }
        _ => None,
    });
    let lines: Vec<_> = deleted.map(|(address, id)| format!("  {address} ({})", safe(id))).collect();
    if lines.is_empty() {
        return vec![];
    }
    let title = format!("{} deleted, and not created again:", count(lines.len(), "resource"));
    [paint(REMOVED.bold(), title)].into_iter().chain(lines).chain([String::new()]).collect()
}

/// The nearest failed step among those that a step waits for.
fn cause<'a>(plan: &'a Plan, outcome: &Outcome, index: usize) -> Option<&'a Address> {
    let is_failed = |address: &Address| outcome.failed.iter().any(|(failed, _)| failed == address);
    let has_failed = |index: usize| {
        let address = &plan.steps[index].address;
        is_failed(address) && failed_step(plan, outcome, address).is_some_and(|(failed, _)| failed == index)
    };
    let mut todo = vec![index];
    let mut known = vec![false; plan.steps.len()];
    while !todo.is_empty() {
        let before: Vec<_> = todo.iter().flat_map(|&step| &plan.steps[step].after).copied().collect();
        if let Some(&failed) = before.iter().find(|&&step| has_failed(step)) {
            return Some(&plan.steps[failed].address);
        }
        todo = before.into_iter().filter(|&step| !std::mem::replace(&mut known[step], true)).collect();
    }
    None
}

/// The credentials error that ended the run.
fn lost_access(outcome: &Outcome) -> Option<&Error> {
    outcome.failed.iter().map(|(_, error)| error).find(|error| error.kind == ErrorKind::Credentials)
}

fn done(outcome: &Outcome) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("create", "created"),
        ("update", "updated"),
        ("replace", "replaced"),
        ("delete", "deleted"),
        ("retag", "retagged"),
        ("wait", "waited for"),
    ];
    let parts = WORDS.iter().filter_map(|(verb, done)| outcome.done.get(verb).map(|number| format!("{number} {done}")));
    let mut parts: Vec<_> = parts.collect();
    let failed = outcome.failed.len();
    parts.extend((failed > 0).then(|| paint(REMOVED, format_args!("{failed} failed"))));
    if parts.is_empty() { "nothing was changed".to_owned() } else { parts.join(", ") }
}

fn api_calls(calls: &ApiCalls) -> String {
    let services = calls.by_service().into_iter().map(|(service, number)| format!("{service} {number}"));
    let services: Vec<_> = services.collect();
    let ApiCalls { total, mutating, throttled, .. } = calls;
    let by_service = if services.is_empty() { String::new() } else { format!(": {}", services.join(", ")) };
    let refused = if *throttled == 0 { String::new() } else { format!(" AWS throttled {throttled} of them.") };
    format!("API calls: {total}, {mutating} of them mutating{by_service}.{refused}")
}
