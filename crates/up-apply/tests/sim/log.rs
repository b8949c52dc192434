//! What must hold of every run, read off its log.

use std::collections::BTreeSet;

use tokio::time::Instant;
use up_apply::{Event, Outcome, What};
use up_core::{Address, ErrorKind};
use up_plan::{Action, Plan};

use crate::{cloud::Note, stage::Verdict};

/// All that happened, in order.
pub(crate) struct Log(pub(crate) Vec<(Instant, Note)>);

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Started,
    Calling(&'static str),
    Done,
    Failed,
    Skipped,
}

impl Log {
    /// Events are in order, each call is journaled right before it is sent, and the outcome is what was told.
    pub(crate) fn check(&self, plan: &Plan, outcome: Option<&Outcome>) -> Verdict {
        let mut stages = vec![Stage::New; plan.steps.len()];
        let mut stopped = false;
        for (index, (_, note)) in self.0.iter().enumerate() {
            match note {
                Note::Stopped => stopped = true,
                Note::Told(event) => {
                    let is_call = matches!(event.what, What::Calling { .. });
                    if is_call && stopped {
                        return Err(format!("{index}: a call after the run was told to end"));
                    }
                    let is_sent = self.0.get(index + 1).is_none_or(|(_, next)| matches!(next, Note::Sent { .. }));
                    if is_call && !is_sent {
                        return Err(format!("{index}: journaled, and not sent at once"));
                    }
                    stages[event.step] = next(plan, &stages, event).map_err(|wrong| format!("{index}: {wrong}"))?;
                }
                Note::Sent { verb, id, address } => {
                    let before = index.checked_sub(1).map(|before| &self.0[before].1);
                    if !before.is_some_and(|before| journals(plan, before, verb, id.as_ref(), address.as_ref())) {
                        return Err(format!("{index}: {verb} of {id:?} {address:?} was not journaled before"));
                    }
                }
            }
        }
        outcome.map_or(Ok(()), |outcome| accounts(plan, &stages, outcome, stopped))
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let began = self.0.first().map(|(at, _)| *at);
        self.0.iter().enumerate().map(move |(index, (at, note))| {
            let seconds = began.map_or(0.0, |began| at.duration_since(began).as_secs_f64());
            match note {
                Note::Told(event) => {
                    format!("{index} {seconds:.3} [{}] {} {:?}", event.step, event.address, event.what)
                }
                other => format!("{index} {seconds:.3} {other:?}"),
            }
        })
    }
}

/// The stage after an event.
fn next(plan: &Plan, stages: &[Stage], event: &Event) -> Verdict<Stage> {
    let step = event.step;
    let waits = || plan.steps[step].after.iter().any(|&before| stages[before] != Stage::Done);
    match (stages[step], &event.what) {
        (Stage::New, What::Started) if waits() => Err(format!("step {step} started before what it waits for was done")),
        (Stage::New, What::Started) => Ok(Stage::Started),
        (Stage::Started, What::Calling { verb }) => Ok(Stage::Calling(verb)),
        (Stage::Calling(sent), What::Answered { verb, .. }) if sent == *verb => Ok(Stage::Started),
        (Stage::Started, What::Waiting { .. } | What::Retrying { .. }) => Ok(Stage::Started),
        (Stage::Started, What::Done) => Ok(Stage::Done),
        (Stage::Started, What::Failed { .. }) => Ok(Stage::Failed),
        (Stage::New | Stage::Started, What::Skipped { because: None }) => Ok(Stage::Skipped),
        (Stage::New, What::Skipped { because: Some(_) }) => Ok(Stage::Skipped),
        (before, what) => Err(format!("step {step} was {before:?}, and then {what:?}")),
    }
}

/// True where the note before a call announces it.
fn journals(plan: &Plan, before: &Note, sent: &str, id: Option<&String>, address: Option<&Address>) -> bool {
    let Note::Told(Event { step, what: What::Calling { verb }, .. }) = before else { return false };
    let step = &plan.steps[*step];
    let observed = match &step.action {
        Action::Update { observed: Some(observed), .. } | Action::Delete { observed, .. } => Some(&observed.id),
        _ => None,
    };
    *verb == sent && (address == Some(&step.address) || id.is_some() && id == observed)
}

/// Done, failed and skipped are all there is, and what is skipped depends on what failed.
fn accounts(plan: &Plan, stages: &[Stage], outcome: &Outcome, stopped: bool) -> Verdict {
    let of = |stage| {
        let of = stages.iter().enumerate().filter(move |(_, at)| **at == stage);
        of.map(|(step, _)| plan.steps[step].address.clone()).collect::<Vec<_>>()
    };
    let agree = |what: &str, mut told: Vec<Address>, mut said: Vec<Address>| {
        told.sort();
        said.sort();
        if told == said { Ok(()) } else { Err(format!("{what}: told {told:?}, and the outcome says {said:?}")) }
    };
    agree("failed", of(Stage::Failed), outcome.failed.iter().map(|(address, _)| address.clone()).collect())?;
    agree("skipped", of(Stage::Skipped), outcome.skipped.clone())?;
    let ended = |stage: &Stage| matches!(stage, Stage::Done | Stage::Failed | Stage::Skipped);
    if let Some(step) = stages.iter().position(|stage| !ended(stage)) {
        return Err(format!("step {step} was left {:?}", stages[step]));
    }
    let verbs =
        plan.steps.iter().zip(stages).filter(|(_, stage)| **stage == Stage::Done).filter_map(|(step, _)| step.verb());
    if verbs.count() != outcome.done.values().sum::<usize>() {
        return Err(format!("what was done is counted wrong: {:?}", outcome.done));
    }
    let locked_out = outcome.failed.iter().any(|(_, error)| error.kind == ErrorKind::Credentials);
    if stopped || locked_out {
        return Ok(());
    }
    let mut behind = BTreeSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let is_behind = step.after.iter().any(|before| stages[*before] == Stage::Failed || behind.contains(before));
        if is_behind {
            behind.insert(index);
        }
        if is_behind != (stages[index] == Stage::Skipped) {
            return Err(format!("step {index} is {:?}, behind a failure: {is_behind}", stages[index]));
        }
    }
    Ok(())
}
