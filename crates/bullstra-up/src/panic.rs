//! How a panic is shown to the user.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::PanicHookInfo,
};

use up_engine::Level;

use crate::{render, terminal};

/// Shows panics as everything else is shown: a panic's message may quote secrets.
pub(crate) fn tell() {
    std::panic::set_hook(Box::new(|info| terminal::say(words(info))));
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let message =
        format!("internal error (a bug in bullstra-up){place}\n{}", info.payload_as_str().unwrap_or("(no message)"));
    let error = render::message(Level::Error, &message);
    let hint = render::message(
        Level::Hint,
        "please report it with these lines; the next run observes what there is before it does anything",
    );
    // Where RUST_BACKTRACE asks for it.
    let trace = Backtrace::capture();
    match trace.status() {
        BacktraceStatus::Captured => format!("{error}\n{hint}\n{trace}"),
        _ => format!("{error}\n{hint}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::secrets;

    #[test]
    fn a_panic_shows_neither_secrets_nor_what_a_terminal_obeys() {
        secrets::of_process().add(&["panic-secret".to_owned()].into());
        let said = Arc::new(Mutex::new(String::new()));
        let heard = said.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Other tests run beside this one.
            if info.payload_as_str().is_some_and(|message| message.contains("panic-secret")) {
                *heard.lock().unwrap() = terminal::shown(&words(info));
            }
        }));
        let caught = std::panic::catch_unwind(|| panic!("panic-secret\u{1b}[2J is no number"));
        std::panic::set_hook(before);
        assert!(caught.is_err());
        let said = said.lock().unwrap();
        assert!(said.contains("(sensitive)\\u{1b}[2J is no number") && said.contains("panic.rs"), "{said}");
        assert!(!said.contains("panic-secret") && !said.contains("\u{1b}[2J"), "{said}");
    }
}
