//! The log of a run: each event goes to the journal first, then to the reporter.

use std::{
    io,
    sync::{Arc, Mutex},
};

use up_apply::{Event, EventKind, Outcome, Sink};
use up_state::{Entry, Ids, Journal, Lock};

use crate::{Engine, Secrets};

/// Records a run's events. The run must stop if its journal cannot be written, or if its lock is lost.
pub(super) struct RunLog {
    engine: Engine,
    journal: Journal,
    lock: Arc<Lock>,
    created: Mutex<Ids>,
}

impl RunLog {
    pub(super) fn new(engine: Engine, journal: Journal, lock: Arc<Lock>) -> Self {
        Self { engine, journal, lock, created: Mutex::default() }
    }

    /// Ids that the run has created so far.
    pub(super) fn created(&self) -> Ids {
        self.created.lock().expect("no panic while held").clone()
    }

    /// Releases the disk space that was reserved for the snapshot.
    pub(super) fn release_space(&self) {
        self.journal.release_space();
    }

    /// Closes the journal, once the outcome is saved elsewhere.
    pub(super) fn end(&self, outcome: &Outcome) -> io::Result<()> {
        let (failed, skipped) = (outcome.failed.len(), outcome.skipped.len());
        self.journal.flush(&Entry::End { done: outcome.done.values().sum(), failed, skipped })
    }
}

impl Sink for RunLog {
    fn take(&self, event: &Event) -> io::Result<()> {
        let event = masked(event, &self.engine.secrets);
        let entry = entry(&event);
        match &event.what {
            // Waiting for the disk holds up only this step.
            EventKind::Calling { .. } => tokio::task::block_in_place(|| {
                self.lock.check()?;
                self.journal.flush(&entry)
            }),
            EventKind::Answered { id, .. } => {
                if let Some(id) = id {
                    let mut created = self.created.lock().expect("no panic while held");
                    created.entry(event.address.kind.clone()).or_default().insert(id.clone());
                }
                tokio::task::block_in_place(|| self.journal.flush(&entry))
            }
            _ => self.journal.note(&entry),
        }?;
        self.engine.reporter.step(&event);
        Ok(())
    }
}

impl Drop for RunLog {
    fn drop(&mut self) {
        self.engine.reporter.run_ends();
    }
}

/// The event without secrets: AWS's messages may quote what was sent.
fn masked(event: &Event, secrets: &Secrets) -> Event {
    let mut event = event.clone();
    let text = match &mut event.what {
        EventKind::Answered { error: Some(text), .. }
        | EventKind::Waiting { state: text }
        | EventKind::Retrying { why: text, .. }
        | EventKind::Failed { error: text } => text,
        _ => return event,
    };
    *text = secrets.masked(text).into_owned();
    event
}

fn entry(event: &Event) -> Entry {
    let address = event.address.clone();
    let note = |text: String| Entry::Note { address: address.clone(), text };
    match &event.what {
        EventKind::Calling { verb } => Entry::Calling { address, verb: (*verb).to_owned() },
        EventKind::Answered { verb, id, error } => {
            Entry::Answered { address, verb: (*verb).to_owned(), id: id.clone(), error: error.clone() }
        }
        EventKind::Started => note("started".into()),
        EventKind::Waiting { state } => note(format!("waiting: {state}")),
        EventKind::Retrying { why, pause } => note(format!("again in {} s: {why}", pause.as_secs_f64())),
        EventKind::Done => note("done".into()),
        EventKind::Failed { error } => note(format!("failed: {error}")),
        EventKind::Skipped { because: Some(because) } => note(format!("not begun: {because} failed")),
        EventKind::Skipped { because: None } => note("not begun: the run ended".into()),
    }
}
