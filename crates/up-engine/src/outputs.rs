//! A stack's outputs with their values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use up_core::{Address, Context, Known, placeholder, references};
use up_plan::LiveStack;
use up_stack::OutputValue;

use crate::Session;

/// An output with its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResolvedOutput {
    /// Absent while it refers to a resource that does not exist, and for a sensitive output that was not asked for by name.
    pub value: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
    /// Shown only when asked for by name.
    pub sensitive: bool,
}

impl ResolvedOutput {
    /// True where the value of `output` depends on a resource, so that AWS has to be asked.
    pub fn needs_resources(output: &OutputValue) -> bool {
        placeholder::holds_placeholder(&output.value) || !references(&output.value).is_empty()
    }
}

impl Session {
    /// Makes ids and attributes of the resources in `live_stack` known to [`output_values`].
    pub fn learn(&self, live_stack: &LiveStack) {
        for (_, observed) in live_stack.iter() {
            if let Some(address) = observed.address(&self.stack) {
                self.cx.learn(&address, Known { id: observed.id.clone(), attrs: observed.attrs.clone() });
            }
        }
    }
}

/// The outputs, with what `cx` knows of the resources they refer to. Values of sensitive outputs are left out, unless they are
/// to be `revealed`.
pub fn output_values(
    outputs: &BTreeMap<String, OutputValue>,
    cx: Option<&Context>,
    revealed: bool,
) -> BTreeMap<String, ResolvedOutput> {
    let values = outputs.iter().map(|(name, output)| {
        let OutputValue { value, description, sensitive } = output.clone();
        let value = resolved(value, cx).filter(|_| !sensitive || revealed);
        (name.clone(), ResolvedOutput { value, description, sensitive })
    });
    values.collect()
}

/// The value with text in the place of placeholders, and ids in the place of references. Nothing while one is unknown.
fn resolved(mut value: Value, cx: Option<&Context>) -> Option<Value> {
    placeholder::fill(&mut value, &|placeholder| cx?.answer(placeholder));
    with_ids(&mut value, cx)?;
    (!placeholder::holds_placeholder(&value)).then_some(value)
}

fn with_ids(value: &mut Value, cx: Option<&Context>) -> Option<()> {
    match value {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str).map(str::parse::<Address>) {
            Some(Ok(address)) => {
                *value = cx?.known(&address)?.id.into();
                Some(())
            }
            _ => map.values_mut().try_for_each(|value| with_ids(value, cx)),
        },
        Value::Array(items) => items.iter_mut().try_for_each(|item| with_ids(item, cx)),
        _ => Some(()),
    }
}
