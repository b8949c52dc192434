//! Functions on numbers.

use serde_json::Value;

use super::{Answer, Arguments};
use crate::value::{Fault, float, to_number};

pub(super) fn abs(arguments: &Arguments<'_>) -> Answer {
    Ok(float(arguments.number(0)?.abs()))
}

pub(super) fn ceil(arguments: &Arguments<'_>) -> Answer {
    Ok(float(arguments.number(0)?.ceil()))
}

pub(super) fn floor(arguments: &Arguments<'_>) -> Answer {
    Ok(float(arguments.number(0)?.floor()))
}

pub(super) fn pow(arguments: &Arguments<'_>) -> Answer {
    let result = arguments.number(0)?.powf(arguments.number(1)?);
    if result.is_finite() { Ok(float(result)) } else { Err(Fault::new("`pow`: the result is too large a number")) }
}

pub(super) fn min(arguments: &Arguments<'_>) -> Answer {
    extreme(arguments, "min", f64::min)
}

pub(super) fn max(arguments: &Arguments<'_>) -> Answer {
    extreme(arguments, "max", f64::max)
}

fn extreme(arguments: &Arguments<'_>, name: &str, pick: fn(f64, f64) -> f64) -> Answer {
    let numbers = (0..arguments.rest(0).len()).map(|index| arguments.number(index));
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let picked = numbers.into_iter().reduce(pick);
    picked.map(float).ok_or_else(|| Fault::new(format!("`{name}` wants at least one number")))
}

pub(super) fn sum(arguments: &Arguments<'_>) -> Answer {
    arguments.known(0)?;
    let number = |item: &Value| {
        let number = to_number(item).and_then(|number| number.as_f64());
        number.ok_or_else(|| arguments.wrong(0, "a list of numbers"))
    };
    let sum: f64 = arguments.list(0)?.iter().map(number).sum::<Result<_, _>>()?;
    Ok(float(sum))
}
