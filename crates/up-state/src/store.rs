//! Stores for the files of a stack: a folder, or a bucket.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::StateError;

/// Stores the named files of one stack. Calls block until they are answered.
///
/// A store must check [`WriteIf`] and write the file in one atomic operation, however many writers there are. The lock
/// depends on nothing else.
pub trait Store: fmt::Debug + Send + Sync {
    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// The file must not be read, or the store cannot be reached.
    fn get(&self, name: &str) -> Result<Option<StoredFile>, StateError>;

    /// Writes a whole file; `None` if `when` does not hold and nothing was written.
    ///
    /// If the answer to a write is lost and the write is sent again, the store may return `None` because of the
    /// caller's own first write. A caller to which this matters must read the file.
    ///
    /// # Errors
    /// The file must not be written, or it is not known whether it was.
    fn put(&self, name: &str, bytes: &[u8], when: &WriteIf) -> Result<Option<Version>, StateError>;

    /// Deletes files. Deleting a file that does not exist succeeds.
    ///
    /// # Errors
    /// The files must not be deleted.
    fn delete(&self, names: &[String]) -> Result<(), StateError>;

    /// The names that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// The files must not be listed.
    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError>;

    /// The file's full name, for messages.
    fn at(&self, name: &str) -> String;
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its content.
    pub bytes: Arc<Vec<u8>>,
    /// Its version.
    pub version: Version,
    /// When it was written, by the store's clock.
    pub written: Timestamp,
}

/// Tells two versions of a file apart: an ETag, or the content itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub Arc<Vec<u8>>);

/// The condition for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteIf {
    /// No condition.
    Always,
    /// The file does not exist.
    Absent,
    /// The file still has this version.
    Is(Version),
}
