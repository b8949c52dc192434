//! Words: how plans, progress, summaries and failures read. Writes nothing itself; see [`crate::terminal`].

mod advice;
mod change;
mod deed;
mod estimate;
mod face;
mod failures;
mod live;
mod notices;
mod outputs;
mod plan;
mod progress;
pub(crate) mod reference;
mod refusals;
mod style;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

pub(crate) use advice::advice;
pub(crate) use estimate::total as estimate;
pub(crate) use face::{ApiCalls, Counts};
pub(crate) use live::{live, live_list};
pub(crate) use notices::remaining;
pub(crate) use outputs::outputs;
pub(crate) use plan::plan;
pub(crate) use progress::Progress;
pub(crate) use refusals::{is_protection, refusals};
pub(crate) use style::{Word, message};
pub(crate) use summary::summary;
pub(crate) use text::about;

use crate::exit::Failure;

/// A failure as the user reads it: `error: …`, and `hint: …` where there is advice.
pub(crate) fn failure(failure: &Failure) -> String {
    let Failure { message: text, hint, is_page, .. } = failure;
    let error = if *is_page { text.clone() } else { message(Word::Error, text) };
    match hint {
        Some(hint) => format!("{error}\n{}", message(Word::Hint, hint)),
        None => error,
    }
}
