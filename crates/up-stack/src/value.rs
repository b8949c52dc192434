//! What expressions work on: JSON values, of which some text is marked and some objects are resources.

use std::str::FromStr;

use serde_json::{Map, Number, Value};
use up_core::{
    Address,
    placeholder::{self, Placeholder},
};

use crate::{decimal, suggest::suggest};

/// Why an expression has no value.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Because of something that has been reported where it is wrong.
    Said,
    /// Because it is wrong itself.
    Wrong(Box<Wrong>),
}

/// What is wrong with an expression.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The part of the expression's text to point at, where it is written there.
    pub(crate) needle: Option<String>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Wrong(Box::new(Wrong { message: message.into(), hint: None, needle: None }))
    }

    pub(crate) fn hint(self, hint: impl Into<Option<String>>) -> Self {
        match self {
            Self::Said => Self::Said,
            Self::Wrong(wrong) => Self::Wrong(Box::new(Wrong { hint: hint.into(), ..*wrong })),
        }
    }

    pub(crate) fn needle(self, needle: impl Into<String>) -> Self {
        match self {
            Self::Said => Self::Said,
            Self::Wrong(wrong) => Self::Wrong(Box::new(Wrong { needle: Some(needle.into()), ..*wrong })),
        }
    }
}

/// A resource as a value: `{"$ref": "<address>"}`.
pub(crate) fn resource(address: &Address) -> Value {
    Value::Object(Map::from_iter([("$ref".to_owned(), Value::String(address.text()))]))
}

/// The resource that a value is.
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

/// The id of something outside the stack that a value is: `{"$id": …}`, or as the user writes it.
pub(crate) fn as_outside(value: &Value) -> Option<&str> {
    value.as_object()?.get("$id")?.as_str()
}

/// The first mark in a value.
pub(crate) fn mark_in(value: &Value) -> Option<Placeholder> {
    placeholder::placeholders(value).into_iter().next()
}

/// Says that a value quotes what is not known yet.
pub(crate) fn not_known(quote: &Placeholder) -> String {
    let Placeholder { address, attribute } = quote;
    match address.as_str() {
        "stack" => format!(
            "`stack.{attribute}` is only known once AWS is asked; it can be quoted, joined and encoded, not computed on"
        ),
        _ => format!(
            "`{attribute}` of {address} is only known once that exists; it can be quoted, joined and encoded, not computed on"
        ),
    }
}

/// What a value is, for messages.
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => format!("the bool {value}"),
        Value::Number(number) => format!("the number {}", decimal::text(number)),
        Value::String(text) if placeholder::has_placeholder(text) => "text that is not known yet".into(),
        Value::String(text) if text.chars().count() > 40 => "text".into(),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => as_resource(value).map_or("a map".into(), |address| format!("the resource {address}")),
    }
}

/// A number as JSON has it: whole where it is whole.
pub(crate) fn number(number: &hcl::Number) -> Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => whole.into(),
        (None, Some(whole)) => whole.into(),
        (None, None) => number.as_f64().map_or(Value::Null, float),
    }
}

/// A number that arithmetic gave: whole where it is whole.
pub(crate) fn float(number: f64) -> Value {
    /// Up to here every whole number has its own `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A value in the middle of text.
pub(crate) fn to_text(value: &Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(decimal::text(number)),
        Value::Null => Err(Fault::new("null cannot stand in text")
            .hint(Some("`coalesce(…, \"\")` or a condition gives it a text".to_owned()))),
        Value::Array(_) => {
            Err(Fault::new("a list cannot stand in text").hint(Some("use `join` or `jsonencode`".to_owned())))
        }
        Value::Object(_) => Err(match as_resource(value) {
            Some(address) => Fault::new(format!("a resource cannot stand in text: {address}"))
                .hint(Some("name the attribute that is meant, such as `.id`".to_owned())),
            None => Fault::new("a map cannot stand in text").hint(Some("use `jsonencode`".to_owned())),
        }),
    }
}

/// A text that reads as a number counts as one, as in Terraform.
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

/// `true`, `false`, and the texts that read so.
pub(crate) fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// The entries of a map by key, which is the order in which Terraform walks them.
pub(crate) fn by_key(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// True where the two are the same; an error where that depends on what is not known yet.
pub(crate) fn same(one: &Value, other: &Value) -> Result<bool, Fault> {
    if one == other {
        return Ok(true);
    }
    if one.is_null() || other.is_null() {
        return Ok(false);
    }
    match mark_in(one).or_else(|| mark_in(other)) {
        Some(quote) => Err(Fault::new(not_known(&quote))),
        None => Ok(match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            _ => false,
        }),
    }
}

/// JSON text with the keys of each object in order, as `jsonencode` has it.
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
pub(crate) fn entry<'v>(value: &'v Value, name: &str) -> Result<&'v Value, Fault> {
    let Value::Object(map) = value else {
        let message = match mark_in(value) {
            Some(quote) => not_known(&quote),
            None => format!("there is no `{name}` in {}", described(value)),
        };
        return Err(Fault::new(message).needle(name));
    };
    let absent = || {
        let hint = suggest(name, map.keys().map(String::as_str));
        Fault::new(format!("this map has no `{name}`")).hint(hint).needle(name)
    };
    map.get(name).ok_or_else(absent)
}

/// An item of a list.
pub(crate) fn item(value: &Value, index: usize) -> Result<&Value, Fault> {
    match value {
        Value::Array(items) => items.get(index).ok_or_else(|| {
            Fault::new(format!("there is no item {index}: the list has {}, counted from 0", items.len()))
        }),
        other => Err(Fault::new(format!("only a list has items by number, and this is {}", described(other)))),
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
