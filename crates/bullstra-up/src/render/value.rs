//! Values in a notation similar to TOML.

use serde_json::{Map, Value};
use up_core::{schema::Shape, without_defaults};

use super::text::{cut, lines, safe};
use crate::secrets::masked;

/// A longer text is cut.
const LONGEST_TEXT: usize = 120;
/// A longer value is broken into lines.
const LONGEST_LINE: usize = 100;

/// A value on one line: `"text"`, `[1, 2]`, `{ path = "/", port = 80 }`, `network/ec2.vpc.main`.
pub(crate) fn inline(value: &Value) -> String {
    let mut line = String::new();
    write_inline(value, &mut line);
    line
}

fn write_inline(value: &Value, line: &mut String) {
    match value {
        Value::Null => line.push_str("unset"),
        Value::String(text) => line.extend(["\"", &cut(&escaped(text), LONGEST_TEXT), "\""]),
        Value::Object(map) => match reference(map) {
            Some(target) => line.push_str(&target),
            None if map.values().all(Value::is_null) => line.push_str("{}"),
            None => {
                for (index, (key, value)) in set(map).enumerate() {
                    line.extend([if index == 0 { "{ " } else { ", " }, &name(key), " = "]);
                    write_inline(value, line);
                }
                line.push_str(" }");
            }
        },
        Value::Array(items) => {
            line.push('[');
            for (index, item) in items.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { ", " });
                write_inline(item, line);
            }
            line.push(']');
        }
        Value::Bool(_) | Value::Number(_) => line.push_str(&value.to_string()),
    }
}

/// The value on one line, without parts of its tables that have their default value.
pub(crate) fn short(value: &Value, shape: Shape<'_>) -> String {
    inline(&without_defaults(value, shape))
}

/// The target of a reference: an address of the stack, or an id from outside it.
pub(crate) fn reference(map: &Map<String, Value>) -> Option<String> {
    let target = map.get("$ref").or_else(|| map.get("$id"))?;
    target.as_str().map(safe)
}

/// A field with its value, on several lines if one would be too long. Parts that have their default value are left out.
pub(crate) fn block(field: &str, value: &Value, shape: Shape<'_>) -> Vec<String> {
    whole_block(field, &without_defaults(value, shape), shape)
}

fn whole_block(field: &str, value: &Value, shape: Shape<'_>) -> Vec<String> {
    let line = format!("{field}: {}", inline(value));
    let fits = line.chars().count() <= LONGEST_LINE;
    match value {
        Value::Object(map) if !fits && reference(map).is_none() => headed(field, entries(map, shape)),
        Value::Array(items) if !fits => {
            let items = items.iter().flat_map(|value| dashed(whole_item(value, shape.item())));
            headed(field, items.collect())
        }
        Value::String(text) if text.contains('\n') => headed(field, lines(text)),
        _ => vec![line],
    }
}

fn entries(map: &Map<String, Value>, shape: Shape<'_>) -> Vec<String> {
    set(map).flat_map(|(key, value)| whole_block(&name(key), value, shape.key(key))).collect()
}

/// The same for data, such as outputs: a text of one line is never cut.
pub(crate) fn whole(field: &str, value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.contains('\n') => vec![format!("{field}: \"{}\"", escaped(text))],
        _ => block(field, value, Shape::default()),
    }
}

/// An item of a list, like [`block`] but without a name.
pub(crate) fn item(value: &Value, shape: Shape<'_>) -> Vec<String> {
    whole_item(&without_defaults(value, shape), shape)
}

fn whole_item(value: &Value, shape: Shape<'_>) -> Vec<String> {
    let line = inline(value);
    match value {
        Value::Object(map) if line.chars().count() > LONGEST_LINE && reference(map).is_none() => entries(map, shape),
        _ => vec![line],
    }
}

fn dashed(lines: Vec<String>) -> impl Iterator<Item = String> {
    let dash = |index| if index == 0 { '-' } else { ' ' };
    lines.into_iter().enumerate().map(move |(index, line)| format!("{} {line}", dash(index)))
}

/// A JSON document as lines of JSON.
pub(crate) fn document(value: &Value) -> Vec<String> {
    lines(&format!("{value:#}"))
}

/// A key as TOML has it: bare, or in quotes.
pub(crate) fn name(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if is_bare { key.to_owned() } else { format!("\"{}\"", escaped(key)) }
}

/// The entries that have a value.
pub(crate) fn set(map: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    map.iter().filter(|(_, value)| !value.is_null())
}

fn headed(field: &str, lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter().map(|line| format!("  {line}"));
    [format!("{field}:")].into_iter().chain(lines).collect()
}

fn escaped(text: &str) -> String {
    let text = masked(text);
    match text.contains(['\\', '"']) {
        true => safe(&text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => safe(&text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use up_core::schema::Schema;

    use super::*;

    #[test]
    fn values_read_as_toml() {
        let value = json!({
            "vpc": { "$ref": "network/ec2.vpc.main" },
            "peer": { "$id": "sg-1", "$kind": "ec2.security_group" },
            "ports": [80, 443],
            "none": null,
            "a b": "say \"hi\"",
        });
        assert_eq!(
            inline(&value),
            r#"{ vpc = network/ec2.vpc.main, peer = sg-1, ports = [80, 443], "a b" = "say \"hi\"" }"#
        );
        assert_eq!(inline(&json!({ "a": null })), "{}");
    }

    #[test]
    fn defaults_inside_a_value_are_left_out() {
        let schema = json!({ "items": { "properties": { "protocol": { "type": "string", "default": "tcp" } } } });
        let schema = Schema::read(&schema);
        let rules = json!([{ "protocol": "tcp", "ports": 443 }, { "protocol": "udp", "ports": null }]);
        let lines = block("ingress", &rules, schema.whole());
        assert_eq!(lines, [r#"ingress: [{ ports = 443 }, { protocol = "udp" }]"#]);
    }

    #[test]
    fn long_values_are_broken_into_lines() {
        let long = "x".repeat(60);
        let value = json!({ "one": long, "two": [long, { "three": long }] });
        assert_eq!(
            block("table", &value, Shape::default()),
            [
                "table:".to_owned(),
                format!("  one: \"{long}\""),
                "  two:".to_owned(),
                format!("    - \"{long}\""),
                format!("    - {{ three = \"{long}\" }}"),
            ]
        );
    }
}
