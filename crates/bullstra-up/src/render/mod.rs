//! Words: how plans, progress, summaries and failures read. Writes nothing itself; see [`crate::terminal`].

mod advice;
mod change;
mod deed;
mod estimate;
mod face;
mod plan;
mod progress;
mod shape;
mod style;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub(crate) use advice::advice;
pub(crate) use face::{ApiCalls, Counts};
pub(crate) use plan::plan;
pub(crate) use progress::Progress;
pub(crate) use style::{Word, message};
pub(crate) use summary::summary;

use crate::exit::Failure;

/// A failure as the user reads it: `error: …`, and `hint: …` where there is advice.
pub(crate) fn failure(failure: &Failure) -> String {
    let Failure { message: text, hint, .. } = failure;
    let error = message(Word::Error, text);
    match hint {
        Some(hint) => format!("{error}\n{}", message(Word::Hint, hint)),
        None => error,
    }
}
