//! What AWS cannot tell: who is at work, what was done, and what was wanted last.
//!
//! Each stack has a few files of its own, in a folder `state/<stack>/` or in a [`Store`] such as a bucket:
//!
//! - `lock`: the [`Lease`] of the run that is at work; empty while there is none.
//! - `journal.jsonl`: what runs did, one JSON object a line, flushed to disk around each call that changes AWS. A store
//!   that cannot append has `journal/<run>/<number>.jsonl` instead.
//! - `snapshot.json`: what the last run left behind, see [`Snapshot`].
//!
//! AWS itself is the record of what exists. Losing all of this loses history and saves no resource from being found.

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
mod place;
mod sealed;
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

pub use history::CutOff;
pub use journal::{Entry, Journal};
pub use lease::{Lease, owner};
pub use lock::{Holder, Lock, LockError};
pub use place::Place;
pub use snapshot::{Last, Snapshot};
pub use store::{Store, StoredFile, Version, When};

use crate::folder::Folder;

/// The version of every file here. It rises when a reader of the older form would misread the newer.
pub const FORMAT: u32 = 1;

/// Ids of live resources, by kind.
pub type Ids = BTreeMap<String, BTreeSet<String>>;

/// The files of one stack. Nothing is read or written before it is asked for.
#[derive(Debug, Clone)]
pub struct State {
    stack: String,
    home: Home,
}

#[derive(Debug, Clone)]
enum Home {
    Folder(Arc<Folder>),
    Store(Arc<dyn Store>),
}

/// What earlier runs left behind.
#[derive(Debug, Default)]
pub struct Past {
    /// What the last run that ended well left.
    pub snapshot: Option<Last>,
    /// The last run, if it never came to its end.
    pub cut_off: Option<CutOff>,
    /// Files that could not be read and were done without, for people.
    pub warnings: Vec<String>,
}

/// A file of ours that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The stack's name would lead out of the folder.
    #[error("`{0}` is not the name of a stack: letters, digits, `_`, `-` and `.`")]
    Name(String),
    /// The file system refuses.
    #[error("failed to {verb} {}: {error}", path.display())]
    File {
        /// What was to be done.
        verb: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it was not.
        #[source]
        error: io::Error,
    },
    /// The store refuses, or cannot be reached.
    #[error("failed to {verb} {at}: {error}{}", error.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
    Store {
        /// What was to be done.
        verb: &'static str,
        /// To which file.
        at: String,
        /// Why it was not.
        #[source]
        error: Box<up_core::Error>,
        /// What the user can do about it, where the store knows better than its error.
        hint: Option<String>,
    },
    /// The journal cannot be written, so that nothing may be done.
    #[error("failed to write {at}: {error}")]
    Journal {
        /// The file.
        at: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// Others were first at every try.
    #[error("{0} is changed by others all the time")]
    Contended(String),
    /// What was declared last cannot be read.
    #[error("failed to read what snapshot.json says was declared: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// The file is of a later version of this program.
    #[error("{at} is of format {format}, written by a newer bullstra-up; this one knows format {FORMAT}")]
    Newer {
        /// The file.
        at: String,
        /// Its version.
        format: u32,
    },
}

/// For how long a look at a lock in a store is good: so that not every call that changes AWS costs one of them.
const FRESH: Duration = Duration::from_secs(1);

impl State {
    /// The folder of `stack` within `dir`.
    ///
    /// # Errors
    /// When `stack` cannot be the name of a folder.
    pub fn in_folder(dir: &Path, stack: &str) -> Result<Self, StateError> {
        Self::check(stack)?;
        Ok(Self { stack: stack.to_owned(), home: Home::Folder(Arc::new(Folder::new(dir.join(stack)))) })
    }

    /// What `store` keeps of `stack`, and of no other.
    ///
    /// # Errors
    /// When `stack` cannot be a part of a name.
    pub fn in_store(store: Arc<dyn Store>, stack: &str) -> Result<Self, StateError> {
        Self::check(stack)?;
        Ok(Self { stack: stack.to_owned(), home: Home::Store(store) })
    }

    fn check(stack: &str) -> Result<(), StateError> {
        let is_good = Address::is_word(stack) && !stack.starts_with('.');
        if is_good { Ok(()) } else { Err(StateError::Name(stack.to_owned())) }
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// Takes the lock for `command`. It is given back when dropped, and renewed until then.
    ///
    /// A lease that has run out, or whose holder is known to be dead, is taken over, see [`Lock::taken_from`].
    ///
    /// # Errors
    /// When another run holds it, or it cannot be written.
    pub fn lock(&self, command: &str) -> Result<Lock, LockError> {
        let fresh = if matches!(self.home, Home::Store(_)) { FRESH } else { Duration::ZERO };
        Lock::take(self.store(), command, fresh)
    }

    /// Who holds the lock. A lease that has run out, and was never given back, still tells whose it was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holder(&self) -> Result<Option<Holder>, StateError> {
        lock::holder_in(&*self.store())
    }

    /// Takes the lock away from `holder`, where it is still the holder: false where another is. A run that is still at
    /// work then stops before its next call that changes AWS.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn unlock(&self, holder: &Holder) -> Result<bool, StateError> {
        lock::break_open(&*self.store(), holder)
    }

    /// Begins a run in the journal. In a folder, room on the disk is kept for all of the run's lines, and for `keeps`
    /// bytes that are saved after it.
    ///
    /// # Errors
    /// When it cannot be written, the disk is too full, or the journal is of a later version.
    pub fn journal(&self, begin: &Entry, keeps: u64) -> Result<Journal, StateError> {
        match &self.home {
            Home::Folder(folder) => {
                folder.make()?;
                Journal::in_folder(folder, &self.stack, begin, keeps)
            }
            Home::Store(store) => Journal::in_store(store.clone(), &self.stack, begin),
        }
    }

    /// Reads what earlier runs left behind. What is damaged is done without, and named in [`Past::warnings`].
    ///
    /// # Errors
    /// When a file is there that may not be read, or is of a later version.
    pub fn past(&self) -> Result<Past, StateError> {
        let (mut past, store) = (Past::default(), self.store());
        past.snapshot = snapshot::read(&*store, &self.stack, &mut past.warnings)?;
        let (at, history) = match &self.home {
            Home::Folder(folder) => (folder.at(journal::NAME), journal::read(&folder.file(journal::NAME))?),
            Home::Store(store) => (store.at("journal"), segments::read(&**store)?),
        };
        past.cut_off = history.cut_off;
        if history.damaged > 0 {
            let lines = if history.damaged == 1 { "a line".to_owned() } else { format!("{} lines", history.damaged) };
            past.warnings
                .push(format!("{at} is damaged: {lines} of the last runs cannot be read, and is done without"));
        }
        Ok(past)
    }

    /// Keeps `snapshot` in the place of the one before. The file is whole at every instant.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        snapshot::write(&*self.store(), snapshot)
    }

    /// Removes the snapshot: nothing is left that it could speak of.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self) -> Result<(), StateError> {
        self.store().delete(&[snapshot::NAME.to_owned()])
    }

    /// Deletes what is kept of runs long past: in a store all but the last 20, in a folder nothing.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn prune(&self) -> Result<(), StateError> {
        if let Home::Store(store) = &self.home { segments::prune(&**store) } else { Ok(()) }
    }

    fn store(&self) -> Arc<dyn Store> {
        match &self.home {
            Home::Folder(folder) => folder.clone(),
            Home::Store(store) => store.clone(),
        }
    }
}

impl StateError {
    /// What is to be written cannot be: a mistake of this program.
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
    fn what_cannot_be_written_is_said_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("state");
        fs::write(&blocked, "a file where the folder should be").unwrap();
        let state = State::in_folder(&blocked, "prod").unwrap();
        let Err(LockError::State(error)) = state.lock("apply") else { panic!("locked nothing") };
        assert!(error.to_string().starts_with("failed to "), "{error}");
        assert!(matches!(state.past(), Err(StateError::File { verb: "read", .. })));
    }

    #[test]
    fn looking_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::in_folder(dir.path(), "prod").unwrap();
        let past = state.past().unwrap();
        assert!(past.snapshot.is_none() && past.cut_off.is_none() && past.warnings.is_empty());
        assert!(state.holder().unwrap().is_none());
        state.forget().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
