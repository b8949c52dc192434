//! Operators: `+`, `==`, `&&` and others.

use hcl::expr::{BinaryOp, BinaryOperator, Operation, UnaryOp, UnaryOperator};
use serde_json::{Number, Value};

use crate::{
    decimal,
    eval::Evaluator,
    value::{EvalError, described, float, not_known_yet, placeholder_in, same, to_bool, to_number},
};

/// Evaluates an operation and its operands.
pub(crate) fn evaluate(evaluator: &mut Evaluator<'_>, operation: &Operation) -> Result<Value, EvalError> {
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

fn binary(evaluator: &mut Evaluator<'_>, operation: &BinaryOp) -> Result<Value, EvalError> {
    use BinaryOperator::{And, Eq, Greater, GreaterEq, Less, LessEq, NotEq, Or};
    let BinaryOp { lhs_expr, operator, rhs_expr } = operation;
    let sign = operator.as_str();
    let left = evaluator.expression(lhs_expr)?;
    // The right side is evaluated only if the left side does not decide.
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

/// Calculates in decimal if 28 digits are enough, else with `f64`.
fn arithmetic(left: &Number, operator: BinaryOperator, right: &Number) -> Result<Value, EvalError> {
    use BinaryOperator::{Div, Minus, Mod, Mul, Plus};
    let (Some(one), Some(other)) = (left.as_f64(), right.as_f64()) else {
        return Err(EvalError::new("number too large to calculate with"));
    };
    if matches!(operator, Div | Mod) && other == 0.0 {
        return Err(EvalError::new("division by zero"));
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
    if result.is_finite() { Ok(float(result)) } else { Err(EvalError::new("the result is too large")) }
}

fn number(value: &Value, sign: &str) -> Result<Number, EvalError> {
    to_number(value).ok_or_else(|| match placeholder_in(value) {
        Some(quote) => EvalError::new(not_known_yet(&quote)),
        None => {
            let hint = (sign == "+").then(|| "to join strings, write `\"${a}${b}\"`".to_owned());
            EvalError::new(format!("`{sign}` needs numbers, not {}", described(value))).hint(hint)
        }
    })
}

fn bool(value: &Value, sign: &str) -> Result<bool, EvalError> {
    to_bool(value).ok_or_else(|| match placeholder_in(value) {
        Some(quote) => EvalError::new(not_known_yet(&quote)),
        None => EvalError::new(format!("`{sign}` needs true or false, not {}", described(value))),
    })
}
