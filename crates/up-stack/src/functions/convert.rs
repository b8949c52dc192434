//! Functions from one type to another.

use serde_json::Value;

use super::{Arguments, collection::distinct_items};
use crate::value::{EvalResult, by_key, to_bool, to_number};

pub(super) fn tostring(arguments: &Arguments<'_>) -> EvalResult {
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        _ => Ok(Value::String(arguments.text_or_placeholder(0)?.into_owned())),
    }
}

pub(super) fn tonumber(arguments: &Arguments<'_>) -> EvalResult {
    arguments.known(0)?;
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        value => to_number(value)
            .map(Value::Number)
            .ok_or_else(|| arguments.wrong(0, "a number, or a string that holds one")),
    }
}

pub(super) fn tobool(arguments: &Arguments<'_>) -> EvalResult {
    arguments.known(0)?;
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        value => to_bool(value).map(Value::Bool).ok_or_else(|| arguments.wrong(0, "true or false")),
    }
}

/// Hides the strings of a value from now on.
pub(super) fn sensitive(arguments: &Arguments<'_>) -> EvalResult {
    arguments.scope.loader.sensitive.add(arguments.value(0));
    Ok(arguments.value(0).clone())
}

/// Returns the value. Strings are hidden wherever they occur, so those of a sensitive input stay hidden.
pub(super) fn nonsensitive(arguments: &Arguments<'_>) -> EvalResult {
    Ok(arguments.value(0).clone())
}

pub(super) fn tolist(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Array(arguments.list(0)?.to_vec()))
}

/// A list without duplicates; strings are sorted.
pub(super) fn toset(arguments: &Arguments<'_>) -> EvalResult {
    let mut items = distinct_items(arguments.list(0)?);
    if items.iter().all(Value::is_string) {
        items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    Ok(Value::Array(items))
}

pub(super) fn tomap(arguments: &Arguments<'_>) -> EvalResult {
    let entries = by_key(arguments.map(0)?).into_iter();
    Ok(Value::Object(entries.map(|(key, value)| (key.clone(), value.clone())).collect()))
}
