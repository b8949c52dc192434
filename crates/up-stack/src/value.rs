//! Values of expressions: JSON, where strings may hold placeholders and `{"$ref": …}` is a resource.

use std::str::FromStr;

use serde_json::{Map, Number, Value};
use up_model::{
    Address,
    placeholder::{self, Placeholder},
};

use crate::{decimal, suggest::Suggestions};

/// The value of an expression, or why it has none.
pub(crate) type EvalResult<T = Value> = Result<T, EvalError>;

/// Why an expression has no value.
#[derive(Debug, Clone)]
pub(crate) enum EvalError {
    /// The cause has been reported where it is.
    Reported,
    /// The expression itself is invalid.
    Invalid(Box<ErrorDetail>),
}

/// What is wrong with an expression, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct ErrorDetail {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The part of the expression's text to underline, if it occurs there.
    pub(crate) underlined: Option<String>,
}

impl EvalError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Invalid(Box::new(ErrorDetail { message: message.into(), hint: None, underlined: None }))
    }

    pub(crate) fn hint(self, hint: impl Into<Option<String>>) -> Self {
        match self {
            Self::Reported => Self::Reported,
            Self::Invalid(wrong) => Self::Invalid(Box::new(ErrorDetail { hint: hint.into(), ..*wrong })),
        }
    }

    pub(crate) fn underline(self, underlined: impl Into<String>) -> Self {
        match self {
            Self::Reported => Self::Reported,
            Self::Invalid(wrong) => {
                Self::Invalid(Box::new(ErrorDetail { underlined: Some(underlined.into()), ..*wrong }))
            }
        }
    }
}

/// A resource as a value: `{"$ref": "<address>"}`.
pub(crate) fn resource(address: &Address) -> Value {
    Value::Object(Map::from_iter([("$ref".to_owned(), Value::String(address.text()))]))
}

/// The resource that a value refers to, if it is a reference.
pub(crate) fn as_resource(value: &Value) -> Option<Address> {
    let Value::Object(map) = value else { return None };
    let address = map.get("$ref").filter(|_| map.len() == 1)?;
    Address::from_str(address.as_str()?).ok()
}

/// The first resource in a value, at any depth.
pub(crate) fn resource_in(value: &Value) -> Option<Address> {
    match value {
        Value::Array(items) => items.iter().find_map(resource_in),
        Value::Object(map) => as_resource(value).or_else(|| map.values().find_map(resource_in)),
        _ => None,
    }
}

/// The id in a reference to a resource outside the stack: `{"$id": …}`.
pub(crate) fn as_outside(value: &Value) -> Option<&str> {
    value.as_object()?.get("$id")?.as_str()
}

/// The first placeholder in a value.
pub(crate) fn placeholder_in(value: &Value) -> Option<Placeholder> {
    placeholder::placeholders(value).into_iter().next()
}

/// The message for a value that is not known before an apply.
pub(crate) fn not_known_yet(quote: &Placeholder) -> String {
    let Placeholder { address, attribute } = quote;
    match address.as_str() {
        "stack" => format!(
            "`stack.{attribute}` is known only once AWS has been asked: it can be joined and encoded, but not computed with"
        ),
        "deployed" => "`deployed` stands for what runs, which only AWS knows: it cannot be computed with".to_owned(),
        _ => format!(
            "`{attribute}` of {address} is known only once it exists: it can be joined and encoded, but not computed with"
        ),
    }
}

/// What a value is, for messages.
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => format!("the bool {value}"),
        Value::Number(number) => format!("the number {}", decimal::text(number)),
        Value::String(text) if placeholder::has_placeholder(text) => "a string that is not known yet".into(),
        Value::String(text) if text.chars().count() > 40 => "a string".into(),
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => as_resource(value).map_or("a map".into(), |address| format!("the resource {address}")),
    }
}

/// A number as JSON: an integer if it is whole.
pub(crate) fn number(number: &hcl::Number) -> Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => whole.into(),
        (None, Some(whole)) => whole.into(),
        (None, None) => number.as_f64().map_or(Value::Null, float),
    }
}

/// A computed number as JSON: an integer if it is whole.
pub(crate) fn float(number: f64) -> Value {
    /// Up to this number an `f64` holds every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A value as a part of a string.
pub(crate) fn to_text(value: &Value) -> Result<String, EvalError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(decimal::text(number)),
        Value::Null => Err(EvalError::new("null cannot be used in a string")
            .hint(Some("use `coalesce(…, \"\")` or a condition".to_owned()))),
        Value::Array(_) => {
            Err(EvalError::new("a list cannot be used in a string").hint(Some("use `join` or `jsonencode`".to_owned())))
        }
        Value::Object(_) => Err(match as_resource(value) {
            Some(address) => EvalError::new(format!("a resource cannot be used in a string: {address}"))
                .hint(Some("use an attribute of it, such as `.id`".to_owned())),
            None => EvalError::new("a map cannot be used in a string").hint(Some("use `jsonencode`".to_owned())),
        }),
    }
}

/// A number, or a string that holds one, as in Terraform.
pub(crate) fn to_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => {
            let whole = text.parse::<i64>().map(Number::from).ok();
            whole.or_else(|| text.parse().ok().and_then(Number::from_f64))
        }
        _ => None,
    }
}

/// `true`, `false`, or a string that holds one of them.
pub(crate) fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// The entries of a map in the order of their keys, as Terraform iterates over them.
pub(crate) fn by_key(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// True if the two are equal; an error if that depends on a value that is not known yet.
pub(crate) fn same(one: &Value, other: &Value) -> Result<bool, EvalError> {
    if one == other {
        return Ok(true);
    }
    if one.is_null() || other.is_null() {
        return Ok(false);
    }
    match placeholder_in(one).or_else(|| placeholder_in(other)) {
        Some(quote) => Err(EvalError::new(not_known_yet(&quote))),
        None => Ok(match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            _ => false,
        }),
    }
}

/// JSON with the keys of each object sorted, as `jsonencode` writes it.
pub(crate) fn to_json(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            Value::Object(by_key(map).into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        other => other.clone(),
    }
}

/// An entry of a map.
pub(crate) fn entry<'v>(value: &'v Value, name: &str, suggestions: &Suggestions) -> Result<&'v Value, EvalError> {
    let Value::Object(map) = value else {
        let message = match placeholder_in(value) {
            Some(quote) => not_known_yet(&quote),
            None => format!("{} has no `{name}`", described(value)),
        };
        return Err(EvalError::new(message).underline(name));
    };
    let absent = || {
        let hint = suggestions.hint(name, map.keys().map(String::as_str));
        EvalError::new(format!("the map has no key `{name}`")).hint(hint).underline(name)
    };
    map.get(name).ok_or_else(absent)
}

/// An item of a list.
pub(crate) fn item(value: &Value, index: usize) -> Result<&Value, EvalError> {
    match value {
        Value::Array(items) => items.get(index).ok_or_else(|| {
            EvalError::new(format!("the list has no item {index}: it has {} items, counted from 0", items.len()))
        }),
        other => Err(EvalError::new(format!("only a list has items by number, not {}", described(other)))),
    }
}

/// About how much memory a value takes.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 16 + text.len(),
        Value::Array(items) => 16 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 16 + map.iter().map(|(key, value)| 16 + key.len() + size(value)).sum::<usize>(),
        _ => 16,
    }
}
