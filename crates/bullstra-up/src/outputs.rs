//! What a stack tells the world, once it is known.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use up_core::{Address, Cx, quote};
use up_stack::Output;

/// An output's value, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Evaluated {
    /// The value; absent where it needs what does not exist.
    pub(crate) value: Option<Value>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Not to be shown unless asked for by name.
    pub(crate) sensitive: bool,
}

/// All outputs, with what `cx` knows of the resources they quote.
pub(crate) fn all(outputs: &BTreeMap<String, Output>, cx: &Cx) -> BTreeMap<String, Evaluated> {
    outputs.iter().map(|(name, output)| (name.clone(), evaluate(output, cx))).collect()
}

fn evaluate(output: &Output, cx: &Cx) -> Evaluated {
    let mut value = output.value.clone();
    quote::fill(&mut value, &|quote| cx.answer(quote));
    name_targets(&mut value, cx);
    let known = quote::quotes(&value).is_empty() && up_core::references(&value).is_empty();
    let Output { description, sensitive, .. } = output.clone();
    Evaluated { value: known.then_some(value), description, sensitive }
}

/// A resource as an output is its id.
fn name_targets(value: &mut Value, cx: &Cx) {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|text| text.parse::<Address>().ok());
    match (target.and_then(|address| cx.known(&address)), &mut *value) {
        (Some(known), value) => *value = known.id.into(),
        (None, Value::Object(map)) => map.values_mut().for_each(|value| name_targets(value, cx)),
        (None, Value::Array(items)) => items.iter_mut().for_each(|value| name_targets(value, cx)),
        _ => {}
    }
}

/// For people: a line each, texts as they are, everything else as JSON.
pub(crate) fn text(outputs: &BTreeMap<String, Evaluated>) -> String {
    let longest = outputs.keys().map(String::len).max().unwrap_or(0);
    let lines = outputs.iter().map(|(name, output)| format!("{name:longest$} = {}", shown(output)));
    lines.collect::<Vec<_>>().join("\n")
}

fn shown(output: &Evaluated) -> String {
    match &output.value {
        _ if output.sensitive => "(sensitive)".into(),
        None => "(not known yet)".into(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
