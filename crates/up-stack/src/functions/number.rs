//! Functions on numbers.

use rust_decimal::Decimal;
use serde_json::Value;

use super::Arguments;
use crate::{
    decimal::{self, integer_power},
    value::{EvalError, EvalResult, float, to_number},
};

pub(super) fn abs(arguments: &Arguments<'_>) -> EvalResult {
    rounded(arguments, |number| number.abs(), f64::abs)
}

pub(super) fn ceil(arguments: &Arguments<'_>) -> EvalResult {
    rounded(arguments, |number| number.ceil(), f64::ceil)
}

pub(super) fn floor(arguments: &Arguments<'_>) -> EvalResult {
    rounded(arguments, |number| number.floor(), f64::floor)
}

/// Rounds in decimal if 28 digits are enough, else with `f64`.
fn rounded(arguments: &Arguments<'_>, exact: fn(&Decimal) -> Decimal, near: fn(f64) -> f64) -> EvalResult {
    let number = arguments.number(0)?;
    let decimal = to_number(arguments.value(0)).and_then(|number| decimal::decimal(&number));
    Ok(decimal.map_or_else(|| float(near(number)), |decimal| decimal::value(exact(&decimal))))
}

/// -1, 0 or 1.
pub(super) fn signum(arguments: &Arguments<'_>) -> EvalResult {
    let number = arguments.number(0)?;
    Ok(Value::from(i64::from(number > 0.0) - i64::from(number < 0.0)))
}

pub(super) fn log(arguments: &Arguments<'_>) -> EvalResult {
    let (number, base) = (arguments.number(0)?, arguments.number(1)?);
    let result = if base == 10.0 { number.log10() } else { number.log(base) };
    finite(result, "`log`: the result is not a number")
}

pub(super) fn pow(arguments: &Arguments<'_>) -> EvalResult {
    let (number, power) = (arguments.number(0)?, arguments.number(1)?);
    let base = to_number(arguments.value(0)).and_then(|number| decimal::decimal(&number));
    let whole = to_number(arguments.value(1)).and_then(|power| u32::try_from(power.as_u64()?).ok());
    match base.zip(whole).and_then(|(base, power)| integer_power(base, power)) {
        Some(result) => Ok(decimal::value(result)),
        None => finite(number.powf(power), "`pow`: the result is too large"),
    }
}

fn finite(result: f64, otherwise: &str) -> EvalResult {
    if result.is_finite() { Ok(float(result)) } else { Err(EvalError::new(otherwise)) }
}

pub(super) fn min(arguments: &Arguments<'_>) -> EvalResult {
    extreme(arguments, "min", |one, other| one < other)
}

pub(super) fn max(arguments: &Arguments<'_>) -> EvalResult {
    extreme(arguments, "max", |one, other| one > other)
}

fn extreme(arguments: &Arguments<'_>, name: &str, is_better: fn(f64, f64) -> bool) -> EvalResult {
    let mut best = None;
    for index in 0..arguments.rest(0).len() {
        let number = arguments.number(index)?;
        if best.is_none_or(|(_, known)| is_better(number, known)) {
            best = Some((index, number));
        }
    }
    let (index, _) = best.ok_or_else(|| EvalError::new(format!("`{name}` takes at least one number")))?;
    Ok(to_number(arguments.value(index)).map_or(Value::Null, Value::Number))
}

pub(super) fn sum(arguments: &Arguments<'_>) -> EvalResult {
    arguments.known(0)?;
    let number = |item: &Value| to_number(item).ok_or_else(|| arguments.wrong(0, "a list of numbers"));
    let numbers = arguments.list(0)?.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let exact = numbers.iter().map(decimal::decimal).try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number?));
    let near = || float(numbers.iter().filter_map(serde_json::Number::as_f64).sum());
    Ok(exact.map_or_else(near, decimal::value))
}

/// Parses a whole number in a base from 2 to 62.
pub(super) fn parseint(arguments: &Arguments<'_>) -> EvalResult {
    let (text, base) = (arguments.text(0)?, arguments.count(1)?);
    if !(2..=62).contains(&base) {
        return Err(arguments.wrong(1, "from 2 to 62"));
    }
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let number = digits.chars().try_fold(0_i128, |number, digit| {
        let worth = worth(digit, base).filter(|worth| *worth < base)?;
        number.checked_mul(i128::try_from(base).ok()?)?.checked_add(i128::try_from(worth).ok()?)
    });
    let number = number.filter(|_| !digits.is_empty()).and_then(|number| i64::try_from(number).ok());
    let number =
        number.ok_or_else(|| arguments.invalid(0, &format!("is not a whole number in base {base}: {text:?}")))?;
    Ok(Value::from(if digits.len() < text.len() { -number } else { number }))
}

/// The value of a digit. Up to base 36 case is ignored; above, lower-case letters come first.
fn worth(digit: char, base: usize) -> Option<usize> {
    let from = |first: char| usize::try_from(u32::from(digit) - u32::from(first)).ok();
    match digit {
        '0'..='9' => from('0'),
        'a'..='z' => from('a').map(|worth| worth + 10),
        'A'..='Z' => from('A').map(|worth| worth + if base <= 36 { 10 } else { 36 }),
        _ => None,
    }
}
