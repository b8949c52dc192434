//! Starting the sandbox.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use up_engine::{Failure, Level, Reason};
use up_sandbox::{SandboxOptions, SandboxProgress, SandboxStatus};

use crate::{render, terminal};

/// The endpoint of the sandbox that `--sandbox` uses. Starts it if it is not running.
pub(crate) async fn running() -> Result<String, Failure> {
    let status = start(SandboxOptions::default()).await?;
    if !status.is_current() {
        note(
            "the running sandbox is of another version; `bullstra-up sandbox stop` ends it, and the next command starts this version's",
        );
    }
    Ok(status.endpoint)
}

/// Starts a sandbox, or finds it running.
pub(crate) async fn start(options: SandboxOptions) -> Result<SandboxStatus, Failure> {
    let installing = AtomicBool::new(false);
    let progress = move |progress| match progress {
        SandboxProgress::Installing { total, .. } if !installing.swap(true, Ordering::Relaxed) => {
            note(&format!("installing the sandbox's {total} packages (only once)"));
        }
        SandboxProgress::CreatingEnvironment => note("creating a Python environment for the sandbox (only once)"),
        SandboxProgress::Starting => note("starting the sandbox"),
        _ => {}
    };
    up_sandbox::start(&SandboxOptions { progress: Some(Arc::new(progress)), ..options }).await.map_err(failed)
}

fn note(text: &str) {
    terminal::say(render::message(Level::Note, text));
}

/// The failure of something about the sandbox.
pub(crate) fn failed(error: up_sandbox::Error) -> Failure {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let failure = Failure::new(Reason::Failed, format!("{error}{cause}"));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
