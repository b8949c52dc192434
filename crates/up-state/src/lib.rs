//! State that AWS does not keep: the lock, the journal of runs, and the last applied declarations.
//!
//! Each stack has a few files, in a folder `state/<stack>/` or in a [`Store`] such as a bucket:
//!
//! - `lock`: the [`Lease`] of the active run; empty if there is none.
//! - `journal.jsonl`: what runs did, one JSON object a line, flushed to disk around each call that changes AWS. A store
//!   that cannot append has `journal/<run>/<number>.jsonl` instead.
//! - `snapshot.json`: what was applied last, see [`Snapshot`].
//!
//! AWS itself is the record of what exists. If these files are lost, history is lost, but all resources are still
//! found.

mod checksummed;
#[cfg(test)]
mod damage;
mod folder;
mod held;
mod history;
mod journal;
mod lease;
mod lock;
#[cfg(test)]
mod memory;
mod runs;
mod segments;
mod snapshot;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use up_core::Address;

pub use history::InterruptedRun;
pub use journal::{Entry, Journal};
pub use lease::{Lease, owner};
pub use lock::{Lock, LockError, LockHolder};
pub use runs::{PastRun, RunBegin, RunHistory, RunResult, RunSteps};
pub use snapshot::{LastSnapshot, Snapshot};
pub use store::{Store, StoredFile, Version, WriteIf};
pub use up_model::StateLocation;

use crate::folder::Folder;

/// The version of the file formats. It rises when a reader of the older form would misread the newer.
pub const FORMAT: u32 = 1;

/// Ids of live resources, by kind.
pub type Ids = BTreeMap<String, BTreeSet<String>>;

/// The files of one stack. Nothing is read or written before a method is called.
#[derive(Debug, Clone)]
pub struct State {
    stack: String,
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Folder(Arc<Folder>),
    Store(Arc<dyn Store>),
}

/// What earlier runs have left.
#[derive(Debug, Default)]
pub struct Past {
    /// The snapshot of the last run that saved one.
    pub snapshot: Option<LastSnapshot>,
    /// The last run, if it did not end.
    pub interrupted_run: Option<InterruptedRun>,
    /// Warnings about files that could not be read and are ignored.
    pub warnings: Vec<String>,
}

/// An error of a state file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The stack's name is not valid as a folder name.
    #[error("`{0}` is not the name of a stack: letters, digits, `_`, `-` and `.`")]
    Name(String),
    /// The file system reports an error.
    #[error("failed to {verb} {}: {error}", path.display())]
    File {
        /// The failed operation.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The error.
        #[source]
        error: io::Error,
    },
    /// The store refuses, or cannot be reached.
    #[error("failed to {verb} {at}: {error}{}", error.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
    Store {
        /// The failed operation.
        verb: &'static str,
        /// The file.
        at: String,
        /// The error.
        #[source]
        error: Box<up_core::Error>,
        /// A hint for the user, if the store has a better one than the error.
        hint: Option<String>,
    },
    /// The journal cannot be written, so no call may be sent.
    #[error("failed to write {at}: {error}")]
    Journal {
        /// The file.
        at: String,
        /// The error.
        #[source]
        error: io::Error,
    },
    /// Other writers were first at every try.
    #[error("{0} was changed by others at every try")]
    Contended(String),
    /// The last applied declarations cannot be read.
    #[error("failed to read the declarations in snapshot.json: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// A newer version of this program wrote the file.
    #[error("{at} has format {format}, written by a newer bullstra-up; this version reads format {FORMAT}")]
    Newer {
        /// The file.
        at: String,
        /// Its format.
        format: u32,
    },
}

/// For how long a check of a lock in a store may be reused, so that not every call to AWS costs another call to the
/// store.
const FRESH: Duration = Duration::from_secs(1);

impl State {
    /// The state of `stack` in a folder within `dir`.
    ///
    /// # Errors
    /// `stack` is not valid as a folder name.
    pub fn in_folder(dir: &Path, stack: &str) -> Result<Self, StateError> {
        Self::check(stack)?;
        Ok(Self { stack: stack.to_owned(), backend: Backend::Folder(Arc::new(Folder::new(dir.join(stack)))) })
    }

    /// The state of `stack` in `store`, which must hold no other stack.
    ///
    /// # Errors
    /// `stack` is not valid as a part of a file name.
    pub fn in_store(store: Arc<dyn Store>, stack: &str) -> Result<Self, StateError> {
        Self::check(stack)?;
        Ok(Self { stack: stack.to_owned(), backend: Backend::Store(store) })
    }

    fn check(stack: &str) -> Result<(), StateError> {
        let is_good = Address::is_word(stack) && !stack.starts_with('.');
        if is_good { Ok(()) } else { Err(StateError::Name(stack.to_owned())) }
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// Takes the lock for `command`. The lock is renewed until it is dropped, and then released.
    ///
    /// An expired lease, or one whose holder is known to be dead, is taken over, see [`Lock::taken_from`].
    ///
    /// # Errors
    /// Another run holds the lock, or the file cannot be written.
    pub fn lock(&self, command: &str) -> Result<Lock, LockError> {
        let fresh = if matches!(self.backend, Backend::Store(_)) { FRESH } else { Duration::ZERO };
        Lock::take(self.store(), command, fresh)
    }

    /// The holder of the lock. An expired lease that was never released is returned as well.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holder(&self) -> Result<Option<LockHolder>, StateError> {
        lock::holder_in(&*self.store())
    }

    /// The run that is active now: the holder of the lock, unless its lease has expired or it is known to be dead.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn running(&self) -> Result<Option<LockHolder>, StateError> {
        lock::running_in(&*self.store())
    }

    /// Removes the lock of `holder`. False if somebody else holds it by now. A run that is still active then stops
    /// before its next call that changes AWS.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn unlock(&self, holder: &LockHolder) -> Result<bool, StateError> {
        lock::break_open(&*self.store(), holder)
    }

    /// Begins a run in the journal. In a folder, disk space is reserved for all lines of the run, and `keeps` bytes for
    /// files that are written after it.
    ///
    /// # Errors
    /// The journal cannot be written, there is not enough disk space, or the journal has a newer format.
    pub fn journal(&self, begin: &Entry, keeps: u64) -> Result<Journal, StateError> {
        match &self.backend {
            Backend::Folder(folder) => {
                folder.make()?;
                Journal::in_folder(folder, &self.stack, begin, keeps)
            }
            Backend::Store(store) => Journal::in_store(store.clone(), &self.stack, begin),
        }
    }

    /// Reads what earlier runs have left. Damaged files are ignored, with a warning in [`Past::warnings`].
    ///
    /// # Errors
    /// A file exists but must not be read, or has a newer format.
    pub fn past(&self) -> Result<Past, StateError> {
        let (mut past, store) = (Past::default(), self.store());
        past.snapshot = snapshot::read(&*store, &self.stack, &mut past.warnings)?;
        let (at, history) = match &self.backend {
            Backend::Folder(folder) => (folder.at(journal::NAME), journal::read(&folder.file(journal::NAME))?),
            Backend::Store(store) => (store.at("journal"), segments::read(&**store)?),
        };
        past.interrupted_run = history.interrupted_run;
        if history.damaged > 0 {
            let lines = if history.damaged == 1 { "1 line".to_owned() } else { format!("{} lines", history.damaged) };
            past.warnings
                .push(format!("{at} is damaged: {lines} of the last runs could not be read and will be ignored"));
        }
        Ok(past)
    }

    /// Reads the last `limit` runs from the journal, the newest first. Damaged lines are counted and left out.
    ///
    /// # Errors
    /// The journal exists but must not be read, or has a newer format.
    pub fn runs(&self, limit: usize) -> Result<RunHistory, StateError> {
        let mut history = match &self.backend {
            Backend::Folder(folder) => runs::in_folder(&folder.file(journal::NAME), &folder.at(journal::NAME), limit)?,
            Backend::Store(store) => runs::in_store(&**store, limit)?,
        };
        if let Some(last) = history.runs.first_mut().filter(|run| run.steps.is_none())
            && let Some(LockHolder::Run(lease)) = self.holder()?
            && !lease.is_over()
            && last.began >= lease.started
        {
            last.result = RunResult::Running;
        }
        Ok(history)
    }

    /// Replaces the snapshot. Readers find either the old one or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        snapshot::write(&*self.store(), snapshot)
    }

    /// Deletes the snapshot, when no resource is left.
    ///
    /// # Errors
    /// The file cannot be deleted.
    pub fn forget(&self) -> Result<(), StateError> {
        self.store().delete(&[snapshot::NAME.to_owned()])
    }

    /// Deletes old journals: in a store all but the last 20, in a folder none.
    ///
    /// # Errors
    /// A file cannot be deleted.
    pub fn prune(&self) -> Result<(), StateError> {
        if let Backend::Store(store) = &self.backend { segments::prune(&**store) } else { Ok(()) }
    }

    fn store(&self) -> Arc<dyn Store> {
        match &self.backend {
            Backend::Folder(folder) => folder.clone(),
            Backend::Store(store) => store.clone(),
        }
    }
}

impl StateError {
    /// A value that cannot be written as JSON: a bug in this program.
    pub(crate) fn json(store: &dyn Store, name: &str, error: serde_json::Error) -> Self {
        Self::Journal { at: store.at(name), error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_stack_s_name_stays_within_the_folder() {
        for name in ["", ".", "..", "../other", "a/b", ".hidden", "prod\0"] {
            assert!(matches!(State::in_folder(Path::new("state"), name), Err(StateError::Name(_))), "{name}");
        }
    }

    #[test]
    fn an_unwritable_folder_is_reported_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("state");
        fs::write(&blocked, "a file where the folder should be").unwrap();
        let state = State::in_folder(&blocked, "prod").unwrap();
        let Err(LockError::State(error)) = state.lock("apply") else { panic!("locked nothing") };
        assert!(error.to_string().starts_with("failed to "), "{error}");
        assert!(matches!(state.past(), Err(StateError::File { verb: "read", .. })));
    }

    #[test]
    fn reading_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::in_folder(dir.path(), "prod").unwrap();
        let past = state.past().unwrap();
        assert!(past.snapshot.is_none() && past.interrupted_run.is_none() && past.warnings.is_empty());
        assert!(state.holder().unwrap().is_none());
        state.forget().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
