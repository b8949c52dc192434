//! What a JSON Schema says a value should be, in words.

use serde_json::Value;

use crate::{
    node::{Data, Node},
    suggest::listed,
};

/// The kind that a schema wants a reference to.
pub(crate) fn reference_to(schema: &Value) -> Option<&str> {
    schema.get("x-ref")?.as_str()
}

/// The JSON types that a schema lets through.
pub(crate) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

/// The names a text may be, where a schema lists them.
pub(crate) fn names_of(schema: &Value) -> Option<Vec<&str>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(Value::String(name)), _) => Some(vec![name]),
        (_, Some(Value::Array(names))) => names.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// What a schema wants, in words.
pub(crate) fn expected(schema: &Value, types: &[&str]) -> String {
    if let Some(kind) = reference_to(schema) {
        return format!("a reference to `{kind}`");
    }
    if let Some(names) = names_of(schema) {
        return format!("one of {}", listed(&names));
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let word = |name: &&str| match *name {
        "string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => format!("a whole number{range}"),
        "number" => format!("a number{range}"),
        "array" => "a list".to_owned(),
        "object" => "a table".to_owned(),
        other => other.to_owned(),
    };
    types.iter().filter(|name| **name != "null").map(word).collect::<Vec<_>>().join(" or ")
}

/// What often goes wrong with a type, and how it is written.
pub(crate) fn hint_for(node: &Node, types: &[&str], schema: &Value) -> Option<String> {
    let hint = match &node.data {
        Data::Text(text) if types.contains(&"integer") || types.contains(&"number") => match text.parse::<f64>() {
            Ok(_) => format!("write it without quotes: `{text}`; from `${{…}}`, use `tonumber(…)`"),
            Err(_) => return None,
        },
        Data::Text(text) if types.contains(&"boolean") && matches!(text.as_str(), "true" | "false") => {
            format!("write it without quotes: `{text}`; from `${{…}}`, use `tobool(…)`")
        }
        Data::Number(number) if types.contains(&"string") => {
            format!("write it in quotes: `\"{number}\"`; from `${{…}}`, use `tostring(…)`")
        }
        Data::Text(_) if types.contains(&"array") => match schema.get("items").and_then(reference_to) {
            Some(_) => "a list of names stands in brackets: `[\"a\", \"b\"]`".into(),
            None => "a list stands in brackets: `[…]`".into(),
        },
        _ => return None,
    };
    Some(hint)
}
