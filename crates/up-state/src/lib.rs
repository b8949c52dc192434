//! What AWS cannot tell: who is at work, what was done, and what was wanted last.
//!
//! Everything is in one folder for each stack, `state/<stack>/`:
//!
//! - `lock`: the [`Lease`] of the run that is at work; empty while there is none.
//! - `journal.jsonl`: what runs did, one JSON object a line, flushed to disk around each call that changes AWS.
//! - `snapshot.json`: what the last run left behind, see [`Snapshot`].
//!
//! AWS itself is the record of what exists. Losing this folder loses history and saves no resource from being found.

mod journal;
mod lease;
mod lock;
mod snapshot;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use up_core::Address;

pub use journal::{CutOff, Entry, Journal};
pub use lease::{Lease, owner};
pub use lock::{Lock, LockError};
pub use snapshot::Snapshot;

/// The version of every file here. It rises when a reader of the older form would misread the newer.
pub const FORMAT: u32 = 1;

/// Ids of live resources, by kind.
pub type Ids = BTreeMap<String, BTreeSet<String>>;

/// The folder of one stack. Nothing is read or written before it is asked for.
#[derive(Debug, Clone)]
pub struct State {
    stack: String,
    folder: PathBuf,
}

/// What earlier runs left behind.
#[derive(Debug, Default)]
pub struct Past {
    /// What the last run that ended well left.
    pub snapshot: Option<Snapshot>,
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
    /// The file is of a later version of this program.
    #[error("{} is of format {format}, written by a newer bullstra-up; this one knows format {FORMAT}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        format: u32,
    },
}

impl State {
    /// The folder of `stack` within `dir`.
    ///
    /// # Errors
    /// When `stack` cannot be the name of a folder.
    pub fn open(dir: &Path, stack: &str) -> Result<Self, StateError> {
        if !Address::is_word(stack) || stack.starts_with('.') {
            return Err(StateError::Name(stack.to_owned()));
        }
        Ok(Self { stack: stack.to_owned(), folder: dir.join(stack) })
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the lock for `command`. It is given back when dropped, and renewed until then.
    ///
    /// A lease that has run out, or whose holder is known to be dead, is taken over, see [`Lock::taken_from`].
    ///
    /// # Errors
    /// When another run holds it, or the folder cannot be written.
    pub fn lock(&self, command: &str) -> Result<Lock, LockError> {
        self.make()?;
        Lock::take(&self.file("lock"), command)
    }

    /// Takes the lock away from whoever holds it, and says who it was. A run that is still at work then stops before
    /// its next call that changes AWS.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn unlock(&self) -> Result<Option<Lease>, StateError> {
        lock::break_open(&self.file("lock"))
    }

    /// Begins a run in the journal.
    ///
    /// # Errors
    /// When it cannot be written, or is of a later version.
    pub fn journal(&self, begin: &Entry) -> Result<Journal, StateError> {
        self.make()?;
        Journal::begin(&self.file("journal.jsonl"), &self.stack, begin)
    }

    /// Reads what earlier runs left behind. What is damaged is done without, and named in [`Past::warnings`].
    ///
    /// # Errors
    /// When a file is there that may not be read, or is of a later version.
    pub fn past(&self) -> Result<Past, StateError> {
        let mut past = Past::default();
        past.snapshot = snapshot::read_from(&self.file("snapshot.json"), &self.stack, &mut past.warnings)?;
        past.cut_off = journal::cut_off(&self.file("journal.jsonl"))?;
        Ok(past)
    }

    /// Keeps `snapshot` in the place of the one before. The file is whole at every instant.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        self.make()?;
        snapshot::write(&self.file("snapshot.json"), snapshot)
    }

    /// Removes the snapshot: nothing is left that it could speak of.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self) -> Result<(), StateError> {
        let path = self.file("snapshot.json");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make(&self) -> Result<(), StateError> {
        fs::create_dir_all(&self.folder).map_err(failed("create", &self.folder))
    }
}

/// Names the file in an error of the file system.
fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |error| StateError::File { verb, path: path.to_owned(), error }
}

/// Reads a file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_s_name_stays_within_the_folder() {
        for name in ["", ".", "..", "../other", "a/b", ".hidden", "prod\0"] {
            assert!(matches!(State::open(Path::new("state"), name), Err(StateError::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_said_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("state");
        fs::write(&blocked, "a file where the folder should be").unwrap();
        let state = State::open(&blocked, "prod").unwrap();
        let Err(LockError::State(error)) = state.lock("apply") else { panic!("locked nothing") };
        assert!(error.to_string().starts_with("failed to create "), "{error}");
        assert!(matches!(state.past(), Err(StateError::File { verb: "read", .. })));
    }

    #[test]
    fn looking_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path(), "prod").unwrap();
        let past = state.past().unwrap();
        assert!(past.snapshot.is_none() && past.cut_off.is_none() && past.warnings.is_empty());
        assert!(state.unlock().unwrap().is_none());
        state.forget().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
