//! What the watch tells the people who run it.

use std::{fmt, sync::Arc};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Information.
    Note,
    /// Something has drifted, or is not as it should be.
    Warning,
    /// Something was not done.
    Error,
}

/// Takes messages for the people who run the watch.
pub trait Log: fmt::Debug + Send + Sync {
    /// Takes a message: without a full stop, of one line or several.
    fn say(&self, level: Level, text: &str);
}

/// A log that is used in several places.
pub type SharedLog = Arc<dyn Log>;
