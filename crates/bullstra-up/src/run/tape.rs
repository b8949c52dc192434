//! Where a run's events go: to the journal first, then to whoever watches.

use std::{
    io,
    sync::{Arc, Mutex},
};

use up_apply::{Event, Outcome, Sink, What};
use up_core::Address;
use up_state::{Entry, Ids, Journal, Lock};

use crate::{render::Progress, secrets::masked};

/// The journal of a run, its lock, and who watches it.
pub(super) struct Tape {
    journal: Journal,
    lock: Arc<Lock>,
    progress: Progress,
    made: Mutex<Ids>,
}

impl Tape {
    pub(super) fn new(journal: Journal, lock: Arc<Lock>, progress: Progress) -> Self {
        Self { journal, lock, progress, made: Mutex::default() }
    }

    /// What was made so far.
    pub(super) fn made(&self) -> Ids {
        self.made.lock().expect("no panic while held").clone()
    }

    /// Says a line to who watches.
    pub(super) fn say(&self, line: &str) {
        self.progress.say(line);
    }

    /// Gives back the room on the disk that was kept for what is written next.
    pub(super) fn give_room(&self) {
        self.journal.give_room();
    }

    /// Closes the journal of a run whose outcome is kept elsewhere by now.
    pub(super) fn end(&self, outcome: &Outcome) -> io::Result<()> {
        let (failed, skipped) = (outcome.failed.len(), outcome.skipped.len());
        self.journal.flush(&Entry::End { done: outcome.done.values().sum(), failed, skipped })
    }
}

impl Sink for Tape {
    fn take(&self, event: &Event) -> io::Result<()> {
        let Event { address, what, .. } = event;
        let entry = entry(address, what);
        match what {
            // Waiting for the disk holds up only this step.
            What::Calling { .. } => tokio::task::block_in_place(|| {
                self.lock.check()?;
                self.journal.flush(&entry)
            }),
            What::Answered { id, .. } => {
                if let Some(id) = id {
                    let mut made = self.made.lock().expect("no panic while held");
                    made.entry(address.kind.clone()).or_default().insert(id.clone());
                }
                tokio::task::block_in_place(|| self.journal.flush(&entry))
            }
            _ => self.journal.note(&entry),
        }?;
        self.progress.take(event)
    }
}

fn entry(address: &Address, what: &What) -> Entry {
    let address = address.clone();
    // AWS's messages may quote what was sent.
    let clean = |text: &str| masked(text).into_owned();
    let note = |text: String| Entry::Note { address: address.clone(), text: clean(&text) };
    match what {
        What::Calling { verb } => Entry::Calling { address, verb: (*verb).to_owned() },
        What::Answered { verb, id, error } => {
            Entry::Answered { address, verb: (*verb).to_owned(), id: id.clone(), error: error.as_deref().map(clean) }
        }
        What::Started => note("started".into()),
        What::Waiting { state } => note(format!("waiting: {state}")),
        What::Retrying { why, pause } => note(format!("again in {} s: {why}", pause.as_secs_f64())),
        What::Done => note("done".into()),
        What::Failed { error } => note(format!("failed: {error}")),
        What::Skipped { because: Some(because) } => note(format!("not begun: {because} failed")),
        What::Skipped { because: None } => note("not begun: the run ended".into()),
    }
}
