//! The journal of a deployment: each call that changes AWS is written down right before it is sent.

use up_core::Address;
use up_state::{Entry, Ids, Journal, LastSnapshot, Lock, Past, Snapshot};

use super::{refused, run::COMMAND};
use crate::{Failure, Reason, Session, session::unusable};

/// Records the calls of one run. The run must stop if its journal cannot be written, or if its lock is lost.
pub(super) struct DeployLog<'a> {
    session: &'a Session,
    journal: Journal,
    lock: &'a Lock,
}

/// Bytes for a snapshot with a few more ids.
const SNAPSHOT_IDS: u64 = 64 << 10;

impl<'a> DeployLog<'a> {
    pub(super) fn begin(session: &'a Session, lock: &'a Lock, past: &Past, steps: usize) -> Result<Self, Failure> {
        let begin = Entry::Begin {
            owner: up_state::owner(),
            command: COMMAND.to_owned(),
            account: session.cx.account().to_owned(),
            region: session.cx.region().to_owned(),
            steps,
        };
        let snapshot = past.snapshot.as_ref().map_or(0, |snapshot| snapshot.text().len() as u64);
        let journal = session.state.journal(&begin, SNAPSHOT_IDS + snapshot).map_err(unusable)?;
        Ok(Self { session, journal, lock })
    }

    /// Sends a call. `id` is what it has made, if that belongs to the stack.
    pub(super) async fn call<T>(
        &self,
        (address, verb): (&Address, &str),
        doing: &str,
        call: impl Future<Output = up_core::Result<T>>,
        id: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Failure> {
        let (address, verb) = (address.clone(), verb.to_owned());
        let written = |entry: Entry| tokio::task::block_in_place(|| self.journal.flush(&entry)).map_err(unwritten);
        tokio::task::block_in_place(|| self.lock.check()).map_err(unwritten)?;
        written(Entry::Calling { address: address.clone(), verb: verb.clone() })?;
        let answer = call.await;
        let (id, error) = match &answer {
            Ok(made) => (id(made), None),
            Err(error) => (None, Some(self.session.engine.secrets.masked(&error.to_string()).into_owned())),
        };
        written(Entry::Answered { address, verb, id, error })?;
        answer.map_err(|error| refused(doing, &error))
    }

    pub(super) fn note(&self, address: &Address, text: &str) -> Result<(), Failure> {
        let text = self.session.engine.secrets.masked(text).into_owned();
        self.journal.note(&Entry::Note { address: address.clone(), text }).map_err(unwritten)
    }

    pub(super) fn end(&self, done: usize, failed: usize) -> Result<(), Failure> {
        self.journal.release_space();
        self.journal.flush(&Entry::End { done, failed, skipped: 0 }).map_err(unwritten)?;
        self.session.state.prune().map_err(unusable)
    }

    /// Adds ids to what is known of the stack, and takes out others. Without a record of the last apply nothing is written:
    /// tags find everything.
    pub(super) fn remember(&self, past: &Past, made: &Ids, gone: &Ids) -> Result<(), Failure> {
        let Some(last) = &past.snapshot else { return Ok(()) };
        let mut ids = last.ids.clone();
        for (kind, made) in made {
            ids.entry(kind.clone()).or_default().extend(made.iter().cloned());
        }
        for (kind, gone) in gone {
            ids.entry(kind.clone()).or_default().retain(|id| !gone.contains(id));
        }
        ids.retain(|_, ids| !ids.is_empty());
        if ids == last.ids {
            return Ok(());
        }
        self.journal.release_space();
        let resources = LastSnapshot::declared(last).map_err(unusable)?;
        let snapshot = Snapshot::new(self.session.state.stack(), &last.account, &last.region, resources, ids);
        let (kept, baseline) = ((*last.kept).clone(), last.baseline());
        self.session.state.save(&Snapshot { at: last.at, kept, baseline, ..snapshot }).map_err(unusable)
    }
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::new(Reason::Failed, format!("failed to write the journal: {error}"))
}
