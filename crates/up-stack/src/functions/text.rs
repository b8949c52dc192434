//! Functions on strings.

use regex_lite::{Captures, Regex};
use serde_json::{Map, Number, Value};

use super::Arguments;
use crate::{
    decimal,
    value::{EvalError, EvalResult, not_known_yet, placeholder_in, to_json, to_number, to_text},
};

/// The largest width of `format` and `indent`.
const WIDEST: usize = 4096;

pub(super) fn upper(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.to_uppercase().into())
}

pub(super) fn lower(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.to_lowercase().into())
}

/// Starts each word with a capital letter.
pub(super) fn title(arguments: &Arguments<'_>) -> EvalResult {
    let mut is_inside = false;
    let text = arguments.text(0)?;
    let titled = text.chars().flat_map(|c| {
        let letters: Vec<char> = if is_inside { vec![c] } else { c.to_uppercase().collect() };
        is_inside = c.is_alphanumeric() || c == '_' || c == '\'';
        letters
    });
    Ok(titled.collect::<String>().into())
}

pub(super) fn trim(arguments: &Arguments<'_>) -> EvalResult {
    let characters: Vec<char> = arguments.text(1)?.chars().collect();
    Ok(arguments.text(0)?.trim_matches(&characters[..]).into())
}

pub(super) fn trimprefix(arguments: &Arguments<'_>) -> EvalResult {
    let (text, prefix) = (arguments.text(0)?, arguments.text(1)?);
    Ok(text.strip_prefix(&*prefix).unwrap_or(&text).into())
}

pub(super) fn trimsuffix(arguments: &Arguments<'_>) -> EvalResult {
    let (text, suffix) = (arguments.text(0)?, arguments.text(1)?);
    Ok(text.strip_suffix(&*suffix).unwrap_or(&text).into())
}

pub(super) fn trimspace(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.trim().into())
}

/// Removes line breaks at the end.
pub(super) fn chomp(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text_or_placeholder(0)?.trim_end_matches(['\r', '\n']).into())
}

/// Indents every line but the first.
pub(super) fn indent(arguments: &Arguments<'_>) -> EvalResult {
    let spaces = arguments.count(0)?.min(WIDEST);
    Ok(arguments.text_or_placeholder(1)?.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

pub(super) fn strrev(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.chars().rev().collect::<String>().into())
}

pub(super) fn startswith(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.starts_with(&*arguments.text(1)?).into())
}

pub(super) fn endswith(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.ends_with(&*arguments.text(1)?).into())
}

pub(super) fn strcontains(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.text(0)?.contains(&*arguments.text(1)?).into())
}

/// The parts and the separator may hold placeholders.
pub(super) fn join(arguments: &Arguments<'_>) -> EvalResult {
    let separator = arguments.text_or_placeholder(0)?;
    let mut parts = vec![];
    for index in 1..=arguments.rest(1).len() {
        parts.extend(arguments.texts(index)?);
    }
    Ok(parts.join(&separator).into())
}

pub(super) fn split(arguments: &Arguments<'_>) -> EvalResult {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    if separator.is_empty() {
        return Ok(text.chars().map(|c| Value::from(c.to_string())).collect());
    }
    Ok(text.split(&*separator).map(Value::from).collect())
}

/// Replaces a substring. Between slashes it is a regular expression.
pub(super) fn replace(arguments: &Arguments<'_>) -> EvalResult {
    let (text, part, with) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    match part.strip_prefix('/').and_then(|part| part.strip_suffix('/')) {
        Some(pattern) => {
            let pattern = compiled(arguments, 1, pattern)?;
            Ok(pattern.replace_all(&text, &*with).into_owned().into())
        }
        None => Ok(text.replace(&*part, &with).into()),
    }
}

/// The first match: its text, or its groups as a list, or as a map if they have names.
pub(super) fn regex(arguments: &Arguments<'_>) -> EvalResult {
    let pattern = compiled(arguments, 0, &arguments.text(0)?)?;
    let text = arguments.text(1)?;
    let found = pattern.captures(&text).map(|captures| matched(&pattern, &captures));
    found.ok_or_else(|| {
        let hint = "use `try` to give another value, or `can` to test for a match".to_owned();
        arguments.invalid(1, "does not match the pattern").hint(hint)
    })
}

pub(super) fn regexall(arguments: &Arguments<'_>) -> EvalResult {
    let pattern = compiled(arguments, 0, &arguments.text(0)?)?;
    let text = arguments.text(1)?;
    Ok(pattern.captures_iter(&text).map(|captures| matched(&pattern, &captures)).collect())
}

fn compiled(arguments: &Arguments<'_>, index: usize, pattern: &str) -> Result<Regex, EvalError> {
    Regex::new(pattern)
        .map_err(|error| arguments.invalid(index, &format!("is not a valid regular expression: {error}")))
}

fn matched(pattern: &Regex, captures: &Captures<'_>) -> Value {
    let text = |index: usize| captures.get(index).map_or(Value::Null, |found| found.as_str().into());
    let names: Vec<Option<&str>> = pattern.capture_names().collect();
    if names.iter().any(Option::is_some) {
        let named = names.iter().enumerate().filter_map(|(index, name)| Some(((*name)?.to_owned(), text(index))));
        return Value::Object(named.collect::<Map<_, _>>());
    }
    match names.len() {
        1 => text(0),
        groups => (1..groups).map(text).collect(),
    }
}

/// A substring, in characters. A negative offset counts from the end, and a length of -1 means the rest.
pub(super) fn substr(arguments: &Arguments<'_>) -> EvalResult {
    let text: Vec<char> = arguments.text(0)?.chars().collect();
    let (offset, length) = (arguments.whole(1)?, arguments.whole(2)?);
    let all = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (all + offset).max(0) } else { offset.min(all) };
    let end = match length {
        -1 => all,
        length if length < 0 => return Err(arguments.wrong(2, "-1 or more")),
        length => start.saturating_add(length).min(all),
    };
    let bounds = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    Ok(text[bounds].iter().collect::<String>().into())
}

pub(super) fn format(arguments: &Arguments<'_>) -> EvalResult {
    formatted(arguments, &arguments.text(0)?, arguments.rest(1)).map(Value::String)
}

/// Formats once for each item of the list arguments, which must have the same length.
pub(super) fn formatlist(arguments: &Arguments<'_>) -> EvalResult {
    let (pattern, values) = (arguments.text(0)?, arguments.rest(1));
    let mut lengths = values.iter().filter_map(|value| value.as_array().map(Vec::len));
    let length = lengths.next().unwrap_or(1);
    if lengths.any(|other| other != length) {
        return Err(arguments.invalid(1, "must have as many items as the other lists"));
    }
    let item = |index: usize| {
        let values = values.iter().map(|value| value.as_array().map_or(value, |items| &items[index]).clone());
        formatted(arguments, &pattern, &values.collect::<Vec<_>>()).map(Value::String)
    };
    (0..length).map(item).collect()
}

/// A verb of a format, such as `%05d`.
#[derive(Default)]
struct Verb {
    minus: bool,
    zero: bool,
    plus: bool,
    space: bool,
    width: usize,
    precision: Option<usize>,
}

fn formatted(arguments: &Arguments<'_>, pattern: &str, values: &[Value]) -> Result<String, EvalError> {
    let mut text = String::new();
    let mut used = 0;
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        if next != '%' {
            text.push(next);
            continue;
        }
        let mut verb = Verb::default();
        while let Some(flag) = rest.next_if(|c| "-0+ #".contains(*c)) {
            match flag {
                '-' => verb.minus = true,
                '0' => verb.zero = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                _ => {}
            }
        }
        let mut digits = || {
            let mut number = None;
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                let digit = usize::try_from(digit.to_digit(10).unwrap_or(0)).unwrap_or(0);
                number = Some((number.unwrap_or(0) * 10 + digit).min(WIDEST));
            }
            number
        };
        verb.width = digits().unwrap_or(0);
        if rest.next_if_eq(&'.').is_some() {
            verb.precision = Some(digits_of(&mut rest));
        }
        match rest.next() {
            Some('%') => text.push('%'),
            Some(letter) => {
                let absent = || arguments.invalid(0, &format!("needs more values than the {} given", values.len()));
                let value = values.get(used).ok_or_else(absent)?;
                used += 1;
                text.push_str(&verb.apply(arguments, letter, value, used)?);
            }
            None => return Err(arguments.invalid(0, "ends with an incomplete `%`")),
        }
    }
    if used < values.len() {
        return Err(arguments.invalid(0, &format!("uses {used} of the {} values given", values.len())));
    }
    Ok(text)
}

fn digits_of(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> usize {
    let mut number = 0;
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        number = (number * 10 + usize::try_from(digit.to_digit(10).unwrap_or(0)).unwrap_or(0)).min(WIDEST);
    }
    number
}

impl Verb {
    fn apply(&self, arguments: &Arguments<'_>, letter: char, value: &Value, index: usize) -> Result<String, EvalError> {
        let placeholder = placeholder_in(value);
        if let Some(quote) =
            placeholder.filter(|_| self.width > 0 || self.precision.is_some() || !"sv".contains(letter))
        {
            return Err(arguments.invalid(index, &not_known_yet(&quote)));
        }
        let wrong = |expected: &str| arguments.invalid(index, &format!("must be {expected} for `%{letter}`"));
        let number = || to_number(value).and_then(|number| number.as_f64()).ok_or_else(|| wrong("a number"));
        let whole = || to_number(value).and_then(|number| number.as_i64()).ok_or_else(|| wrong("a whole number"));
        let text = match letter {
            's' => self.cut(to_text(value).map_err(|_| wrong("a string, a number or a bool"))?),
            'v' => match value {
                Value::Array(_) | Value::Object(_) | Value::Null => to_json(value),
                plain => self.cut(to_text(plain)?),
            },
            'q' => Value::String(to_text(value).map_err(|_| wrong("a string"))?).to_string(),
            't' => crate::value::to_bool(value).ok_or_else(|| wrong("true or false"))?.to_string(),
            'd' => {
                self.signed(decimal::text(&to_number(value).filter(is_whole).ok_or_else(|| wrong("a whole number"))?))
            }
            'b' => self.signed(signed_radix(whole()?, |number| format!("{number:b}"))),
            'o' => self.signed(signed_radix(whole()?, |number| format!("{number:o}"))),
            'x' => self.signed(signed_radix(whole()?, |number| format!("{number:x}"))),
            'X' => self.signed(signed_radix(whole()?, |number| format!("{number:X}"))),
            'f' => self.signed(format!("{:.*}", self.precision.unwrap_or(6), number()?)),
            'e' => self.signed(scientific(number()?, self.precision.unwrap_or(6))),
            'g' => self.signed(decimal::text(&to_number(value).ok_or_else(|| wrong("a number"))?)),
            other => {
                return Err(arguments.invalid(
                    0,
                    &format!("has the unknown verb `%{other}`; the verbs are `%s %v %q %t %d %b %o %x %X %f %e %g`"),
                ));
            }
        };
        Ok(self.padded(text, "dboxXfeg".contains(letter)))
    }

    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        }
    }

    fn signed(&self, number: String) -> String {
        match (number.starts_with('-'), self.plus, self.space) {
            (false, true, _) => format!("+{number}"),
            (false, false, true) => format!(" {number}"),
            _ => number,
        }
    }

    fn padded(&self, text: String, is_number: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        match (self.minus, self.zero && is_number) {
            (true, _) => text + &" ".repeat(missing),
            (false, false) => " ".repeat(missing) + &text,
            (false, true) => {
                let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
                format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
            }
        }
    }
}

fn is_whole(number: &Number) -> bool {
    number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn signed_radix(number: i64, written: impl Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", written(number.unsigned_abs()))
}

/// The exponent has at least two digits, as in Go.
fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    match text.split_once('e') {
        Some((digits, power)) => match power.strip_prefix('-') {
            Some(power) => format!("{digits}e-{power:0>2}"),
            None => format!("{digits}e+{power:0>2}"),
        },
        None => text,
    }
}
