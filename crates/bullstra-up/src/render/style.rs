//! The palette, and the words that messages begin with.
//!
//! Everything is written with its colours; the streams (`anstream`) leave them out where there is no terminal, or where
//! `--no-color` or `NO_COLOR` says so.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use up_engine::Level;

use super::text;

/// What appears, or went well.
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
/// What changes, or wants attention.
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What disappears, or went wrong.
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();
/// What changes in name only, or is only being waited for.
pub(crate) const MOVED: Style = AnsiColor::Cyan.on_default();
/// What matters least.
pub(crate) const QUIET: Style = Style::new().dimmed();
/// What should be found at once.
pub(crate) const STRONG: Style = Style::new().bold();

/// The word that a message of this level begins with, and its style.
fn label(level: Level) -> (&'static str, Style) {
    match level {
        Level::Error => ("error", REMOVED.bold()),
        Level::Warning => ("warning", CHANGED.bold()),
        Level::Hint => ("hint", MOVED.bold()),
        Level::Note => ("note", STRONG),
    }
}

/// `error: …`: one message; lines after the first stand under the text of the first.
pub(crate) fn message(level: Level, text: &str) -> String {
    let (label, style) = label(level);
    let indent = format!("\n{}", " ".repeat(label.len() + 2));
    let lines = text::lines(text);
    format!("{} {}", paint(style, format_args!("{label}:")), lines.join(&indent))
}

/// `text` in `style`.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn a_message_lines_up_and_holds_no_escape_of_others() {
        let message = message(Level::Hint, "one\ntwo \u{1b}[31mred");
        assert_eq!(strip_str(&message).to_string(), "hint: one\n      two \\u{1b}[31mred");
    }
}
