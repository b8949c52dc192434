//! The secrets of this process: those of the one stack that its command works on.
//!
//! All output is masked with them, the SDK's log lines and panics too.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::LazyLock,
};

use serde_json::Value;
use up_engine::Secrets;

use crate::terminal;

static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::default);

/// The set that the process masks: the engine of the command gets it.
pub(crate) fn of_process() -> Secrets {
    SECRETS.clone()
}

/// The text without secrets.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    SECRETS.masked(text)
}

/// Masks secrets in every text and number in `value`.
pub(crate) fn mask(value: &mut Value) {
    SECRETS.mask(value);
}

/// Stderr without secrets, for log lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = terminal::shown(&String::from_utf8_lossy(bytes));
        anstream::stderr().lock().write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        anstream::stderr().lock().flush()
    }
}
