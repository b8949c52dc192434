//! Functions from one type to another.

use serde_json::Value;

use super::{Answer, Arguments, collection::distinct_items};
use crate::value::{by_key, to_bool, to_number};

pub(super) fn tostring(arguments: &Arguments<'_>) -> Answer {
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        _ => Ok(Value::String(arguments.marked(0)?.into_owned())),
    }
}

pub(super) fn tonumber(arguments: &Arguments<'_>) -> Answer {
    arguments.known(0)?;
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        value => {
            to_number(value).map(Value::Number).ok_or_else(|| arguments.wrong(0, "a number, or text that reads as one"))
        }
    }
}

pub(super) fn tobool(arguments: &Arguments<'_>) -> Answer {
    arguments.known(0)?;
    match arguments.value(0) {
        Value::Null => Ok(Value::Null),
        value => to_bool(value).map(Value::Bool).ok_or_else(|| arguments.wrong(0, "true or false")),
    }
}

/// A value whose texts are shown nowhere from here on.
pub(super) fn sensitive(arguments: &Arguments<'_>) -> Answer {
    arguments.scope.world.taint.add(arguments.value(0));
    Ok(arguments.value(0).clone())
}

/// The value. It is the text that is hidden here, wherever it stands, so what came in as a secret stays one.
pub(super) fn nonsensitive(arguments: &Arguments<'_>) -> Answer {
    Ok(arguments.value(0).clone())
}

pub(super) fn tolist(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Array(arguments.list(0)?.to_vec()))
}

/// Sets are lists here: each item once, in order.
pub(super) fn toset(arguments: &Arguments<'_>) -> Answer {
    let mut items = distinct_items(arguments.list(0)?);
    if items.iter().all(Value::is_string) {
        items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    Ok(Value::Array(items))
}

pub(super) fn tomap(arguments: &Arguments<'_>) -> Answer {
    let entries = by_key(arguments.map(0)?).into_iter();
    Ok(Value::Object(entries.map(|(key, value)| (key.clone(), value.clone())).collect()))
}
