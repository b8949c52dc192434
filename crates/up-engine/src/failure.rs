//! Why the engine did not do what it was asked to.

use std::{error::Error, fmt};

use up_core::Address;
use up_stack::Diagnostics;

/// What kind of failure it is: a program around the engine does something else about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Something failed.
    Failed,
    /// Stack files, options or a saved plan are wrong.
    Input,
    /// Credentials, account, region or a permission.
    Access,
    /// Another run holds the lock.
    Locked,
    /// Protected, owned by someone else, not approved, or AWS has changed since the plan.
    Refused,
    /// The work was interrupted.
    Interrupted,
}

/// Why something was not done. Its texts hold no secrets.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub reason: Reason,
    /// What is wrong, lower-case, without a full stop. Several lines where several things are wrong.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Where the message sums up several failures: each of them, with its resource.
    pub details: Vec<(Address, String)>,
    /// What is wrong with the stack's files, where that is the reason.
    pub diagnostics: Option<Box<Diagnostics>>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None, details: vec![], diagnostics: None }
    }

    /// The same, with what the user can do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The failure of an interruption before anything was changed.
    pub fn interrupted() -> Self {
        Self::new(Reason::Interrupted, "interrupted: nothing was changed")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}
