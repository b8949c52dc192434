//! Text that contains an attribute of a resource which may not exist yet.
//!
//! The value of `"${ecs.cluster.main.arn}"` is not known before the cluster exists. Until then the text contains a
//! placeholder for it: `U+E000 address#attribute U+E001`. Placeholders survive joining, formatting and JSON encoding,
//! and nothing else may be done with them; the two characters (of Unicode's private use area) are refused in stack
//! files. The resource that a placeholder refers to is also a dependency.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::write_only;

pub(crate) const OPEN: char = '\u{E000}';
pub(crate) const CLOSE: char = '\u{E001}';

/// One placeholder: `attribute` of `address`. Properties of the stack itself have the address `stack`: `stack#account`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placeholder {
    /// The resource: an [`crate::Address`] in text, or `stack`.
    pub address: String,
    /// The attribute: `id`, `arn`, `endpoint` …
    pub attribute: String,
}

impl Placeholder {
    /// The text that stands for the attribute until its value is known.
    pub fn mark(&self) -> String {
        format!("{OPEN}{}#{}{CLOSE}", self.address, self.attribute)
    }
}

/// True if `text` contains a placeholder: then only its form can be checked, not its content.
pub fn has_placeholder(text: &str) -> bool {
    text.contains(OPEN)
}

/// True if a text in `value`, at any depth, contains a placeholder.
pub fn holds_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => has_placeholder(text),
        Value::Array(items) => items.iter().any(holds_placeholder),
        Value::Object(map) => map.values().any(holds_placeholder),
        _ => false,
    }
}

/// True if `text` contains one of the two characters that delimit placeholders.
pub fn is_reserved(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

/// All placeholders in `value`, at any depth.
pub fn placeholders(value: &Value) -> BTreeSet<Placeholder> {
    let mut found = BTreeSet::new();
    visit_texts(value, &mut |text| {
        if has_placeholder(text) {
            found.extend(pieces(text).filter_map(Result::err));
        }
    });
    found
}

/// The address in each placeholder of `text`; an address may come several times.
pub fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(CLOSE).filter_map(|part| marked(part).map(|(_, (address, _))| address))
}

/// Replaces placeholders by their known values. Those for which `known` returns `None` stay.
pub fn fill(value: &mut Value, known: &dyn Fn(&Placeholder) -> Option<String>) {
    match value {
        Value::String(text) if has_placeholder(text) => *text = filled(text, known),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, known)),
        Value::Object(map) => map.values_mut().for_each(|item| fill(item, known)),
        _ => {}
    }
}

/// The text with known values in place of placeholders.
pub fn filled(text: &str, known: &dyn Fn(&Placeholder) -> Option<String>) -> String {
    let filled = pieces(text).map(|piece| match piece {
        Ok(plain) => plain.to_owned(),
        Err(quote) => known(&quote).unwrap_or_else(|| quote.mark()),
    });
    filled.collect()
}

/// The text for display, with placeholders as the expressions they came from: `${ecs.cluster.main.arn}`.
pub fn readable(text: &str) -> String {
    let readable = pieces(text).map(|piece| match piece {
        Ok(plain) => plain.to_owned(),
        Err(Placeholder { address, .. }) if address == write_only::ADDRESS => "(write-only)".to_owned(),
        Err(Placeholder { address, attribute }) => format!("${{{address}.{attribute}}}"),
    });
    readable.collect()
}

/// Visits all texts in `value`, at any depth; keys of tables are not among them.
pub fn visit_texts(value: &Value, with: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => with(text),
        Value::Array(items) => items.iter().for_each(|item| visit_texts(item, with)),
        Value::Object(map) => map.values().for_each(|item| visit_texts(item, with)),
        _ => {}
    }
}

/// Splits text into plain pieces and placeholders.
fn pieces(text: &str) -> impl Iterator<Item = Result<&str, Placeholder>> {
    text.split_inclusive(CLOSE).flat_map(|part| {
        let (plain, mark) = match marked(part) {
            Some((before, (address, attribute))) => {
                (before, Some(Err(Placeholder { address: address.to_owned(), attribute: attribute.to_owned() })))
            }
            None => (part, None),
        };
        [Some(Ok(plain)), mark].into_iter().flatten()
    })
}

/// Splits a piece that ends in a placeholder into the plain text before it, and its address and attribute.
fn marked(part: &str) -> Option<(&str, (&str, &str))> {
    let (before, mark) = part.strip_suffix(CLOSE)?.rsplit_once(OPEN)?;
    Some((before, mark.split_once('#')?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_are_found_and_filled_in() {
        let arn = Placeholder { address: "ecs.cluster.main".into(), attribute: "arn".into() };
        let id = Placeholder { address: "ec2.vpc.main".into(), attribute: "id".into() };
        let text = format!("a {} b {}", arn.mark(), id.mark());
        let mut value = json!({ "x": [text, "plain"] });
        assert_eq!(placeholders(&value), [id, arn.clone()].into());
        fill(&mut value, &|quote| (*quote == arn).then(|| "ARN".to_owned()));
        let left = value["x"][0].as_str().unwrap();
        assert_eq!(readable(left), "a ARN b ${ec2.vpc.main.id}");
    }
}
