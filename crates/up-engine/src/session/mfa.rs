//! The code that an MFA device shows: given beforehand, or asked for.

use crate::{Answer, Engine, Failure, MfaCode, Reason};

impl Engine {
    /// The code of the device `serial`, which `role` requires. No message repeats it.
    pub(super) async fn mfa_code(&self, role: &str, serial: &str, given: Option<&MfaCode>) -> Result<String, Failure> {
        let code = match given.filter(|given| !given.0.is_empty()) {
            Some(MfaCode(given)) => given.clone(),
            None => self.asked(role, serial).await?,
        };
        let code = code.trim();
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(code.to_owned());
        }
        let failure = Failure::new(Reason::Access, format!("invalid code for the MFA device {serial}"));
        Err(failure.hint("a code has six digits; a device shows a new one every 30 seconds"))
    }

    async fn asked(&self, role: &str, serial: &str) -> Result<String, Failure> {
        let question = format!("Code of the MFA device {serial}, for {role}:");
        let reporter = self.reporter.clone();
        // Waiting for an answer blocks, and an interrupt must not wait for it.
        match tokio::task::spawn_blocking(move || reporter.ask(&question)).await {
            Ok(Answer::Text(code)) => Ok(code),
            Ok(Answer::Unattended) => {
                let message = format!(
                    "{role} requires a code of the MFA device {serial}, and nobody can be asked: stdin or stderr is not a \
                     terminal"
                );
                let hint = "set the environment variable BULLSTRA_UP_MFA_TOKEN, or use `--mfa-token`";
                Err(Failure::new(Reason::Access, message).hint(hint))
            }
            Ok(Answer::Nothing) | Err(_) => {
                Err(Failure::new(Reason::Access, "no MFA code was entered: nothing was changed"))
            }
        }
    }
}
