//! The code that an MFA device shows: given beforehand, or asked for.

use crate::{
    cli::Code,
    exit::{Exit, Failure},
    terminal,
};

/// The code of the device `serial`, which `role` wants. No message repeats it.
pub(super) async fn code(role: &str, serial: &str, given: Option<&Code>) -> Result<String, Failure> {
    let code = match given.filter(|given| !given.0.is_empty()) {
        Some(Code(given)) => given.clone(),
        None => asked(role, serial).await?,
    };
    let code = code.trim();
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code.to_owned());
    }
    let failure = Failure::new(Exit::Access, format!("that is no code of the MFA device {serial}"));
    Err(failure.hint("a code has six digits; a device shows another every 30 seconds"))
}

async fn asked(role: &str, serial: &str) -> Result<String, Failure> {
    if !terminal::is_attended() {
        let message = format!(
            "{role} wants a code of the MFA device {serial}, and nobody is there to ask: stdin or stderr is no terminal"
        );
        let hint = "give it beforehand, in the environment variable BULLSTRA_UP_MFA_TOKEN or with `--mfa-token`";
        return Err(Failure::new(Exit::Access, message).hint(hint));
    }
    let question = format!("Code of the MFA device {serial}, for {role}:");
    // Reading blocks, and a Ctrl-C meanwhile must not wait for it.
    let answer = tokio::task::spawn_blocking(move || terminal::ask(question)).await;
    answer.ok().flatten().ok_or_else(|| Failure::new(Exit::Access, "no code was given: nothing was changed"))
}
