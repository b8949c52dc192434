//! Functions on timestamps such as `2018-01-02T23:12:01Z` (RFC 3339). None reads the clock.

use std::fmt::Write;

use jiff::civil::{DateTime, date};
use regex_lite::Regex;

use super::Arguments;
use crate::value::{EvalError, EvalResult};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A timestamp as written.
struct Timestamp {
    /// Date and time in its time zone.
    local: DateTime,
    /// Offset from UTC, in minutes.
    ahead: i64,
}

/// Formats a timestamp.
pub(super) fn formatdate(arguments: &Arguments<'_>) -> EvalResult {
    let (form, timestamp) = (arguments.text(0)?, timestamp(arguments, 1)?);
    let mut text = String::new();
    let mut rest = form.chars().peekable();
    while let Some(first) = rest.next() {
        if first == '\'' {
            quoted(&mut rest, &mut text).ok_or_else(|| arguments.invalid(0, "has an unclosed quote"))?;
        } else if first.is_ascii_alphabetic() {
            let mut verb = String::from(first);
            while let Some(same) = rest.next_if_eq(&first) {
                verb.push(same);
            }
            let written = timestamp.written(&verb);
            text += &written.ok_or_else(|| {
                let hint = "write literal letters in quotes: `'at'`".to_owned();
                arguments.invalid(0, &format!("has the unknown sequence `{verb}`")).hint(hint)
            })?;
        } else {
            text.push(first);
        }
    }
    Ok(text.into())
}

/// Quoted text. Two quotes stand for one.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &mut String) -> Option<()> {
    loop {
        match rest.next()? {
            '\'' if rest.next_if_eq(&'\'').is_none() => return Some(()),
            c => text.push(c),
        }
    }
}

/// Adds a duration such as `10m` or `-1h30m` to a timestamp.
pub(super) fn timeadd(arguments: &Arguments<'_>) -> EvalResult {
    let (Timestamp { local, ahead }, text) = (timestamp(arguments, 0)?, arguments.text(1)?);
    let nanoseconds = duration(&text).ok_or_else(|| arguments.wrong(1, "a duration such as `10m` or `-1h30m`"))?;
    let later = local.checked_add(jiff::SignedDuration::from_nanos(nanoseconds));
    let local = later.map_err(|_| arguments.invalid(1, "leads to a date out of range"))?;
    Ok(Timestamp { local, ahead }.text().into())
}

/// Compares two timestamps, whatever their time zones: -1, 0 or 1.
pub(super) fn timecmp(arguments: &Arguments<'_>) -> EvalResult {
    let order = timestamp(arguments, 0)?.instant().cmp(&timestamp(arguments, 1)?.instant());
    Ok((order as i64).into())
}

fn timestamp(arguments: &Arguments<'_>, index: usize) -> Result<Timestamp, EvalError> {
    let text = arguments.text(index)?;
    Timestamp::read(&text).ok_or_else(|| arguments.wrong(index, "a timestamp such as `2018-01-02T23:12:01Z`"))
}

/// Parses a duration such as `1h30m`, to nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0_i64;
    loop {
        let unit = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: rust_decimal::Decimal = rest[..unit].trim_end_matches('.').parse().ok()?;
        rest = &rest[unit..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let worth: i64 = match &rest[..end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        rest = &rest[end..];
        sum = sum.checked_add(i64::try_from(number.checked_mul(worth.into())?.trunc()).ok()?)?;
        if rest.is_empty() {
            return Some(sign * sum);
        }
    }
}

impl Timestamp {
    fn read(text: &str) -> Option<Self> {
        let form = r"^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$";
        let found = Regex::new(form).expect("the form is a regular expression").captures(text)?;
        let part = |index: usize| found.get(index).map_or(Some(0), |part| part.as_str().parse::<i64>().ok());
        let small = |index: usize| i8::try_from(part(index)?).ok();
        let day = jiff::civil::Date::new(i16::try_from(part(1)?).ok()?, small(2)?, small(3)?).ok()?;
        let fraction = found.get(7).map_or("", |fraction| fraction.as_str());
        let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
        let time = jiff::civil::Time::new(small(4)?, small(5)?, small(6)?, nanoseconds).ok()?;
        let ahead = part(9)? * 60 + part(10)?;
        let is_behind = found.get(8).is_some_and(|sign| sign.as_str() == "-");
        let fits = part(9)? < 24 && part(10)? < 60;
        fits.then(|| Self { local: day.to_datetime(time), ahead: if is_behind { -ahead } else { ahead } })
    }

    /// Seconds and nanoseconds since the year 1, in UTC.
    fn instant(&self) -> (i64, i32) {
        let since = self.local.duration_since(date(1, 1, 1).to_datetime(jiff::civil::Time::midnight()));
        (since.as_secs() - self.ahead * 60, since.subsec_nanos())
    }

    /// RFC 3339, without fractions of a second.
    fn text(&self) -> String {
        self.local.strftime("%Y-%m-%dT%H:%M:%S").to_string() + &self.zone("Z", ":")
    }

    fn zone(&self, utc: &str, between: &str) -> String {
        if self.ahead == 0 && !utc.is_empty() {
            return utc.to_owned();
        }
        let mut text = String::from(if self.ahead < 0 { '-' } else { '+' });
        let minutes = self.ahead.abs();
        write!(text, "{:02}{between}{:02}", minutes / 60, minutes % 60).expect("text takes text");
        text
    }

    /// The value of a format letter, repeated or not.
    fn written(&self, verb: &str) -> Option<String> {
        let local = &self.local;
        let month = usize::try_from(local.month() - 1).ok()?;
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).ok()?;
        let hour = if local.hour() % 12 == 0 { 12 } else { local.hour() % 12 };
        let half = if local.hour() < 12 { "am" } else { "pm" };
        Some(match verb {
            "YYYY" => format!("{:04}", local.year()),
            "YY" => format!("{:02}", local.year() % 100),
            "MMMM" => MONTHS.get(month)?.to_string(),
            "MMM" => MONTHS.get(month)?[..3].to_owned(),
            "MM" => format!("{:02}", local.month()),
            "M" => local.month().to_string(),
            "DD" => format!("{:02}", local.day()),
            "D" => local.day().to_string(),
            "EEEE" => DAYS.get(day)?.to_string(),
            "EEE" => DAYS.get(day)?[..3].to_owned(),
            "hh" => format!("{:02}", local.hour()),
            "h" => local.hour().to_string(),
            "HH" => format!("{hour:02}"),
            "H" => hour.to_string(),
            "AA" => half.to_uppercase(),
            "aa" => half.to_owned(),
            "mm" => format!("{:02}", local.minute()),
            "m" => local.minute().to_string(),
            "ss" => format!("{:02}", local.second()),
            "s" => local.second().to_string(),
            "ZZZZZ" => self.zone("", ":"),
            "ZZZZ" => self.zone("", ""),
            "ZZZ" => self.zone("UTC", ""),
            "Z" => self.zone("Z", ":"),
            _ => return None,
        })
    }
}
