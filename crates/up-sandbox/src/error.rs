//! What goes wrong with a sandbox, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a sandbox could not be started, stopped or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Python that will do.
    #[error("failed to find Python 3.10 or newer{}", listed(.tried))]
    NoPython {
        /// What was tried, and what was wrong with it.
        tried: Vec<String>,
    },
    /// A Python that cannot make virtual environments.
    #[error("failed to make a virtual environment: {python} comes without the `venv` module")]
    NoVenv {
        /// The interpreter.
        python: String,
    },
    /// `python -m venv` or pip ended badly.
    #[error("failed to {what}: {output}")]
    Environment {
        /// What was being done.
        what: &'static str,
        /// The last lines it wrote.
        output: String,
    },
    /// The process ended, or did not listen in time.
    #[error("failed to start the sandbox: {why}; the end of {}:\n{output}", .log.display())]
    DidNotStart {
        /// How it failed.
        why: String,
        /// The file it logs to.
        log: PathBuf,
        /// The last lines of it.
        output: String,
    },
    /// No such sandbox runs.
    #[error("the sandbox `{name}` is not running")]
    NotRunning {
        /// The instance's name.
        name: String,
    },
    /// A name that cannot be a folder's.
    #[error("`{name}` cannot be the name of a sandbox")]
    BadName {
        /// The name.
        name: String,
    },
    /// The process did not end.
    #[error("failed to stop the sandbox: process {pid} goes on running")]
    DidNotStop {
        /// The process.
        pid: u32,
    },
    /// A control endpoint refused.
    #[error("the sandbox refused {endpoint}: {message}")]
    Refused {
        /// The control endpoint.
        endpoint: String,
        /// Its words.
        message: String,
    },
    /// A control endpoint could not be reached.
    #[error("failed to reach the sandbox at {endpoint}")]
    Unreachable {
        /// The control endpoint.
        endpoint: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No folder to keep anything in.
    #[error("failed to find a cache folder: neither XDG_CACHE_HOME nor HOME is set")]
    NoHome,
    /// A file or folder could not be used.
    #[error("failed to {what} {}", .path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoPython { .. } => "install Python 3.10 or newer, or set BULLSTRA_UP_PYTHON to one",
            Self::NoVenv { .. } => "install it (on Debian and Ubuntu: apt install python3-venv)",
            Self::Environment { .. } => "the first start installs packages from PyPI and needs the network",
            Self::DidNotStart { .. } => "is the port taken? port 0 takes a free one",
            Self::NotRunning { .. } => "start it with `bullstra-up sandbox start`",
            Self::BadName { .. } => "use letters, digits, `-` and `_`",
            Self::Unreachable { .. } => "`bullstra-up sandbox stop` and `start` give a fresh one",
            Self::NoHome => "set BULLSTRA_UP_SANDBOX_HOME to a folder",
            Self::DidNotStop { .. } | Self::Refused { .. } | Self::Io { .. } => return None,
        })
    }

    /// Makes the error of doing `what` to `path`, e.g. "read".
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

fn listed(tried: &[String]) -> String {
    if tried.is_empty() { String::new() } else { format!(": {}", tried.join("; ")) }
}
