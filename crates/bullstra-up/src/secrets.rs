//! The secrets of this process: those of the stack that its command works on, and of stacks that it looks at for a while.
//!
//! All output is masked with them, the SDK's log lines and panics too.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{LazyLock, PoisonError, RwLock},
};

use serde_json::Value;
use up_engine::Secrets;

use crate::terminal;

static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::default);

/// The sets of stacks that are looked at now.
static OTHERS: RwLock<Vec<Secrets>> = RwLock::new(vec![]);

/// The set that the process masks: the engine of the command gets it.
pub(crate) fn of_process() -> Secrets {
    SECRETS.clone()
}

/// The process masks another set, until this is dropped.
#[cfg(feature = "watch")]
#[derive(Debug)]
pub(crate) struct Registered(Secrets);

/// Masks another set as well, until the result is dropped.
#[cfg(feature = "watch")]
pub(crate) fn also(secrets: &Secrets) -> Registered {
    OTHERS.write().unwrap_or_else(PoisonError::into_inner).push(secrets.clone());
    Registered(secrets.clone())
}

#[cfg(feature = "watch")]
impl Drop for Registered {
    fn drop(&mut self) {
        let mut others = OTHERS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = others.iter().position(|other| other.is(&self.0)) {
            others.swap_remove(index);
        }
    }
}

/// The text without secrets.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let others = OTHERS.read().unwrap_or_else(PoisonError::into_inner);
    others.iter().fold(SECRETS.masked(text), |text, other| {
        let masked = match other.masked(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        };
        masked.map_or(text, Cow::Owned)
    })
}

/// Masks secrets in every text and number in `value`.
pub(crate) fn mask(value: &mut Value) {
    SECRETS.mask(value);
    OTHERS.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(|other| other.mask(value));
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
