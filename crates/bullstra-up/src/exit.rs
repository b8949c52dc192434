//! How a command ends.

use std::process::ExitCode;

use up_engine::Reason;

/// The exit code: one for each outcome that a script handles in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed.
    Failed = 1,
    /// `plan --exit-code` found changes, or `drift` found drift.
    Changes = 2,
    /// Stack files, options or a saved plan are wrong.
    Input = 3,
    /// Credentials, account, region or a permission.
    Access = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Protected, owned by someone else, not approved, or AWS has changed since the plan was made.
    Refused = 6,
    /// Ctrl-C, or SIGTERM.
    Interrupted = 130,
}

impl From<Reason> for Exit {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Failed => Self::Failed,
            Reason::Input => Self::Input,
            Reason::Access => Self::Access,
            Reason::Locked => Self::Locked,
            Reason::Refused => Self::Refused,
            Reason::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
