//! Describes in words what a schema expects.

use up_model::schema::{Shape, Type};

use crate::{
    node::{Data, Node},
    suggest::listed,
};

/// What a schema expects, in words.
pub(crate) fn expected(shape: Shape<'_>) -> String {
    let rules = shape.rules();
    if let Some(kind) = &rules.kind {
        return format!("a reference to `{kind}`");
    }
    if let Some(names) = &rules.names {
        let names = listed(&names.iter().map(String::as_str).collect::<Vec<_>>());
        return if rules.names.as_ref().is_some_and(|names| names.len() == 1) {
            names
        } else {
            format!("one of {names}")
        };
    }
    let range = match (rules.least, rules.most) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let word = |ty: &Type| match ty {
        Type::Null => None,
        Type::Text => Some("a string".to_owned()),
        Type::Bool => Some("`true` or `false`".to_owned()),
        Type::Integer => Some(format!("a whole number{range}")),
        Type::Number => Some(format!("a number{range}")),
        Type::List => Some("a list".to_owned()),
        Type::Table => Some("a table".to_owned()),
    };
    rules.types.iter().filter_map(word).collect::<Vec<_>>().join(" or ")
}

/// A hint for a common mistake with the type of a value.
pub(crate) fn hint_for(node: &Node, shape: Shape<'_>) -> Option<String> {
    let is = |ty| shape.rules().types.contains(&ty);
    let hint = match &node.data {
        Data::Text(text) if is(Type::Integer) || is(Type::Number) => match text.parse::<f64>() {
            Ok(_) => format!("write it without quotes: `{text}`; in `${{…}}` use `tonumber(…)`"),
            Err(_) => return None,
        },
        Data::Text(text) if is(Type::Bool) && matches!(text.as_str(), "true" | "false") => {
            format!("write it without quotes: `{text}`; in `${{…}}` use `tobool(…)`")
        }
        Data::Number(number) if is(Type::Text) => {
            format!("write it in quotes: `\"{number}\"`; in `${{…}}` use `tostring(…)`")
        }
        Data::Text(_) if is(Type::List) => match shape.each().and_then(|each| each.rules().kind.as_ref()) {
            Some(_) => "write a list in brackets: `[\"a\", \"b\"]`".into(),
            None => "write a list in brackets: `[…]`".into(),
        },
        _ => return None,
    };
    Some(hint)
}
