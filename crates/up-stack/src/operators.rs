//! `+`, `==`, `&&` and their like.

use hcl::expr::{BinaryOp, BinaryOperator, Operation, UnaryOp, UnaryOperator};
use serde_json::{Number, Value};

use crate::{
    decimal,
    eval::Evaluator,
    value::{Fault, described, float, mark_in, not_known, same, to_bool, to_number},
};

/// Evaluates an operation and its operands.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, operation: &Operation) -> Result<Value, Fault> {
    match operation {
        Operation::Unary(UnaryOp { operator, expr }) => {
            let value = evaluator.expression(expr)?;
            match operator {
                UnaryOperator::Not => Ok(Value::Bool(!bool(&value, "!")?)),
                UnaryOperator::Neg => arithmetic(&0.into(), BinaryOperator::Minus, &number(&value, "-")?),
            }
        }
        Operation::Binary(operation) => binary(evaluator, operation),
    }
}

fn binary(evaluator: &mut Evaluator<'_>, operation: &BinaryOp) -> Result<Value, Fault> {
    use BinaryOperator::{And, Eq, Greater, GreaterEq, Less, LessEq, NotEq, Or};
    let BinaryOp { lhs_expr, operator, rhs_expr } = operation;
    let sign = operator.as_str();
    let left = evaluator.expression(lhs_expr)?;
    // What stands right of these two matters only where the left one does not decide.
    match operator {
        And if !bool(&left, sign)? => return Ok(Value::Bool(false)),
        Or if bool(&left, sign)? => return Ok(Value::Bool(true)),
        _ => {}
    }
    let right = evaluator.expression(rhs_expr)?;
    match operator {
        And | Or => Ok(Value::Bool(bool(&right, sign)?)),
        Eq => same(&left, &right).map(Value::Bool),
        NotEq => same(&left, &right).map(|same| Value::Bool(!same)),
        Less | LessEq | Greater | GreaterEq => {
            let (left, right) = (number(&left, sign)?, number(&right, sign)?);
            let order = left.as_f64().partial_cmp(&right.as_f64());
            Ok(Value::Bool(match operator {
                Less => order.is_some_and(|order| order.is_lt()),
                LessEq => order.is_some_and(|order| order.is_le()),
                Greater => order.is_some_and(|order| order.is_gt()),
                _ => order.is_some_and(|order| order.is_ge()),
            }))
        }
        _ => arithmetic(&number(&left, sign)?, *operator, &number(&right, sign)?),
    }
}

/// In decimal, as long as 28 digits hold it.
fn arithmetic(left: &Number, operator: BinaryOperator, right: &Number) -> Result<Value, Fault> {
    use BinaryOperator::{Div, Minus, Mod, Mul, Plus};
    let (Some(one), Some(other)) = (left.as_f64(), right.as_f64()) else {
        return Err(Fault::new("this number is too large to calculate with"));
    };
    if matches!(operator, Div | Mod) && other == 0.0 {
        return Err(Fault::new("this divides by zero"));
    }
    if let (Some(one), Some(other)) = (decimal::decimal(left), decimal::decimal(right)) {
        let result = match operator {
            Plus => one.checked_add(other),
            Minus => one.checked_sub(other),
            Mul => one.checked_mul(other).and_then(|product| decimal::exact(product, one, other)),
            Mod => one.checked_rem(other),
            _ => one.checked_div(other),
        };
        if let Some(result) = result {
            return Ok(decimal::value(result));
        }
    }
    let result = match operator {
        Plus => one + other,
        Minus => one - other,
        Mul => one * other,
        Mod => one % other,
        _ => one / other,
    };
    if result.is_finite() { Ok(float(result)) } else { Err(Fault::new("the result is too large a number")) }
}

fn number(value: &Value, sign: &str) -> Result<Number, Fault> {
    to_number(value).ok_or_else(|| match mark_in(value) {
        Some(quote) => Fault::new(not_known(&quote)),
        None => {
            let hint = (sign == "+").then(|| "text is joined by writing it side by side: `\"${a}${b}\"`".to_owned());
            Fault::new(format!("`{sign}` wants numbers, and this is {}", described(value))).hint(hint)
        }
    })
}

fn bool(value: &Value, sign: &str) -> Result<bool, Fault> {
    to_bool(value).ok_or_else(|| match mark_in(value) {
        Some(quote) => Fault::new(not_known(&quote)),
        None => Fault::new(format!("`{sign}` wants true or false, and this is {}", described(value))),
    })
}
