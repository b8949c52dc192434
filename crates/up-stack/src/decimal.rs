//! Numbers as people write them: 0.1 + 0.2 is 0.3, and 2^64 is 18446744073709551616.
//!
//! JSON keeps numbers as 64-bit integers or `f64`. Arithmetic is decimal, with 28 digits. An `f64` stands for the shortest
//! decimal number that parses to it.

use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::value::float;

/// People write at most this many digits. An `f64` with more was computed.
const WRITTEN: usize = 15;

/// The number as a decimal, if 28 digits are enough.
pub(crate) fn decimal(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    let Some((digits, power)) = text.split_once(['e', 'E']) else { return Decimal::from_str_exact(&text).ok() };
    let ten = Decimal::from(10);
    let (digits, power): (Decimal, i32) = (Decimal::from_str_exact(digits).ok()?, power.parse().ok()?);
    let scale = integer_power(ten, power.unsigned_abs())?;
    if power < 0 { digits.checked_div(scale) } else { digits.checked_mul(scale) }
}

/// A decimal as JSON: an integer if it is whole.
pub(crate) fn value(decimal: Decimal) -> Value {
    let decimal = decimal.normalize();
    let text = decimal.to_string();
    let whole = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
    whole.unwrap_or_else(|_| text.parse().map_or(Value::Null, float))
}

/// `base` to a whole power, if 28 digits are enough.
pub(crate) fn integer_power(base: Decimal, power: u32) -> Option<Decimal> {
    let (mut result, mut square, mut left) = (Decimal::ONE, base, power);
    while left > 0 {
        if left % 2 == 1 {
            result = exact(result.checked_mul(square)?, result, square)?;
        }
        left /= 2;
        if left > 0 {
            square = exact(square.checked_mul(square)?, square, square)?;
        }
    }
    Some(result)
}

/// The product, if it was not rounded.
pub(crate) fn exact(product: Decimal, one: Decimal, other: Decimal) -> Option<Decimal> {
    (product.normalize().scale() <= one.normalize().scale() + other.normalize().scale()
        && (product.is_zero() == (one.is_zero() || other.is_zero())))
    .then_some(product)
}

/// A number as text, without an exponent.
pub(crate) fn text(number: &Number) -> String {
    let Some(fraction) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    // `f64` displays as its shortest digits, followed by zeros.
    let shortest = fraction.to_string();
    let digits = shortest.trim_start_matches('-').trim_end_matches('0').len();
    if fraction.fract() == 0.0 && digits > WRITTEN { format!("{fraction:.0}") } else { shortest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let wanted = [
            ("0.30000000000000004", "0.30000000000000004"),
            ("1e23", "100000000000000000000000"),
            ("18446744073709551616", "18446744073709551616"),
            ("-18446744073709551616", "-18446744073709551616"),
            ("0.000001", "0.000001"),
            ("9007199254740993", "9007199254740993"),
            ("1.50", "1.5"),
        ];
        for (number, text) in wanted {
            assert_eq!(super::text(&of(number)), text);
        }
    }

    #[test]
    fn what_28_digits_hold_is_exact() {
        let sum = decimal(&of("0.1")).unwrap() + decimal(&of("0.2")).unwrap();
        assert_eq!(value(sum), serde_json::json!(0.3));
        assert_eq!(decimal(&of("1e-3")), Some(Decimal::new(1, 3)));
        assert_eq!(decimal(&of("1e40")), None);
        assert_eq!(integer_power(Decimal::from(2), 64).unwrap().to_string(), "18446744073709551616");
        assert_eq!(integer_power(Decimal::from(2), 200), None);
    }
}
