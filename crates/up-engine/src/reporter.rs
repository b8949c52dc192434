//! Reports on the work on a stack.

use std::fmt::Debug;

use up_apply::Event;
use up_core::Meter;
use up_plan::Plan;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Information.
    Note,
    /// Something may not be as intended.
    Warning,
    /// What the user can do now.
    Hint,
    /// Something was not done.
    Error,
}

/// An answer to a question.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The answer.
    Text(String),
    /// The question was shown, but not answered.
    Nothing,
    /// Nobody can be asked, as in CI.
    Unattended,
}

/// Receives reports on the work on one stack. Secrets are masked in all texts.
///
/// The methods are called from several threads. They may block for a short time, but for [`Reporter::ask`], which may wait.
pub trait Reporter: Debug + Send + Sync {
    /// Takes a message: lower-case, without a full stop, of one line or several.
    fn message(&self, level: Level, text: &str);

    /// The run of a plan begins; `meter` counts its calls as they are sent.
    fn run_begins(&self, plan: &Plan, meter: &Meter) {
        let _ = (plan, meter);
    }

    /// An event of a step.
    fn step(&self, event: &Event) {
        let _ = event;
    }

    /// The run has ended, successfully or not.
    fn run_ends(&self) {}

    /// Asks a question that a person must answer: the code of an MFA device.
    fn ask(&self, question: &str) -> Answer {
        let _ = question;
        Answer::Unattended
    }
}

/// Ignores all reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn message(&self, _: Level, _: &str) {}
}
