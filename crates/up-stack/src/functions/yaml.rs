//! YAML: parsed into values, and written in Terraform's style.

use std::{collections::HashMap, iter::Peekable};

use rust_decimal::Decimal;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value};

use super::Arguments;
use crate::{
    decimal,
    eval::LARGEST,
    value::{self, EvalResult, by_key, size},
};

/// The deepest nesting of lists and maps.
const MAX_DEPTH: usize = 64;

/// Parses one document, with values that JSON has too. Aliases are replaced by copies.
pub(super) fn yamldecode(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    let mut reader =
        YamlReader { events: Parser::new_from_str(&text).peekable(), anchors: HashMap::new(), room: LARGEST };
    let value = reader.document().map_err(|why| arguments.invalid(0, &format!("is not YAML: {why}")))?;
    // Escapes could otherwise hold the characters of placeholders.
    arguments.external(value.to_string())?;
    Ok(value)
}

struct YamlReader<'t> {
    events: Peekable<Parser<'t, StrInput<'t>>>,
    /// The values of anchors, for aliases.
    anchors: HashMap<usize, Value>,
    /// How many bytes may still be made. Without a limit, aliases of aliases grow exponentially.
    room: usize,
}

type YamlResult<T> = Result<T, String>;

impl<'t> YamlReader<'t> {
    fn next(&mut self) -> YamlResult<Event<'t>> {
        match self.events.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("line {}: {}", error.marker().line(), error.info())),
            None => Err("unexpected end".into()),
        }
    }

    fn document(&mut self) -> YamlResult<Value> {
        let mut value = Value::Null;
        let mut documents = 0;
        loop {
            match self.next()? {
                Event::StreamEnd => return Ok(value),
                Event::DocumentStart(_) if documents > 0 => return Err("more than one document".into()),
                Event::DocumentStart(_) => {
                    documents += 1;
                    let event = self.next()?;
                    value = self.value(event, 0)?;
                }
                _ => {}
            }
        }
    }

    fn value(&mut self, event: Event<'t>, depth: usize) -> YamlResult<Value> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).ok_or("an alias refers to a value that contains it")?.clone();
                (0, known)
            }
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())?),
            Event::SequenceStart(anchor, _) => {
                let mut items = vec![];
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event, depth + 1)?),
                    }
                }
                (anchor, Value::Array(items))
            }
            Event::MappingStart(anchor, _) => (anchor, self.mapping(depth)?),
            // An empty document.
            Event::DocumentEnd => return Ok(Value::Null),
            other => return Err(format!("unexpected {other:?}")),
        };
        self.room = self.room.checked_sub(size(&value)).ok_or("the value is larger than 4 MiB")?;
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    /// A map. `<<` merges other maps into it; its own entries override theirs.
    fn mapping(&mut self, depth: usize) -> YamlResult<Value> {
        let (mut own, mut merged) = (Map::new(), vec![]);
        loop {
            let is_merge = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<" => None,
                event => Some(match self.value(event, depth + 1)? {
                    Value::Array(_) | Value::Object(_) => return Err("the key of a map is not a string".into()),
                    Value::Null => "null".to_owned(),
                    key => value::to_text(&key).map_err(|_| "the key of a map is not a string")?,
                }),
            };
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            match (is_merge, value) {
                (Some(key), value) if own.contains_key(&key) => {
                    return Err(format!("duplicate key `{key}`, the second time with {}", value::described(&value)));
                }
                (Some(key), value) => _ = own.insert(key, value),
                (None, Value::Array(maps)) => merged.extend(maps),
                (None, map) => merged.push(map),
            }
        }
        for map in merged {
            let Value::Object(map) = map else { return Err("the value of `<<` is not a map".into()) };
            for (key, value) in map {
                own.entry(key).or_insert(value);
            }
        }
        Ok(Value::Object(own))
    }
}

/// A scalar, by YAML's core schema. In quotes it is a string.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> YamlResult<Value> {
    let plain = || match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(true.into()),
        "false" | "False" | "FALSE" => Some(false.into()),
        text => number(text),
    };
    let found = match tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str()) {
        Some("str" | "binary" | "timestamp") => return Ok(text.into()),
        Some("int" | "float") => number(text).ok_or_else(|| format!("`{text}` is not a number"))?,
        Some("bool" | "null") => plain().ok_or_else(|| format!("`{text}` is not a bool or null"))?,
        Some(other) => return Err(format!("the tag `!!{other}` has no equivalent in JSON")),
        None if tag.is_some() => return Err("only the tags of YAML itself are supported, such as `!!str`".into()),
        None if style == ScalarStyle::Plain => plain().unwrap_or_else(|| text.into()),
        None => text.into(),
    };
    Ok(found)
}

fn number(text: &str) -> Option<Value> {
    let based = |prefix: &str, base| i64::from_str_radix(text.strip_prefix(prefix)?, base).ok().map(Value::from);
    if let Some(whole) = based("0x", 16).or_else(|| based("0o", 8)) {
        return Some(whole);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if !is_number {
        return None;
    }
    let decimal = Decimal::from_str_exact(text.strip_prefix('+').unwrap_or(text)).ok().map(decimal::value);
    decimal.or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(value::float))
}

/// Writes block style, with sorted keys, and keys and strings in double quotes.
pub(super) fn yamlencode(arguments: &Arguments<'_>) -> EvalResult {
    if let Some(address) = value::resource_in(arguments.value(0)) {
        let error = arguments.invalid(0, &format!("holds a resource: {address}"));
        return Err(error.hint("use an attribute of it, such as `.arn`".to_owned()));
    }
    let mut text = String::new();
    write(arguments.value(0), 0, &mut text);
    Ok(text.trim_start_matches('\n').into())
}

/// Appends a value and a line break.
fn write(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                *text += &format!("{}-", " ".repeat(indent));
                item_behind(item, indent + 2, text);
            }
        }
        Value::Object(map) if !map.is_empty() => {
            for (key, item) in by_key(map) {
                *text += &format!("{}{}:", " ".repeat(indent), Value::from(key.as_str()));
                match item {
                    Value::Array(items) if !items.is_empty() => {
                        text.push('\n');
                        write(item, indent, text);
                    }
                    Value::Object(map) if !map.is_empty() => {
                        text.push('\n');
                        write(item, indent + 2, text);
                    }
                    other => *text += &format!(" {}\n", leaf(other, indent + 2)),
                }
            }
        }
        other => *text += &format!("{}\n", leaf(other, indent + 2)),
    }
}

/// Appends an item of a list, on the line of its `-`.
fn item_behind(item: &Value, indent: usize, text: &mut String) {
    let start = text.len();
    write(item, indent, text);
    let is_nested = matches!(item, Value::Array(items) if !items.is_empty())
        || matches!(item, Value::Object(map) if !map.is_empty());
    if is_nested {
        text.replace_range(start..start + indent - 1, "");
        // One space of the indentation remains after the `-`.
    } else {
        text.insert(start, ' ');
    }
}

fn leaf(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if is_block(text) => block(text, indent),
        Value::Number(number) => decimal::text(number),
        other => other.to_string(),
    }
}

/// True for a string of several lines that needs no escapes.
fn is_block(text: &str) -> bool {
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.trim_end_matches('\n').contains('\n') && !text.starts_with([' ', '\n', '\t']) && text.chars().all(plain)
}

fn block(text: &str, indent: usize) -> String {
    let body = text.trim_end_matches('\n');
    let (sign, end) = match text.len() - body.len() {
        0 => ("-", ""),
        1 => ("", ""),
        _ => ("+", &text[body.len() + 1..]),
    };
    let lines = body.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("{}{line}", " ".repeat(indent)),
    });
    format!("|{sign}\n{}{end}", lines.collect::<Vec<_>>().join("\n"))
}
