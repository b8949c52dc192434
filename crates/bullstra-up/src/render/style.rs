//! Colours, and the words at the beginning of messages.
//!
//! All text is written with colours; the streams (`anstream`) remove them if the output is not a terminal, or for
//! `--no-color` or `NO_COLOR`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use up_engine::Level;

use super::text;

/// Added or successful.
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
/// Changed, or worth attention.
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Removed or failed.
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();
/// Renamed, or only waited for.
pub(crate) const MOVED: Style = AnsiColor::Cyan.on_default();
/// The least important text.
pub(crate) const QUIET: Style = Style::new().dimmed();
/// The most important text.
pub(crate) const STRONG: Style = Style::new().bold();

/// The first word of a message of this level, and its style.
fn label(level: Level) -> (&'static str, Style) {
    match level {
        Level::Error => ("error", REMOVED.bold()),
        Level::Warning => ("warning", CHANGED.bold()),
        Level::Hint => ("hint", MOVED.bold()),
        Level::Note => ("note", STRONG),
    }
}

/// A message such as `error: …`; its further lines are indented to its text.
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
