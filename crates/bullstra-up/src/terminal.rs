//! Writing: data for scripts to stdout, messages for people to stderr.
//!
//! All output passes here: secrets are masked, and control characters from AWS, files or the environment are escaped.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    io::{self, BufRead, ErrorKind, IsTerminal, Write},
};

use anstream::{AutoStream, ColorChoice};
use serde_json::Value;
use up_engine::{Failure, Reason};

use crate::secrets::{self, masked};

/// Sets for the whole process whether there are colours.
pub(crate) fn colour(wanted: bool) {
    if !wanted {
        ColorChoice::Never.write_global();
    }
}

/// True where stderr shows colours.
pub(crate) fn is_coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// True where a person can answer questions and watch a live view.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes a line of data to stdout.
///
/// # Errors
/// When stdout cannot be written, but for a reader that has closed it (`bullstra-up plan … | head`).
pub(crate) fn data(text: impl AsRef<str>) -> Result<(), Failure> {
    written(anstream::stdout().lock(), &shown(text.as_ref()))
}

/// Writes data as JSON to stdout. Secrets are masked in its values, so that it stays valid JSON.
///
/// # Errors
/// See [`data`].
pub(crate) fn json(mut value: Value) -> Result<(), Failure> {
    secrets::mask(&mut value);
    written(io::stdout().lock(), &spelled(&value))
}

/// Writes an output that was asked for by name to stdout, sensitive or not; text without quotes.
///
/// # Errors
/// See [`data`].
pub(crate) fn reveal(value: &Value, as_json: bool) -> Result<(), Failure> {
    match value {
        Value::String(text) if !as_json && io::stdout().is_terminal() => {
            written(io::stdout().lock(), &guarded(text, false))
        }
        Value::String(text) if !as_json => written(io::stdout().lock(), text),
        value => written(io::stdout().lock(), &spelled(value)),
    }
}

fn written(mut stdout: impl Write, text: &str) -> Result<(), Failure> {
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Reason::Failed, format!("failed to write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to stderr. An error of writing it cannot be shown anywhere.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{}", shown(&text.to_string()));
}

/// Asks on stderr; true where the answer is `yes`.
pub(crate) fn confirm(question: impl Display) -> bool {
    ask(question).is_some_and(|answer| answer == "yes")
}

/// Asks on stderr. `None` where there is no answer.
pub(crate) fn ask(question: impl Display) -> Option<String> {
    {
        // Not locked while an answer is waited for: an interrupt meanwhile must be able to say so.
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{question} ").and_then(|()| stderr.flush()).ok()?;
    }
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim().to_owned())
}

/// The text, masked and escaped but for lines and our own colours.
pub(crate) fn shown(text: &str) -> String {
    guarded(&masked(text), true).into_owned()
}

/// True for control characters, and for characters that change the direction of text or are invisible: a reader would see
/// another text than there is.
pub(crate) fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{e001}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

fn guarded(text: &str, coloured: bool) -> Cow<'_, str> {
    rewritten(text, is_unsafe, |c, rest, guarded| {
        let colour = if coloured { colour_at(rest) } else { 0 };
        match c {
            _ if colour > 0 => guarded.push_str(&rest[..colour]),
            '\n' | '\t' => guarded.push(c),
            c => write!(guarded, "\\u{{{:x}}}", u32::from(c)).expect("text takes text"),
        }
        colour.max(c.len_utf8())
    })
}

/// The text with some characters replaced. `instead` gets such a character and the rest that begins with it, writes the
/// replacement, and returns how many bytes of the rest it replaces.
pub(crate) fn rewritten(
    text: &str,
    is_meant: impl Fn(char) -> bool,
    instead: impl Fn(char, &str, &mut String) -> usize,
) -> Cow<'_, str> {
    let Some(first) = text.find(&is_meant) else { return text.into() };
    let mut written = String::with_capacity(text.len());
    let (mut rest, mut next) = (text, Some(first));
    while let Some(at) = next {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let c = rest.chars().next().expect("it was found here");
        rest = &rest[instead(c, rest, &mut written)..];
        next = rest.find(&is_meant);
    }
    written.push_str(rest);
    written.into()
}

/// The length in bytes of the colour sequence (`ESC [ 31 m`) that `text` begins with; 0 where there is none.
fn colour_at(text: &str) -> usize {
    let Some(inner) = text.strip_prefix("\u{1b}[") else { return 0 };
    let digits = inner.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if inner[digits..].starts_with('m') { digits + 3 } else { 0 }
}

/// As JSON, with control characters in its texts escaped.
fn spelled(value: &Value) -> String {
    let json = serde_json::to_string_pretty(value).expect("a JSON value is one");
    let is_spelled = |c| c != '\n' && is_unsafe(c);
    let spelled = rewritten(&json, is_spelled, |c, _, spelled| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(spelled, "\\u{unit:04x}").expect("text takes text");
        }
        c.len_utf8()
    });
    match spelled {
        Cow::Borrowed(_) => json,
        Cow::Owned(spelled) => spelled,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "a\u{1b}[2Jb\u{1b}]8;;http://x\u{7}c\rd\u{9b}31me\u{202e}f\u{7f}g\u{e0041}h";

    #[test]
    fn only_colours_and_lines_reach_a_terminal() {
        let text = format!("\u{1b}[1;31mred\u{1b}[0m\n{HOSTILE}");
        let guarded = guarded(&text, true);
        let shown = "a\\u{1b}[2Jb\\u{1b}]8;;http://x\\u{7}c\\u{d}d\\u{9b}31me\\u{202e}f\\u{7f}g\\u{e0041}h";
        assert_eq!(guarded, format!("\u{1b}[1;31mred\u{1b}[0m\n{shown}"));
    }

    #[test]
    fn json_reads_back_and_holds_nothing_that_a_terminal_obeys() {
        let value = json!({ HOSTILE: [HOSTILE, "\u{e000}mark\u{e001}", "plain ü"] });
        let spelled = spelled(&value);
        assert!(spelled.chars().all(|c| c == '\n' || !is_unsafe(c)), "{spelled:?}");
        assert_eq!(serde_json::from_str::<Value>(&spelled).unwrap(), value);
    }
}
