//! What a kind's schema allows in a place, in the words of the stack language.

use std::collections::BTreeSet;

use up_core::schema::{Shape, Type};

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
    let place = shape.place();
    if let Some(kind) = &place.kind {
        return format!("reference to [{kind}]({kind}.md)");
    }
    if shape.is_document() {
        return "JSON document".to_owned();
    }
    if let Some(name) = shape.type_name() {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(words) = &place.names {
        let words = words.iter().map(|word| format!("`\"{word}\"`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    let name = |ty: &Type| match ty {
        Type::Null => None,
        Type::List if place.is_set => Some(format!("set({})", linked(shape.item()))),
        Type::List => Some(format!("list({})", linked(shape.item()))),
        Type::Table => Some(format!("map({})", linked(shape.key("")))),
        Type::Bool => Some("bool".to_owned()),
        Type::Integer | Type::Number => Some("number".to_owned()),
        Type::Text if place.is_cidr => Some("CIDR block".to_owned()),
        Type::Text => Some("string".to_owned()),
    };
    match place.types.is_empty() {
        true => "any".to_owned(),
        false => place.types.iter().filter_map(name).collect::<Vec<_>>().join(" or "),
    }
}

/// Every type with a name that stands somewhere inside, in the order in which they are met.
pub(crate) fn named<'a>(whole: Shape<'a>) -> Vec<(&'a str, Shape<'a>)> {
    let (mut found, mut known) = (vec![], BTreeSet::new());
    collect(whole, &mut found, &mut known);
    found
}

fn collect<'a>(shape: Shape<'a>, found: &mut Vec<(&'a str, Shape<'a>)>, known: &mut BTreeSet<&'a str>) {
    let is_whole = shape.is_document() || shape.place().kind.is_some();
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
    for inner in [shape.each(), shape.other()].into_iter().flatten() {
        collect(inner, found, known);
    }
}

/// The words of an enumeration, each with what it means.
pub(crate) fn words<'a>(shape: Shape<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let choices = shape.alternatives().into_iter().flat_map(|choice| {
        // Where there are several in one, what is said is not of any of them.
        let names = choice.place().names.as_deref().unwrap_or_default();
        let about = choice.description().filter(|_| names.len() == 1);
        names.iter().map(move |word| (word.as_str(), about))
    });
    choices.collect()
}

/// The fields of a table, or of all the tables that may stand here, each with its table.
pub(crate) fn fields<'a>(shape: Shape<'a>) -> Vec<(Shape<'a>, &'a str)> {
    let tables = shape.alternatives().into_iter();
    tables.flat_map(|table| table.fields().into_iter().flatten().map(move |field| (table, field))).collect()
}
