//! How a command ends.

use std::process::ExitCode;

use up_core::Address;

/// The exit code, one for each thing that a script around us does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed.
    Failed = 1,
    /// `plan --exit-code` found changes.
    Changes = 2,
    /// Stack files, options or a saved plan are wrong.
    Input = 3,
    /// Credentials, account, region or a permission.
    Access = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Protected, owned by someone else, or the world has moved.
    Refused = 6,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What is wrong, lower-case, without a full stop. Several lines where there are several things.
    pub(crate) message: String,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
    /// Each thing there is, for scripts, where the message sums several up: whose it is, and what.
    pub(crate) details: Vec<(Address, String)>,
    /// The message is a page that is shown as it stands, without `error:` before it.
    pub(crate) is_page: bool,
}

impl Failure {
    /// A failure without advice.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, details: vec![], is_page: false }
    }

    /// A failure whose message is a page of its own, such as what is wrong with a stack's files.
    pub(crate) fn page(exit: Exit, message: impl Into<String>) -> Self {
        Self { is_page: true, ..Self::new(exit, message) }
    }

    /// The same, with what the user can do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
