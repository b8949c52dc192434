//! What keeps the files of a stack: a folder, or a bucket.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::StateError;

/// Keeps named files of one stack. Calls block until they are answered.
///
/// One thing is asked of it that not everything does: [`When`] is checked and the file written as one, however many
/// writers there are. The lock is made of that and of nothing else.
pub trait Store: fmt::Debug + Send + Sync {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// When it may not be read, or cannot be reached.
    fn get(&self, name: &str) -> Result<Option<StoredFile>, StateError>;

    /// Writes a whole file; `None` where `when` does not hold, and nothing was written.
    ///
    /// The answer to a write may be lost, and the write be sent again: `None` then comes of our own first write. Whoever
    /// must know reads the file.
    ///
    /// # Errors
    /// When it may not be written, or it is not known whether it was.
    fn put(&self, name: &str, bytes: &[u8], when: &When) -> Result<Option<Version>, StateError>;

    /// Deletes files. One that is not there is no error.
    ///
    /// # Errors
    /// When they may not be deleted.
    fn delete(&self, names: &[String]) -> Result<(), StateError>;

    /// The names that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// When they may not be listed.
    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError>;

    /// The file's whole name, for people.
    fn at(&self, name: &str) -> String;
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// What is in it.
    pub bytes: Arc<Vec<u8>>,
    /// Which writing it is of.
    pub version: Version,
    /// When it was written, by the clock of whoever keeps it.
    pub written: Timestamp,
}

/// Tells two writings of a file apart: an ETag, or the content itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub Arc<Vec<u8>>);

/// On which condition a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// On none.
    Always,
    /// There is none by that name.
    Absent,
    /// It is still that one.
    Is(Version),
}
