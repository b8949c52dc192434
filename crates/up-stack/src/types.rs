//! The types of inputs: `string`, `list(string)`, `object({ a = number })`, `ec2.vpc`.

use hcl::expr::{Expression, FuncCall, ObjectKey, TraversalOperator};
use serde_json::{Value, json};
use up_core::schema::{Schema, Type as JsonType};

use crate::suggest::suggest;

const NAMES: &[&str] = &["string", "number", "bool", "any", "list", "set", "map", "object", "optional"];

/// The type of an input: as written, and as the schema that values are checked against.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) text: String,
    pub(crate) schema: Schema,
}

/// Why text is no type: a message and a hint.
pub(crate) type NoType = (String, Option<String>);

impl Type {
    /// Reads a type; `kinds` are the names of kinds there are.
    pub(crate) fn parse(text: &str, kinds: &[&str]) -> Result<Self, NoType> {
        let no_type = || (format!("`{text}` is no type"), Some(expected()));
        let template = crate::template::parse(&format!("${{{text}}}")).map_err(|_| no_type())?;
        let expression = crate::template::sole(&template).ok_or_else(no_type)?;
        Ok(Self { text: text.to_owned(), schema: Schema::read(&schema(expression, kinds)?) })
    }

    /// True where text given on the command line is the value as it stands.
    pub(crate) fn is_text(&self) -> bool {
        let place = self.schema.whole().place();
        place.types == [JsonType::Text] || place.kind.is_some()
    }
}

fn expected() -> String {
    "types are `string`, `number`, `bool`, `any`, `list(…)`, `set(…)`, `map(…)`, `object({ name = … })`, and kinds \
     such as `ec2.vpc`"
        .into()
}

fn schema(expression: &Expression, kinds: &[&str]) -> Result<Value, NoType> {
    match expression {
        Expression::Variable(name) => match name.as_str() {
            "string" => Ok(json!({ "type": "string" })),
            "number" => Ok(json!({ "type": "number" })),
            "bool" => Ok(json!({ "type": "boolean" })),
            "any" => Ok(json!(true)),
            "list" | "set" | "map" | "object" | "optional" => Err((
                format!("`{}` wants to know of what", name.as_str()),
                Some(format!("such as `{}`", example(name))),
            )),
            other => Err((format!("there is no type `{other}`"), suggest(other, NAMES.iter().copied()))),
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
                Some(kind) if kinds.contains(&kind.as_str()) => Ok(json!({ "x-ref": kind })),
                Some(kind) => Err((format!("there is no kind `{kind}`"), suggest(&kind, kinds.iter().copied()))),
                None => Err(("this is no type".into(), Some(expected()))),
            }
        }
        Expression::FuncCall(call) => of(call, kinds),
        Expression::Parenthesis(inner) => schema(inner, kinds),
        _ => Err(("this is no type".into(), Some(expected()))),
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

fn of(call: &FuncCall, kinds: &[&str]) -> Result<Value, NoType> {
    let name = call.name.name.as_str();
    let [inner] = &call.args[..] else {
        return Err((format!("`{name}` wants one type"), Some(format!("such as `{}`", example(name)))));
    };
    match (name, inner) {
        ("list", inner) => Ok(json!({ "type": "array", "items": schema(inner, kinds)? })),
        ("set", inner) => Ok(json!({ "type": "array", "items": schema(inner, kinds)?, "uniqueItems": true })),
        ("map", inner) => Ok(json!({ "type": "object", "additionalProperties": schema(inner, kinds)? })),
        ("object", Expression::Object(entries)) => object(entries.iter(), kinds),
        ("object", _) => Err(("`object` wants its fields".into(), Some(format!("such as `{}`", example(name))))),
        ("optional", _) => Err(("`optional` is for the fields of an `object`".into(), None)),
        (other, _) => Err((format!("there is no type `{other}(…)`"), suggest(other, NAMES.iter().copied()))),
    }
}

fn object<'a>(entries: impl Iterator<Item = (&'a ObjectKey, &'a Expression)>, kinds: &[&str]) -> Result<Value, NoType> {
    let (mut properties, mut required) = (serde_json::Map::new(), vec![]);
    for (key, value) in entries {
        let name = match key {
            ObjectKey::Identifier(name) => name.to_string(),
            ObjectKey::Expression(Expression::String(name)) => name.clone(),
            _ => return Err(("the name of a field is plain text".into(), None)),
        };
        let inner = match value {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => match &call.args[..] {
                [inner] => json!({ "anyOf": [schema(inner, kinds)?, { "type": "null" }] }),
                _ => return Err(("`optional` wants one type".into(), None)),
            },
            other => {
                required.push(name.clone());
                schema(other, kinds)?
            }
        };
        properties.insert(name, inner);
    }
    // A field that may be absent is null then, so that an expression can always ask for it.
    Ok(json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        "x-complete": true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_types_and_refuses_what_is_none() {
        let kinds = ["ec2.vpc"];
        for text in ["string", "list(ec2.vpc)", "map(list(number))", "object({a = string, b = optional(set(bool))})"] {
            assert!(Type::parse(text, &kinds).is_ok(), "{text}");
        }
        for text in ["", "strng", "list", "list()", "list(a, b)", "ec2.vcp", "object(string)", "1", "optional(string)"]
        {
            assert!(Type::parse(text, &kinds).is_err(), "{text}");
        }
    }
}
