//! Texts of plans, progress, summaries and failures. Prints nothing itself; see [`crate::terminal`].

mod calls;
mod change;
mod drift;
mod estimate;
mod failures;
mod history;
mod live;
mod notices;
mod outputs;
mod plan;
mod progress;
pub(crate) mod reference;
mod style;
mod summary;
mod teardown;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;
mod verb;

pub(crate) use calls::{ApiCalls, Counts};
pub(crate) use drift::{drift, drift_failed, drift_failed_markdown, drift_markdown};
pub(crate) use history::history;
pub(crate) use live::{live, live_list};
pub(crate) use notices::remaining;
pub(crate) use outputs::outputs;
pub(crate) use plan::plan;
pub(crate) use progress::Progress;
pub(crate) use style::message;
pub(crate) use summary::summary;
pub(crate) use teardown::{proof, remarks};
pub(crate) use text::count;
#[cfg(feature = "watch")]
pub(crate) use {
    change::{DiffLine, Mark},
    drift::{drift_lines, remarks as drift_remarks},
    text::safe,
};

use up_engine::{Failure, Level};

/// A failure for the user: `error: …`, and `hint: …` if there is advice.
pub(crate) fn failure(failure: &Failure) -> String {
    let error = match &failure.diagnostics {
        Some(_) => failure_text(failure),
        None => message(Level::Error, &failure.message),
    };
    match &failure.hint {
        Some(hint) => format!("{error}\n{}", message(Level::Hint, hint)),
        None => error,
    }
}

/// The failure without its hint: a stack's diagnostics with their positions in its files, any other message as it is.
pub(crate) fn failure_text(failure: &Failure) -> String {
    match &failure.diagnostics {
        Some(wrong) => format!("{}\n\n{}", wrong.coloured(), message(Level::Error, &failure.message)),
        None => failure.message.clone(),
    }
}
