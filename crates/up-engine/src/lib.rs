//! The engine: everything between a command and AWS. It opens a stack, observes what the stack owns, plans, and carries plans
//! out.
//!
//! An [`Engine`] works on one stack, and has its own secrets, limits, interrupt and [`Reporter`]. Nothing is kept for the
//! process, so that many engines can work in one. Nothing is printed: the reporter gets all messages.

mod advice;
mod by_name;
mod disposal;
mod drift;
mod failure;
#[cfg(test)]
#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;
mod goal;
mod interrupt;
mod live;
mod options;
mod outputs;
mod refusals;
mod reporter;
mod revert;
mod run;
mod saved;
mod secrets;
mod session;
mod sweep;
mod time;

use std::{path::Path, pin::Pin, sync::Arc};

use up_core::{Clock, Meter};
use up_stack::{Diagnostics, Stack};

pub use crate::{
    advice::advice,
    by_name::NamedStack,
    drift::{DRIFT_FORMAT, DriftOptions, DriftReport, DriftResult, Unread},
    failure::{Failure, Reason},
    goal::Goal,
    interrupt::Interrupt,
    live::{LiveResource, live_resources},
    options::{LimitOptions, MfaCode, PlanOptions, RunOptions, SessionOptions},
    outputs::{ResolvedOutput, output_values},
    refusals::refused,
    reporter::{Answer, Level, Reporter, Silent},
    run::{FinishedRun, LeftResource, PreparedRun, RunRequest, TeardownProof, TeardownRemark, holder},
    saved::{SavedPlan, is_saved},
    secrets::{MASK, Secrets},
    session::{CredentialLifetime, DEFAULT_STATE, History, Observation, SANDBOX_ACCOUNT, Session, StackTarget},
    sweep::{Decision, Extended, KeepReason, StackSummary, Survey, SweepRules, Taken, YOUNG},
    time::about,
};

/// Works on one stack. Clones are one engine.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The stack's secrets: known once it is loaded, credentials once they are used.
    pub secrets: Secrets,
    /// Interrupts the work.
    pub interrupt: Interrupt,
    /// Counts the calls to AWS.
    pub meter: Meter,
    /// The time, if it is not AWS's.
    clock: Option<Clock>,
    reporter: Arc<dyn Reporter>,
}

impl Engine {
    /// An engine that reports to `reporter`.
    pub fn new(reporter: Arc<dyn Reporter>) -> Self {
        let (secrets, interrupt, meter) = Default::default();
        Self { secrets, interrupt, meter, clock: None, reporter }
    }

    /// The same, adding its secrets to a set that others mask too: log lines of the process, for example.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The same, with another clock than AWS's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// An engine for the next stack of the same command: it counts its own calls, and shares everything else.
    #[must_use]
    pub fn for_next_stack(&self) -> Self {
        Self { meter: Meter::default(), ..self.clone() }
    }

    /// Reads and checks a stack's files, without a call to AWS. Its sensitive values are masked from now on.
    ///
    /// # Errors
    /// When something is wrong with them: see [`Failure::diagnostics`].
    pub fn load(&self, path: &Path, options: &up_stack::LoadOptions) -> Result<Stack, Failure> {
        let loaded = up_stack::load(path, &up_kinds::models(), options);
        // What is wrong may be the value of a sensitive input.
        self.secrets.add(loaded.as_ref().map_or_else(Diagnostics::secrets, |stack| &stack.secrets));
        if !self.secrets.is_empty() {
            self.secrets.add_declared(loaded.as_ref().map_or(&[], |stack| &stack.resources));
        }
        loaded.map_err(|wrong| {
            let count = if wrong.len() == 1 { "1 error".to_owned() } else { format!("{} errors", wrong.len()) };
            let failure = Failure::new(Reason::Input, format!("{count} in {}", path.display()));
            Failure { diagnostics: Some(Box::new(wrong)), ..failure }
        })
    }

    /// Reads a saved plan. Its secrets are masked from now on.
    ///
    /// # Errors
    /// When it is no saved plan of this version, or was changed since it was saved.
    pub fn saved_plan(&self, path: &Path) -> Result<SavedPlan, Failure> {
        SavedPlan::read(path, &self.secrets)
    }

    /// Sends a message to the reporter.
    pub(crate) fn message(&self, level: Level, text: &str) {
        self.reporter.message(level, &self.secrets.masked(text));
    }

    /// Does `work`, which changes nothing in AWS, unless it is interrupted. A failure's texts are masked.
    pub(crate) async fn guarded<T>(&self, work: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, Failure> {
        // Boxed: callers would else be compiled with the types of all futures inside.
        let work: Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + '_>> = Box::pin(work);
        self.interrupt.or(work).await.map_err(|failure| self.secrets.mask_failure(failure))
    }
}
