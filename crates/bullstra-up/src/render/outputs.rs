//! A stack's outputs.

use std::collections::BTreeMap;

use up_engine::ResolvedOutput;

use super::{
    style::{QUIET, paint},
    text::safe,
    value::{name, whole},
};

/// All outputs with their descriptions.
pub(crate) fn outputs(outputs: &BTreeMap<String, ResolvedOutput>) -> String {
    if outputs.is_empty() {
        return paint(QUIET, "The stack declares no outputs.");
    }
    let lines = outputs.iter().flat_map(|(key, ResolvedOutput { value, description, sensitive })| {
        let about = description.as_ref().map(|text| paint(QUIET, format_args!("# {}", safe(text))));
        let shown = match value {
            Some(value) => whole(&name(key), value),
            None if *sensitive => vec![format!("{}: {}", name(key), paint(QUIET, "(sensitive: ask for it by name)"))],
            None => vec![format!("{}: {}", name(key), paint(QUIET, "(not known before it is applied)"))],
        };
        about.into_iter().chain(shown)
    });
    lines.collect::<Vec<_>>().join("\n")
}
