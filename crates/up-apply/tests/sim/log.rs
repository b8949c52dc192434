//! Checks of a run's log that every run must pass.

use std::collections::BTreeSet;

use tokio::time::Instant;
use up_apply::{Event, EventKind, Outcome};
use up_core::{Address, ErrorKind};
use up_plan::{Action, Plan};

use crate::{cloud::LogEntry, simulation::TestResult};

/// All entries, in order.
pub(crate) struct Log(pub(crate) Vec<(Instant, LogEntry)>);

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepPhase {
    New,
    Started,
    Calling(&'static str),
    Done,
    Failed,
    Skipped,
}

impl Log {
    /// Checks that events are in order, that each call is journaled right before it is sent, and that the outcome
    /// agrees with the events.
    pub(crate) fn check(&self, plan: &Plan, outcome: Option<&Outcome>) -> TestResult {
        let mut states = vec![StepPhase::New; plan.steps.len()];
        let mut stopped = false;
        for (index, (_, note)) in self.0.iter().enumerate() {
            match note {
                LogEntry::Stopped => stopped = true,
                LogEntry::Emitted(event) => {
                    let is_call = matches!(event.what, EventKind::Calling { .. });
                    if is_call && stopped {
                        return Err(format!("{index}: a call after the run was told to stop"));
                    }
                    let is_sent = self.0.get(index + 1).is_none_or(|(_, next)| matches!(next, LogEntry::Sent { .. }));
                    if is_call && !is_sent {
                        return Err(format!("{index}: journaled, but not sent at once"));
                    }
                    states[event.step] = next(plan, &states, event).map_err(|wrong| format!("{index}: {wrong}"))?;
                }
                LogEntry::Sent { verb, id, address } => {
                    let before = index.checked_sub(1).map(|before| &self.0[before].1);
                    if !before
                        .is_some_and(|before| is_journal_entry_of(plan, before, verb, id.as_ref(), address.as_ref()))
                    {
                        return Err(format!("{index}: {verb} of {id:?} {address:?} was not journaled before"));
                    }
                }
            }
        }
        outcome.map_or(Ok(()), |outcome| check_outcome(plan, &states, outcome, stopped))
    }

    pub(crate) fn text(&self) -> impl Iterator<Item = String> {
        let began = self.0.first().map(|(at, _)| *at);
        self.0.iter().enumerate().map(move |(index, (at, note))| {
            let seconds = began.map_or(0.0, |began| at.duration_since(began).as_secs_f64());
            match note {
                LogEntry::Emitted(event) => {
                    format!("{index} {seconds:.3} [{}] {} {:?}", event.step, event.address, event.what)
                }
                other => format!("{index} {seconds:.3} {other:?}"),
            }
        })
    }
}

/// The state after an event.
fn next(plan: &Plan, states: &[StepPhase], event: &Event) -> TestResult<StepPhase> {
    let step = event.step;
    let waits = || plan.steps[step].after.iter().any(|&before| states[before] != StepPhase::Done);
    match (states[step], &event.what) {
        (StepPhase::New, EventKind::Started) if waits() => {
            Err(format!("step {step} started before what it waits for was done"))
        }
        (StepPhase::New, EventKind::Started) => Ok(StepPhase::Started),
        (StepPhase::Started, EventKind::Calling { verb }) => Ok(StepPhase::Calling(verb)),
        (StepPhase::Calling(sent), EventKind::Answered { verb, .. }) if sent == *verb => Ok(StepPhase::Started),
        (StepPhase::Started, EventKind::Waiting { .. } | EventKind::Retrying { .. }) => Ok(StepPhase::Started),
        (StepPhase::Started, EventKind::Done) => Ok(StepPhase::Done),
        (StepPhase::Started, EventKind::Failed { .. }) => Ok(StepPhase::Failed),
        (StepPhase::New | StepPhase::Started, EventKind::Skipped { because: None }) => Ok(StepPhase::Skipped),
        (StepPhase::New, EventKind::Skipped { because: Some(_) }) => Ok(StepPhase::Skipped),
        (before, what) => Err(format!("step {step} was {before:?}, and then {what:?}")),
    }
}

/// True if the entry before a call announces it.
fn is_journal_entry_of(
    plan: &Plan,
    before: &LogEntry,
    sent: &str,
    id: Option<&String>,
    address: Option<&Address>,
) -> bool {
    let LogEntry::Emitted(Event { step, what: EventKind::Calling { verb }, .. }) = before else { return false };
    let step = &plan.steps[*step];
    let observed = match &step.action {
        Action::Update { observed: Some(observed), .. } | Action::Delete { observed, .. } => Some(&observed.id),
        _ => None,
    };
    *verb == sent && (address == Some(&step.address) || id.is_some() && id == observed)
}

/// Checks that each step is done, failed or skipped, and that skipped steps depend on failed ones.
fn check_outcome(plan: &Plan, states: &[StepPhase], outcome: &Outcome, stopped: bool) -> TestResult {
    let of = |state| {
        let of = states.iter().enumerate().filter(move |(_, at)| **at == state);
        of.map(|(step, _)| plan.steps[step].address.clone()).collect::<Vec<_>>()
    };
    let agree = |what: &str, mut told: Vec<Address>, mut said: Vec<Address>| {
        told.sort();
        said.sort();
        if told == said {
            Ok(())
        } else {
            Err(format!("{what}: the events say {told:?}, and the outcome says {said:?}"))
        }
    };
    agree("failed", of(StepPhase::Failed), outcome.failed.iter().map(|(address, _)| address.clone()).collect())?;
    agree("skipped", of(StepPhase::Skipped), outcome.skipped.clone())?;
    let ended = |state: &StepPhase| matches!(state, StepPhase::Done | StepPhase::Failed | StepPhase::Skipped);
    if let Some(step) = states.iter().position(|state| !ended(state)) {
        return Err(format!("step {step} was left {:?}", states[step]));
    }
    let verbs = plan
        .steps
        .iter()
        .zip(states)
        .filter(|(_, state)| **state == StepPhase::Done)
        .filter_map(|(step, _)| step.verb());
    if verbs.count() != outcome.done.values().sum::<usize>() {
        return Err(format!("the count of done steps is wrong: {:?}", outcome.done));
    }
    let locked_out = outcome.failed.iter().any(|(_, error)| error.kind == ErrorKind::Credentials);
    if stopped || locked_out {
        return Ok(());
    }
    let mut behind = BTreeSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let is_behind = step.after.iter().any(|before| states[*before] == StepPhase::Failed || behind.contains(before));
        if is_behind {
            behind.insert(index);
        }
        if is_behind != (states[index] == StepPhase::Skipped) {
            return Err(format!("step {index} is {:?}, behind a failure: {is_behind}", states[index]));
        }
    }
    Ok(())
}
