//! Asking before something is done.

use crate::{
    exit::{Exit, Failure},
    terminal,
};

/// Asks, unless it was approved `beforehand`. Only `yes` is taken. `what` is what nobody is there to approve.
///
/// # Errors
/// When it is not approved, or nobody is there to be asked.
pub(crate) async fn given(beforehand: bool, what: &str, question: String) -> Result<(), Failure> {
    if beforehand {
        return Ok(());
    }
    if !terminal::is_attended() {
        let message = format!("nobody is there to approve {what}: stdin or stderr is no terminal");
        return Err(Failure::new(Exit::Input, message).hint("approve it beforehand with `--auto-approve`"));
    }
    // Reading blocks, and a Ctrl-C meanwhile must not wait for it.
    match tokio::task::spawn_blocking(move || terminal::confirm(question)).await {
        Ok(true) => Ok(()),
        _ => Err(Failure::new(Exit::Refused, "not approved: nothing was changed")),
    }
}
