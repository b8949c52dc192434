//! Where words go: what a script reads to stdout, everything for people to stderr.

use std::{
    fmt::Display,
    io::{self, BufRead, ErrorKind, IsTerminal, Write},
};

use anstream::{AutoStream, ColorChoice};

use crate::{
    exit::{Exit, Failure},
    secrets::masked,
};

/// Settles for the whole run whether there are colours.
pub(crate) fn colour(wanted: bool) {
    if !wanted {
        ColorChoice::Never.write_global();
    }
}

/// True where stderr shows colours.
pub(crate) fn is_coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// True where a person sits at it, who can be asked and shown what moves.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes a line of data to stdout, secrets left out.
///
/// # Errors
/// When stdout cannot be written, other than because its reader has seen enough (`bullstra-up plan … | head`).
pub(crate) fn data(text: impl Display) -> Result<(), Failure> {
    reveal(masked(&text.to_string()))
}

/// The same for what was asked for by name, sensitive or not.
///
/// # Errors
/// See [`data`].
pub(crate) fn reveal(text: impl Display) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("failed to write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to stderr, secrets left out. Where that fails there is nobody to tell.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{}", masked(&text.to_string()));
}

/// Asks on stderr; true where the answer is `yes`.
pub(crate) fn confirm(question: impl Display) -> bool {
    ask(question).is_some_and(|answer| answer == "yes")
}

/// Asks on stderr. Nothing where there is no answer.
pub(crate) fn ask(question: impl Display) -> Option<String> {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{question} ").and_then(|()| stderr.flush()).ok()?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim().to_owned())
}
