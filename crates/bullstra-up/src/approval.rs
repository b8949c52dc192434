//! Asking for approval.

use up_engine::{Failure, Reason};

use crate::terminal;

/// Asks for approval, unless it was given `beforehand`. Only `yes` approves. `what` is the object of the sentence that nobody
/// can approve it.
///
/// # Errors
/// When it is not approved, or nobody can be asked.
pub(crate) async fn given(beforehand: bool, what: &str, question: String) -> Result<(), Failure> {
    if beforehand {
        return Ok(());
    }
    if !terminal::is_attended() {
        let message = format!("nobody can approve {what}: stdin or stderr is not a terminal");
        return Err(Failure::new(Reason::Input, message).hint("use `--auto-approve` to approve it beforehand"));
    }
    // Reading blocks, and Ctrl-C must not wait for it.
    match tokio::task::spawn_blocking(move || terminal::confirm(question)).await {
        Ok(true) => Ok(()),
        _ => Err(Failure::new(Reason::Refused, "not approved: nothing was changed")),
    }
}

/// Asks for a text that must be one of the `right` ones, unless it was given beforehand by an option.
///
/// # Errors
/// When it is another, or nobody can be asked.
pub(crate) async fn typed(
    beforehand: Option<String>,
    option: &str,
    question: &'static str,
    right: &[&str],
) -> Result<(), Failure> {
    let answer = match beforehand {
        Some(answer) => Some(answer),
        None if terminal::is_attended() => {
            // Reading blocks, and Ctrl-C must not wait for it.
            tokio::task::spawn_blocking(move || terminal::ask(question)).await.ok().flatten()
        }
        None => {
            let message = "nobody can be asked: stdin or stderr is not a terminal";
            let hint = format!("answer beforehand with `{option}`: {}", question.trim_end_matches(':'));
            return Err(Failure::new(Reason::Input, message).hint(hint));
        }
    };
    match answer {
        Some(answer) if right.contains(&&*answer) => Ok(()),
        _ => {
            let message = format!("not approved, because `{option}` would be `{}`: nothing was changed", right[0]);
            Err(Failure::new(Reason::Refused, message))
        }
    }
}
