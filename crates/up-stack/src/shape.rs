//! What a schema says a value should be, in words.

use up_core::schema::{Shape, Type};

use crate::{
    node::{Data, Node},
    suggest::listed,
};

/// What is wanted, in words.
pub(crate) fn expected(shape: Shape<'_>) -> String {
    let place = shape.place();
    if let Some(kind) = &place.kind {
        return format!("a reference to `{kind}`");
    }
    if let Some(names) = &place.names {
        let names = listed(&names.iter().map(String::as_str).collect::<Vec<_>>());
        return if place.names.as_ref().is_some_and(|names| names.len() == 1) {
            names
        } else {
            format!("one of {names}")
        };
    }
    let range = match (place.least, place.most) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let word = |ty: &Type| match ty {
        Type::Null => None,
        Type::Text => Some("text".to_owned()),
        Type::Bool => Some("`true` or `false`".to_owned()),
        Type::Integer => Some(format!("a whole number{range}")),
        Type::Number => Some(format!("a number{range}")),
        Type::List => Some("a list".to_owned()),
        Type::Table => Some("a table".to_owned()),
    };
    place.types.iter().filter_map(word).collect::<Vec<_>>().join(" or ")
}

/// What often goes wrong with a type, and how it is written.
pub(crate) fn hint_for(node: &Node, shape: Shape<'_>) -> Option<String> {
    let is = |ty| shape.place().types.contains(&ty);
    let hint = match &node.data {
        Data::Text(text) if is(Type::Integer) || is(Type::Number) => match text.parse::<f64>() {
            Ok(_) => format!("write it without quotes: `{text}`; from `${{…}}`, use `tonumber(…)`"),
            Err(_) => return None,
        },
        Data::Text(text) if is(Type::Bool) && matches!(text.as_str(), "true" | "false") => {
            format!("write it without quotes: `{text}`; from `${{…}}`, use `tobool(…)`")
        }
        Data::Number(number) if is(Type::Text) => {
            format!("write it in quotes: `\"{number}\"`; from `${{…}}`, use `tostring(…)`")
        }
        Data::Text(_) if is(Type::List) => match shape.each().and_then(|each| each.place().kind.as_ref()) {
            Some(_) => "a list of names stands in brackets: `[\"a\", \"b\"]`".into(),
            None => "a list stands in brackets: `[…]`".into(),
        },
        _ => return None,
    };
    Some(hint)
}
