//! Texts that must be neither shown nor kept.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use aho_corasick::AhoCorasick;
use memchr::memmem;
use serde_json::{Number, Value};
use up_core::{Address, Declared};

use crate::terminal;

/// What stands in their place.
const MASK: &str = "(sensitive)";
/// Texts of up to so many characters stand everywhere, and hide nothing.
const SHORTEST: usize = 3;

/// Real access keys, secrets and tokens are longer; the sandbox takes account ids and plain words, which stand everywhere.
const SHORTEST_KEY: usize = 16;

static SECRETS: RwLock<Secrets> = RwLock::new(Secrets {
    texts: BTreeSet::new(),
    has_numbers: false,
    spelled: Vec::new(),
    finder: None,
    veiled: BTreeMap::new(),
});

/// One process has to do with one stack.
struct Secrets {
    /// As they are.
    texts: BTreeSet<String>,
    /// True where some of them are numbers.
    has_numbers: bool,
    /// In every spelling, longest first, so that no part of one that holds another is left.
    spelled: Vec<String>,
    /// Finds [`Secrets::spelled`] and [`MASK`], all at once.
    finder: Option<AhoCorasick>,
    /// Declarations that hold some of them: what lives at these addresses may still hold an older one there.
    veiled: BTreeMap<Address, Vec<Arc<Value>>>,
}

/// Masks these from now on, however they are spelled.
pub(crate) fn keep(secrets: &BTreeSet<String>) {
    let mut all = write();
    let before = all.texts.len();
    all.texts.extend(secrets.iter().cloned());
    if all.texts.len() > before {
        let spelled: BTreeSet<_> = all.texts.iter().flat_map(|secret| spellings(secret)).collect();
        all.spelled = spelled.into_iter().collect();
        all.spelled.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.has_numbers = all.texts.iter().any(|secret| secret.parse::<Number>().is_ok());
        // Too many for it are looked for one by one.
        all.finder = AhoCorasick::new(all.spelled.iter().map(String::as_str).chain([MASK])).ok();
    }
}

impl Secrets {
    /// False where `text` holds no secret in any spelling, and not what stands in the place of one.
    fn may_be_in(&self, text: &str) -> bool {
        match &self.finder {
            Some(finder) => finder.is_match(text),
            None => !self.spelled.is_empty() || text.contains(MASK),
        }
    }

    fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.may_be_in(text) {
            return Cow::Borrowed(text);
        }
        self.spelled.iter().fold(Cow::Borrowed(text), |text, secret| match text.contains(secret) {
            true => text.replace(secret, MASK).into(),
            false => text,
        })
    }

    fn is_number(&self, number: &Number) -> bool {
        self.has_numbers && self.texts.contains(&number.to_string())
    }

    /// True where there is a secret in it, or what was one when it was written down.
    fn are_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                self.may_be_in(text) && (text.contains(MASK) || matches!(self.masked(text), Cow::Owned(_)))
            }
            Value::Number(number) => self.is_number(number),
            Value::Array(items) => items.iter().any(|item| self.are_in(item)),
            Value::Object(map) => map.values().any(|item| self.are_in(item)),
            _ => false,
        }
    }
}

/// Masks access keys, their secrets and tokens from now on.
pub(crate) fn keep_keys<'a>(keys: impl Iterator<Item = &'a str>) {
    keep(&keys.filter(|key| key.len() >= SHORTEST_KEY).map(str::to_owned).collect());
}

/// True where there is something to hide.
pub(crate) fn are_known() -> bool {
    !read().texts.is_empty()
}

/// Those that stand in `text`, in any spelling.
pub(crate) fn found_in(text: &str) -> BTreeSet<String> {
    let stands = |secret: &&String| text.contains(*secret) || spellings(secret).iter().any(|it| text.contains(it));
    read().texts.iter().filter(stands).cloned().collect()
}

/// False where neither a secret stands in `text`, in any spelling, nor what stands in the place of one.
pub(crate) fn may_stand_in(text: &[u8]) -> bool {
    let all = read();
    let mut spellings = all.texts.iter().chain(&all.spelled).map(String::as_str).chain([MASK]);
    spellings.any(|spelling| memmem::find(text, spelling.as_bytes()).is_some())
}

/// Notes where secrets are declared, or were when what is masked now was applied.
pub(crate) fn note(resources: &[Declared]) {
    let mut all = write();
    let with_permit: Vec<_> = resources.iter().filter(|declared| all.are_in(&declared.spec)).collect();
    for Declared { address, spec, .. } in with_permit {
        all.veiled.entry(address.clone()).or_default().push(spec.clone());
    }
}

/// True where some were noted.
pub(crate) fn are_declared() -> bool {
    !read().veiled.is_empty()
}

/// What stands where a secret is declared is one as well: its value before it was rotated.
pub(crate) fn observed(address: &Address, spec: &Value) {
    let declared = read().veiled.get(address).cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    declared.iter().for_each(|desired| older(spec, desired, &mut found));
    if !found.is_empty() {
        keep(&found);
    }
}

/// The text without them.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    read().masked(text)
}

/// Takes them out of every text and number in `value`, and out of those keys that are no fields of ours.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
        Value::Number(number) if read().is_number(number) => *value = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) => {
            map.values_mut().for_each(mask);
            let is_field = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if map.keys().any(|key| !is_field(key) && matches!(masked(key), Cow::Owned(_))) {
                let entries = std::mem::take(map).into_iter();
                *map = entries.map(|(key, value)| (masked(&key).into_owned(), value)).collect();
            }
        }
        _ => {}
    }
}

fn write() -> RwLockWriteGuard<'static, Secrets> {
    // Whoever panicked while it held the lock, what is in there is whole enough: a text more or less spelled.
    SECRETS.write().unwrap_or_else(PoisonError::into_inner)
}

fn read() -> RwLockReadGuard<'static, Secrets> {
    // Asked in a panic too, which must not panic itself.
    SECRETS.read().unwrap_or_else(PoisonError::into_inner)
}

/// As it is, without the space around it, line by line, and as JSON, Rust and URLs spell it.
fn spellings(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let rust = format!("{secret:?}");
    let inside = |quoted: &str| quoted[1..quoted.len() - 1].to_owned();
    let url: String = secret.bytes().map(percent).collect();
    let lines = secret.lines().map(str::trim).filter(|line| line.len() > 8).map(str::to_owned);
    let whole = [secret.to_owned(), secret.trim().to_owned(), inside(&json), inside(&rust), url];
    let all = lines.chain(whole);
    all.filter(|text| text.chars().count() > SHORTEST).collect()
}

fn percent(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

/// See [`Secrets::are_in`].
fn holds(value: &Value) -> bool {
    read().are_in(value)
}

/// What `observed` has in the places where `desired` has secrets.
fn older(observed: &Value, desired: &Value, found: &mut BTreeSet<String>) {
    if observed == desired || !holds(desired) {
        return;
    }
    match (observed, desired) {
        (Value::Object(observed), Value::Object(desired)) => {
            desired
                .iter()
                .filter_map(|(key, desired)| Some((observed.get(key)?, desired)))
                .for_each(|(s, w)| older(s, w, found));
        }
        (Value::Array(observed), Value::Array(desired)) => {
            let others: Vec<_> = observed.iter().filter(|observed| !desired.contains(observed)).collect();
            for desired in desired.iter().filter(|desired| holds(desired)) {
                let name = desired.get("name").filter(|name| name.is_string());
                let alike: Vec<_> =
                    others.iter().filter(|observed| name.is_some() && observed.get("name") == name).collect();
                let alike = if alike.is_empty() { others.iter().collect() } else { alike };
                alike.into_iter().for_each(|observed| older(observed, desired, found));
            }
        }
        (Value::String(observed), Value::String(desired)) => found.extend(older_text(observed, desired)),
        _ => texts(observed, found),
    }
}

/// What stands in `observed` between the parts that it has in common with `desired`; all of it where those are not there.
fn older_text(observed: &str, desired: &str) -> Option<String> {
    let desired = masked(desired);
    let (before, after) = desired
        .split_once(MASK)
        .map(|(before, rest)| (before, rest.rsplit_once(MASK).map_or(rest, |(_, after)| after)))?;
    let between = observed.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or(observed);
    (between.chars().count() > SHORTEST && between != MASK).then(|| between.to_owned())
}

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.chars().count() > SHORTEST => {
            found.insert(text.clone());
        }
        Value::Number(number) if number.to_string().len() > SHORTEST => {
            found.insert(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// Stderr without them, for what others write there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = terminal::shown(&String::from_utf8_lossy(bytes));
        anstream::stderr().lock().write_all(text.as_bytes())?;
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
        let secrets = ["s3cret", "s3cret \"quoted\"", "-----BEGIN-----\nabcdefghijkl\n", "p@ss w\u{7f}rd", "40961234"];
        keep(&secrets.map(str::to_owned).into());
        let mut value = json!({ "a": ["x s3cret \"quoted\" y", "plain"], "b": 1, "c": 40961234, "S3-s3cret": 2 });
        let text = masked(&json!({ "a": ["x s3cret \"quoted\" y", "plain"] }).to_string()).into_owned();
        assert_eq!(text, r#"{"a":["x (sensitive) y","plain"]}"#);
        mask(&mut value);
        let expected = json!({ "a": ["x (sensitive) y", "plain"], "b": 1, "c": "(sensitive)", "S3-(sensitive)": 2 });
        assert_eq!(value, expected);
        assert_eq!(masked("line: abcdefghijkl"), "line: (sensitive)");
        assert_eq!(masked("Password=p%40ss%20w%7Frd&x"), "Password=(sensitive)&x");
        assert_eq!(masked(&format!("{:?}", Some("p@ss w\u{7f}rd"))), "Some(\"(sensitive)\")");
        assert!(matches!(masked("nothing"), Cow::Borrowed(_)));
        keep_keys(["AKIAIOSFODNN7EXAMPLE", "111122223333", "sandbox"].into_iter());
        let text = "AKIAIOSFODNN7EXAMPLE of 111122223333 in the sandbox, s3cret";
        assert_eq!(masked(text), "(sensitive) of 111122223333 in the sandbox, (sensitive)");
    }

    #[test]
    fn what_a_secret_was_before_is_hidden_too() {
        let address = Address::root("ecs.task_definition", "rotated");
        keep(&["new-token".to_owned()].into());
        let spec = |password: &str, other: &str| {
            json!({ "containers": [{ "name": "app", "environment": { "URL": format!("pg://me:{password}@db") } }],
                    "list": [{ "name": "plain", "value": other }, { "name": "token", "value": password }] })
        };
        note(&[Declared::new(address.clone(), spec("new-token", "open-value"))]);
        observed(&address, &spec("old-token", "other-value"));
        assert_eq!(masked("pg://me:old-token@db, other-value"), "pg://me:(sensitive)@db, other-value");
        // Written down masked by an earlier run, and gone from the stack's files since.
        let gone = Address::root("rds.instance", "gone");
        note(&[Declared::new(gone.clone(), json!({ "password": "(sensitive)", "engine": "postgres" }))]);
        observed(&gone, &json!({ "password": "left-behind", "engine": "mysql-other" }));
        assert_eq!(masked("left-behind mysql-other"), "(sensitive) mysql-other");
    }
}
