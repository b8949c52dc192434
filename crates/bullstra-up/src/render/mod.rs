//! Words: how plans, progress, summaries and failures read. Writes nothing itself; see [`crate::terminal`].

use crate::exit::Failure;

/// A failure as the user reads it: `error: …`, and `hint: …` where there is advice.
pub(crate) fn failure(failure: &Failure) -> String {
    let Failure { message, hint, .. } = failure;
    match hint {
        Some(hint) => format!("error: {message}\nhint: {hint}"),
        None => format!("error: {message}"),
    }
}
