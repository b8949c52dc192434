//! What a kind's JSON Schema allows in a place, in the words of the stack language.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::Shape;

/// The type in Markdown: `set([Rule](#rule))`.
pub(crate) fn linked(shape: Shape<'_>) -> String {
    let mut names: Vec<_> = written(shape).into_iter().map(single).collect();
    names.dedup();
    names.join(" or ")
}

/// What may be written there, types with names of their own unopened.
fn written(shape: Shape<'_>) -> Vec<Shape<'_>> {
    match shape.choices() {
        Some(choices) => choices.into_iter().flat_map(written).collect(),
        None => vec![shape],
    }
}

fn single(shape: Shape<'_>) -> String {
    let schema = shape.resolved();
    if let Some(kind) = schema["x-ref"].as_str() {
        return format!("reference to [{kind}]({kind}.md)");
    }
    if shape.is_document() {
        return "JSON document".to_owned();
    }
    if let Some(name) = shape.type_name() {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str).map(|word| format!("`\"{word}\"`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    let name = |kind: &str| match kind {
        "array" if schema["uniqueItems"] == true => format!("set({})", linked(shape.item())),
        "array" => format!("list({})", linked(shape.item())),
        "object" => format!("map({})", linked(shape.key(""))),
        "boolean" => "bool".to_owned(),
        "integer" => "number".to_owned(),
        "string" if schema["format"] == "cidr" => "CIDR block".to_owned(),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(kind) => name(kind),
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.map(name).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}

/// Every type with a name that stands somewhere inside, in the order in which they are met.
pub(crate) fn named<'a>(whole: Shape<'a>) -> Vec<(&'a str, Shape<'a>)> {
    let (mut found, mut known) = (vec![], BTreeSet::new());
    collect(whole, &mut found, &mut known);
    found
}

fn collect<'a>(shape: Shape<'a>, found: &mut Vec<(&'a str, Shape<'a>)>, known: &mut BTreeSet<&'a str>) {
    let is_whole = shape.is_document() || shape.resolved().get("x-ref").is_some();
    if is_whole || shape.type_name().is_some_and(|name| known.contains(name)) {
        return;
    }
    if let Some(name) = shape.type_name() {
        known.insert(name);
        found.push((name, shape));
    }
    for choice in shape.alternatives() {
        if choice.type_name() != shape.type_name() {
            collect(choice, found, known);
            continue;
        }
        for (table, field) in fields(choice) {
            collect(table.key(field), found, known);
        }
        collect_inside(choice, found, known);
    }
}

fn collect_inside<'a>(shape: Shape<'a>, found: &mut Vec<(&'a str, Shape<'a>)>, known: &mut BTreeSet<&'a str>) {
    let schema = shape.resolved();
    if schema.get("items").is_some() {
        collect(shape.item(), found, known);
    }
    if schema["additionalProperties"].is_object() {
        collect(shape.key(""), found, known);
    }
}

/// The words of an enumeration, each with what it means.
pub(crate) fn words<'a>(shape: Shape<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let choices = shape.alternatives().into_iter().flat_map(|choice| {
        let schema = choice.resolved();
        let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let listed = listed.map(|word| (word, None));
        listed.chain(schema["const"].as_str().map(|word| (word, choice.description()))).collect::<Vec<_>>()
    });
    choices.collect()
}

/// The fields of a table, or of all the tables that may stand here, each with its table.
pub(crate) fn fields<'a>(shape: Shape<'a>) -> Vec<(Shape<'a>, &'a str)> {
    let tables = shape.alternatives().into_iter();
    let fields = tables.flat_map(|table| {
        let properties = table.resolved()["properties"].as_object().into_iter().flatten();
        properties.map(move |(field, _)| (table, field.as_str()))
    });
    fields.collect()
}
