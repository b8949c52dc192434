//! The words messages begin with, and the one palette.
//!
//! Everything is written with its colours; the streams (`anstream`) leave them out where there is no terminal, or where
//! `--no-color` or `NO_COLOR` says so.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use super::text;

/// What appears, or went well.
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
/// What changes, or wants attention.
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What disappears, or went wrong.
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();
/// What changes in name only, or is only being waited for.
pub(crate) const MOVED: Style = AnsiColor::Cyan.on_default();
/// What is there to be overlooked.
pub(crate) const QUIET: Style = Style::new().dimmed();
/// What is there to be found.
pub(crate) const STRONG: Style = Style::new().bold();

/// The word a message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It was not done.
    Error,
    /// It was done, and may not be what was meant.
    Warning,
    /// What the user can do now.
    Hint,
    /// What is good to know.
    Note,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
            Self::Note => "note",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Error => REMOVED.bold(),
            Self::Warning => CHANGED.bold(),
            Self::Hint => MOVED.bold(),
            Self::Note => STRONG,
        }
    }
}

/// `error: …`: one message; lines after the first stand under the text of the first.
pub(crate) fn message(word: Word, text: &str) -> String {
    let indent = format!("\n{}", " ".repeat(word.text().len() + 2));
    let lines = text::lines(text);
    format!("{} {}", paint(word.style(), format_args!("{}:", word.text())), lines.join(&indent))
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
        let message = message(Word::Hint, "one\ntwo \u{1b}[31mred");
        assert_eq!(strip_str(&message).to_string(), "hint: one\n      two \\u{1b}[31mred");
    }
}
