//! Texts that must be neither shown nor kept.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    io::{self, Write},
    sync::OnceLock,
};

use serde_json::Value;

/// What stands in their place.
const MASK: &str = "(sensitive)";

/// Longest first, so that no part of one that holds another is left. One process has to do with one stack.
static SECRETS: OnceLock<Vec<String>> = OnceLock::new();

/// Masks these from now on, also where JSON spells them otherwise, or lines are shown apart.
pub(crate) fn keep(secrets: &BTreeSet<String>) {
    let spelled = secrets.iter().flat_map(|secret| {
        let json = Value::from(secret.as_str()).to_string();
        let lines = secret.lines().filter(|line| line.len() > 8).map(str::to_owned);
        lines.chain([json[1..json.len() - 1].to_owned(), secret.clone()]).collect::<Vec<_>>()
    });
    let mut all: Vec<_> = spelled.collect::<BTreeSet<_>>().into_iter().collect();
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    // A second load is of the same stack.
    let _ = SECRETS.set(all);
}

/// The text without them.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let secrets = SECRETS.get().into_iter().flatten();
    secrets.fold(Cow::Borrowed(text), |text, secret| match text.contains(secret) {
        true => text.replace(secret, MASK).into(),
        false => text,
    })
}

/// Takes them out of every text in `value`.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) => map.values_mut().for_each(mask),
        _ => {}
    }
}

/// Stderr without them, for what others write there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        anstream::stderr().lock().write_all(masked(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        anstream::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_a_secret_is_left_however_it_is_spelled() {
        let secrets = ["s3cret", "s3cret \"quoted\"", "-----BEGIN-----\nabcdefghijkl\n"];
        keep(&secrets.map(str::to_owned).into());
        let mut value = json!({ "a": ["x s3cret \"quoted\" y", "plain"], "b": 1 });
        let text = masked(&value.to_string()).into_owned();
        assert_eq!(text, r#"{"a":["x (sensitive) y","plain"],"b":1}"#);
        mask(&mut value);
        assert_eq!(value["a"][0], "x (sensitive) y");
        assert_eq!(masked("line: abcdefghijkl"), "line: (sensitive)");
        assert!(matches!(masked("nothing"), Cow::Borrowed(_)));
    }
}
