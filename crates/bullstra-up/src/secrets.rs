//! Texts that must be neither shown nor kept.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    io::{self, Write},
    sync::{PoisonError, RwLock},
};

use serde_json::Value;

/// What stands in their place.
const MASK: &str = "(sensitive)";

/// Longest first, so that no part of one that holds another is left.
static SECRETS: RwLock<Vec<String>> = RwLock::new(vec![]);
/// Real access keys, secrets and tokens are longer; the sandbox takes account ids and plain words, which stand everywhere.
const SHORTEST_KEY: usize = 16;

/// Masks these from now on, also where JSON spells them otherwise, or lines are shown apart.
pub(crate) fn keep(secrets: &BTreeSet<String>) {
    let spelled = secrets.iter().flat_map(|secret| {
        let json = Value::from(secret.as_str()).to_string();
        let lines = secret.lines().filter(|line| line.len() > 8).map(str::to_owned);
        lines.chain([json[1..json.len() - 1].to_owned(), secret.clone()]).collect::<Vec<_>>()
    });
    add(spelled.collect());
}

/// Masks access keys, their secrets and tokens from now on.
pub(crate) fn keep_keys<'a>(keys: impl Iterator<Item = &'a str>) {
    add(keys.filter(|key| key.len() >= SHORTEST_KEY).map(str::to_owned).collect());
}

fn add(secrets: BTreeSet<String>) {
    // Whoever panicked while it held the lock, what is in there is whole: it is changed in one go.
    let mut all = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    let mut both: Vec<_> = secrets.into_iter().chain(all.drain(..)).collect::<BTreeSet<_>>().into_iter().collect();
    both.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    *all = both;
}

/// The text without them.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    secrets.iter().fold(Cow::Borrowed(text), |text, secret| match text.contains(secret.as_str()) {
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
        keep_keys(["AKIAIOSFODNN7EXAMPLE", "111122223333", "sandbox"].into_iter());
        let text = "AKIAIOSFODNN7EXAMPLE of 111122223333 in the sandbox, s3cret";
        assert_eq!(masked(text), "(sensitive) of 111122223333 in the sandbox, (sensitive)");
    }
}
