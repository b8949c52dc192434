//! Types of inputs: `string`, `list(string)`, `object({ a = number })`, `ec2.vpc`.

use hcl::expr::{Expression, FuncCall, ObjectKey, TraversalOperator};
use serde_json::{Value, json};
use up_model::schema::{Schema, Type as JsonType};

use crate::suggest::Suggestions;

const NAMES: &[&str] = &["string", "number", "bool", "any", "list", "set", "map", "object", "optional"];

/// The type of an input: as written, and as a schema to check values against.
#[derive(Debug, Clone)]
pub(crate) struct InputType {
    pub(crate) text: String,
    pub(crate) schema: Schema,
}

/// What names in types can stand for.
pub(crate) struct KnownTypes<'a> {
    pub(crate) kinds: &'a [&'static str],
    pub(crate) suggestions: &'a Suggestions,
}

/// Why a type is invalid: a message and a hint.
pub(crate) type InvalidType = (String, Option<String>);

impl InputType {
    /// Parses a type.
    pub(crate) fn parse(text: &str, known: &KnownTypes<'_>) -> Result<Self, InvalidType> {
        let invalid_type = || (format!("invalid type `{text}`"), Some(expected()));
        let template = crate::template::parse(&format!("${{{text}}}")).map_err(|_| invalid_type())?;
        let expression = crate::template::sole(&template).ok_or_else(invalid_type)?;
        Ok(Self { text: text.to_owned(), schema: Schema::read(&schema(expression, known)?) })
    }

    /// True if text on the command line is the value itself, without quotes.
    pub(crate) fn is_text(&self) -> bool {
        let rules = self.schema.whole().rules();
        rules.types == [JsonType::Text] || rules.kind.is_some()
    }
}

fn expected() -> String {
    "the types are `string`, `number`, `bool`, `any`, `list(…)`, `set(…)`, `map(…)`, `object({ name = … })`, and kinds \
     such as `ec2.vpc`"
        .into()
}

fn schema(expression: &Expression, known: &KnownTypes<'_>) -> Result<Value, InvalidType> {
    match expression {
        Expression::Variable(name) => match name.as_str() {
            "string" => Ok(json!({ "type": "string" })),
            "number" => Ok(json!({ "type": "number" })),
            "bool" => Ok(json!({ "type": "boolean" })),
            "any" => Ok(json!(true)),
            "list" | "set" | "map" | "object" | "optional" => Err((
                format!("`{}` needs an element type", name.as_str()),
                Some(format!("such as `{}`", example(name))),
            )),
            other => Err((format!("unknown type `{other}`"), known.suggestions.hint(other, NAMES.iter().copied()))),
        },
        Expression::Traversal(traversal) => {
            let parts = [traversal.expr.clone()].into_iter().map(|expr| match expr {
                Expression::Variable(name) => Some(name.to_string()),
                _ => None,
            });
            let attributes = traversal.operators.iter().map(|operator| match operator {
                TraversalOperator::GetAttr(name) => Some(name.to_string()),
                _ => None,
            });
            let kind = parts.chain(attributes).collect::<Option<Vec<_>>>().map(|parts| parts.join("."));
            match kind {
                Some(kind) if known.kinds.contains(&kind.as_str()) => Ok(json!({ "x-ref": kind })),
                Some(kind) => {
                    Err((format!("unknown kind `{kind}`"), known.suggestions.hint(&kind, known.kinds.iter().copied())))
                }
                None => Err(("invalid type".into(), Some(expected()))),
            }
        }
        Expression::FuncCall(call) => of(call, known),
        Expression::Parenthesis(inner) => schema(inner, known),
        _ => Err(("invalid type".into(), Some(expected()))),
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "set" => "set(string)",
        "map" => "map(string)",
        "object" => "object({ name = string })",
        "optional" => "optional(string)",
        _ => "list(string)",
    }
}

fn of(call: &FuncCall, known: &KnownTypes<'_>) -> Result<Value, InvalidType> {
    let name = call.name.name.as_str();
    let [inner] = &call.args[..] else {
        return Err((format!("`{name}` takes one type"), Some(format!("such as `{}`", example(name)))));
    };
    match (name, inner) {
        ("list", inner) => Ok(json!({ "type": "array", "items": schema(inner, known)? })),
        ("set", inner) => Ok(json!({ "type": "array", "items": schema(inner, known)?, "uniqueItems": true })),
        ("map", inner) => Ok(json!({ "type": "object", "additionalProperties": schema(inner, known)? })),
        ("object", Expression::Object(entries)) => object(entries.iter(), known),
        ("object", _) => Err(("`object` needs its fields".into(), Some(format!("such as `{}`", example(name))))),
        ("optional", _) => Err(("`optional` is allowed only in an `object`".into(), None)),
        (other, _) => Err((format!("unknown type `{other}(…)`"), known.suggestions.hint(other, NAMES.iter().copied()))),
    }
}

fn object<'a>(
    entries: impl Iterator<Item = (&'a ObjectKey, &'a Expression)>,
    known: &KnownTypes<'_>,
) -> Result<Value, InvalidType> {
    let (mut properties, mut required) = (serde_json::Map::new(), vec![]);
    for (key, value) in entries {
        let name = match key {
            ObjectKey::Identifier(name) => name.to_string(),
            ObjectKey::Expression(Expression::String(name)) => name.clone(),
            _ => return Err(("the name of a field must be a plain string".into(), None)),
        };
        let inner = match value {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => match &call.args[..] {
                [inner] => json!({ "anyOf": [schema(inner, known)?, { "type": "null" }] }),
                _ => return Err(("`optional` takes one type".into(), None)),
            },
            other => {
                required.push(name.clone());
                schema(other, known)?
            }
        };
        properties.insert(name, inner);
    }
    // A missing optional field is set to null, so that expressions can use it.
    Ok(json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        "x-complete": true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_others_refused() {
        let known = KnownTypes { kinds: &["ec2.vpc"], suggestions: &Suggestions::default() };
        for text in ["string", "list(ec2.vpc)", "map(list(number))", "object({a = string, b = optional(set(bool))})"] {
            assert!(InputType::parse(text, &known).is_ok(), "{text}");
        }
        for text in ["", "strng", "list", "list()", "list(a, b)", "ec2.vcp", "object(string)", "1", "optional(string)"]
        {
            assert!(InputType::parse(text, &known).is_err(), "{text}");
        }
    }
}
