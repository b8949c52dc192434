//! The types that a kind's schema allows, in the terms of the stack language.

use std::collections::BTreeSet;

use up_core::schema::{Shape, Type};

/// The type in Markdown: `set([Rule](#rule))`.
pub(crate) fn linked(shape: Shape<'_>) -> String {
    let mut names: Vec<_> = written(shape).into_iter().map(single).collect();
    names.dedup();
    names.join(" or ")
}

/// The alternatives, with named types not expanded.
fn written(shape: Shape<'_>) -> Vec<Shape<'_>> {
    match shape.choices() {
        Some(choices) => choices.into_iter().flat_map(written).collect(),
        None => vec![shape],
    }
}

fn single(shape: Shape<'_>) -> String {
    let rules = shape.rules();
    if let Some(kind) = &rules.kind {
        return format!("reference to [{kind}]({kind}.md)");
    }
    if shape.is_document() {
        return "JSON document".to_owned();
    }
    if let Some(name) = shape.type_name() {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(values) = &rules.names {
        let values = values.iter().map(|value| format!("`\"{value}\"`"));
        return values.collect::<Vec<_>>().join(", ");
    }
    let name = |ty: &Type| match ty {
        Type::Null => None,
        Type::List if rules.is_set => Some(format!("set({})", linked(shape.item()))),
        Type::List => Some(format!("list({})", linked(shape.item()))),
        Type::Table => Some(format!("map({})", linked(shape.key("")))),
        Type::Bool => Some("bool".to_owned()),
        Type::Integer | Type::Number => Some("number".to_owned()),
        Type::Text if rules.is_cidr => Some("CIDR block".to_owned()),
        Type::Text => Some("string".to_owned()),
    };
    match rules.types.is_empty() {
        true => "any".to_owned(),
        false => rules.types.iter().filter_map(name).collect::<Vec<_>>().join(" or "),
    }
}

/// All named types inside the schema, in the order in which they occur.
pub(crate) fn named<'a>(whole: Shape<'a>) -> Vec<(&'a str, Shape<'a>)> {
    let (mut found, mut known) = (vec![], BTreeSet::new());
    collect(whole, &mut found, &mut known);
    found
}

fn collect<'a>(shape: Shape<'a>, found: &mut Vec<(&'a str, Shape<'a>)>, known: &mut BTreeSet<&'a str>) {
    let is_one_value = shape.is_document() || shape.rules().kind.is_some();
    if is_one_value || shape.type_name().is_some_and(|name| known.contains(name)) {
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
    for inner in [shape.each(), shape.other()].into_iter().flatten() {
        collect(inner, found, known);
    }
}

/// The values of an enumeration, each with its description.
pub(crate) fn enum_values<'a>(shape: Shape<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let choices = shape.alternatives().into_iter().flat_map(|choice| {
        // With several values in one schema, the description belongs to none of them.
        let names = choice.rules().names.as_deref().unwrap_or_default();
        let about = choice.description().filter(|_| names.len() == 1);
        names.iter().map(move |value| (value.as_str(), about))
    });
    choices.collect()
}

/// The fields of a table, or of all tables among the alternatives, each with its table.
pub(crate) fn fields<'a>(shape: Shape<'a>) -> Vec<(Shape<'a>, &'a str)> {
    let tables = shape.alternatives().into_iter();
    tables.flat_map(|table| table.fields().into_iter().flatten().map(move |field| (table, field))).collect()
}
