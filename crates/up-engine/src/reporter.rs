//! Who is told about the work on a stack.

use std::fmt::Debug;

use up_apply::Event;
use up_core::Meter;
use up_plan::Plan;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Note,
    /// Something may not be as it was meant.
    Warning,
    /// What the user can do now.
    Hint,
    /// Something was not done.
    Error,
}

/// An answer to a question.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// What was answered.
    Text(String),
    /// The question was shown, and not answered.
    Nothing,
    /// There is nobody to ask, such as in CI.
    Unattended,
}

/// Who is told about the work on one stack. All texts are without the stack's secrets.
///
/// The methods are called from several threads. They may block for a short time, but for [`Reporter::ask`], which may wait.
pub trait Reporter: Debug + Send + Sync {
    /// Takes a message: lower-case, without a full stop, of one line or several.
    fn message(&self, level: Level, text: &str);

    /// A plan begins to be carried out; `meter` counts its calls as they are sent.
    fn run_begins(&self, plan: &Plan, meter: &Meter) {
        let _ = (plan, meter);
    }

    /// Something happened to a step of the plan that is carried out.
    fn step(&self, event: &Event) {
        let _ = event;
    }

    /// The run has ended, in success or not.
    fn run_ends(&self) {}

    /// Asks a question that a person must answer: the code of an MFA device.
    fn ask(&self, question: &str) -> Answer {
        let _ = question;
        Answer::Unattended
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn message(&self, _: Level, _: &str) {}
}
