//! Text and durations, safe for a terminal.

use std::{fmt::Write, time::Duration};

use up_core::placeholder;

use crate::{
    secrets::masked,
    terminal::{is_unsafe, rewritten},
};

/// Escapes control characters in foreign text, and shows placeholders as the expressions that they stand for. Secrets
/// are masked first, so that cutting the text leaves no part of one.
pub(crate) fn safe(text: &str) -> String {
    let text = masked(text);
    // The delimiters of placeholders are unsafe characters too.
    if !text.contains(is_unsafe) {
        return text.into_owned();
    }
    let readable = placeholder::readable(&text);
    let safe = rewritten(&readable, is_unsafe, |c, _, safe| {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c => write!(safe, "\\u{{{:x}}}", u32::from(c)).expect("text takes text"),
        }
        c.len_utf8()
    });
    safe.into_owned()
}

/// Text of several lines, each made safe.
pub(crate) fn lines(text: &str) -> Vec<String> {
    masked(text).lines().map(safe).collect()
}

/// Text cut to at most `longest` characters.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    if text.len() <= longest || text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// An id for use in a sentence: of an ARN, the part after account and region.
pub(crate) fn id(id: &str) -> String {
    let resource = if id.starts_with("arn:") { id.splitn(6, ':').nth(5) } else { None };
    safe(resource.unwrap_or(id))
}

/// Two texts, cut so that their first difference is visible.
pub(crate) fn cut_alike(one: &str, other: &str, longest: usize) -> (String, String) {
    const LEAD: usize = 16;
    let fits = |text: &str| text.chars().count() <= longest;
    if fits(one) && fits(other) {
        return (one.to_owned(), other.to_owned());
    }
    let common = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let skipped = if common < longest / 2 { 0 } else { common - LEAD.min(common) };
    let from = |text: &str| match skipped {
        0 => cut(text, longest),
        _ => cut(&['…'].into_iter().chain(text.chars().skip(skipped)).collect::<String>(), longest),
    };
    (from(one), from(other))
}

/// `1 resource`, `3 resources`.
pub(crate) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// A measured time: `0.4s`, `12s`, `3m12s`, `1h02m`.
pub(crate) fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Time since the start, as a clock: `0:12`, `1:02:03`.
pub(crate) fn clock(time: Duration) -> String {
    let (hours, minutes, seconds) = (time.as_secs() / 3600, time.as_secs() / 60 % 60, time.as_secs() % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(safe("a\u{1b}[2Jb\u{7}\n\u{9b}31m\u{202e}c"), "a\\u{1b}[2Jb\\u{7}\\n\\u{9b}31m\\u{202e}c");
        assert_eq!(safe("\u{e000}ecs.cluster.main#arn\u{e001}"), "${ecs.cluster.main.arn}");
        assert_eq!(safe("\u{e000} half a mark"), "\\u{e000} half a mark");
    }

    #[test]
    fn cutting_keeps_the_difference() {
        assert_eq!(cut("abcdef", 4), "abc…");
        let prefix = "x".repeat(100);
        let (one, other) = cut_alike(&format!("{prefix}1.2"), &format!("{prefix}1.3"), 40);
        assert_eq!((one.as_str(), other.as_str()), ("…xxxxxxxxxxxxxx1.2", "…xxxxxxxxxxxxxx1.3"));
    }

    #[test]
    fn of_an_arn_only_the_resource_is_said() {
        assert_eq!(id("arn:aws:ecs:us-east-1:111122223333:task-definition/orders:1"), "task-definition/orders:1");
        assert_eq!([id("vpc-1"), id("arn:odd")], ["vpc-1", "arn:odd"]);
    }

    #[test]
    fn times_read_as_people_say_them() {
        let seconds = Duration::from_secs;
        assert_eq!(
            [took(Duration::from_millis(1234)), took(seconds(192)), took(seconds(3720))],
            ["1.2s", "3m12s", "1h02m"]
        );
        assert_eq!([clock(seconds(12)), clock(seconds(3723))], ["0:12", "1:02:03"]);
    }
}
