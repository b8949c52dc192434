//! Texts that must be neither shown nor kept: one set for each stack.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use aho_corasick::AhoCorasick;
use memchr::memmem;
use serde_json::{Number, Value};
use up_core::{Address, Declared};

use crate::Failure;

/// Replaces a secret in texts.
pub const MASK: &str = "(sensitive)";
/// Texts of at most this many characters occur everywhere, and are not masked.
const SHORTEST: usize = 3;

/// Real access keys, secrets and tokens are longer than this. The sandbox takes account ids and plain words, which occur everywhere.
const SHORTEST_KEY: usize = 16;

/// Texts of one stack that must be neither shown nor kept: values of sensitive inputs, and credentials. Clones are one set.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<KnownSecrets>>);

#[derive(Default)]
struct KnownSecrets {
    /// As they are.
    texts: BTreeSet<String>,
    /// True where some of them are numbers.
    has_numbers: bool,
    /// In every spelling, longest first: a secret inside a longer one must not be masked before it.
    spelled: Vec<String>,
    /// Finds [`KnownSecrets::spelled`] and [`MASK`], all at once.
    finder: Option<AhoCorasick>,
    /// Declarations that hold secrets: the live resources at these addresses may hold older secrets in the same places.
    declared: BTreeMap<Address, Vec<Arc<Value>>>,
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSecrets").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Masks these from now on, however they are spelled.
    pub fn add(&self, secrets: &BTreeSet<String>) {
        let mut known = self.write();
        let before = known.texts.len();
        known.texts.extend(secrets.iter().cloned());
        if known.texts.len() > before {
            let spelled: BTreeSet<_> = known.texts.iter().flat_map(|secret| spellings(secret)).collect();
            known.spelled = spelled.into_iter().collect();
            known.spelled.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
            known.has_numbers = known.texts.iter().any(|secret| secret.parse::<Number>().is_ok());
            // `None` where there are too many for one automaton: then they are searched for one by one.
            known.finder = AhoCorasick::new(known.spelled.iter().map(String::as_str).chain([MASK])).ok();
        }
    }

    /// Masks access keys, their secrets and tokens from now on.
    pub fn add_credentials<'a>(&self, keys: impl Iterator<Item = &'a str>) {
        self.add(&keys.filter(|key| key.len() >= SHORTEST_KEY).map(str::to_owned).collect());
    }

    /// True where `other` is the same set.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// True where no secret is known.
    pub fn is_empty(&self) -> bool {
        self.read().texts.is_empty()
    }

    /// The secrets that are in `text`, in any spelling.
    pub fn found_in(&self, text: &str) -> BTreeSet<String> {
        let is_in = |secret: &&String| text.contains(*secret) || spellings(secret).iter().any(|it| text.contains(it));
        self.read().texts.iter().filter(is_in).cloned().collect()
    }

    /// The text with [`MASK`] in the place of every secret.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.read().masked(text)
    }

    /// Masks secrets in every text and number in `value`, and in those keys that are no fields of a kind.
    pub fn mask(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        self.read().mask(value);
    }

    /// Masks secrets in the texts of a failure.
    pub(crate) fn mask_failure(&self, failure: Failure) -> Failure {
        let masked = |text: String| self.masked(&text).into_owned();
        Failure {
            message: masked(failure.message),
            hint: failure.hint.map(masked),
            details: failure.details.into_iter().map(|(address, text)| (address, masked(text))).collect(),
            ..failure
        }
    }

    /// False where `text` holds neither a secret, in any spelling, nor [`MASK`].
    pub(crate) fn may_be_in(&self, text: &[u8]) -> bool {
        let known = self.read();
        let mut spellings = known.texts.iter().chain(&known.spelled).map(String::as_str).chain([MASK]);
        spellings.any(|spelling| memmem::find(text, spelling.as_bytes()).is_some())
    }

    /// Remembers which declarations hold secrets, or held secrets that are masked in them now.
    pub(crate) fn add_declared(&self, resources: &[Declared]) {
        let mut known = self.write();
        let secret: Vec<_> = resources.iter().filter(|declared| known.are_in(&declared.spec)).collect();
        for Declared { address, spec, .. } in secret {
            known.declared.entry(address.clone()).or_default().push(spec.clone());
        }
    }

    /// True where some declarations hold secrets.
    pub(crate) fn are_declared(&self) -> bool {
        !self.read().declared.is_empty()
    }

    /// Adds the live values of fields whose declaration holds a secret: values from before a rotation.
    pub(crate) fn add_observed(&self, address: &Address, spec: &Value) {
        let found = {
            let known = self.read();
            let mut found = BTreeSet::new();
            let declared = known.declared.get(address).into_iter().flatten();
            declared.for_each(|desired| known.older(spec, desired, &mut found));
            found
        };
        if !found.is_empty() {
            self.add(&found);
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, KnownSecrets> {
        // After a panic of the lock's holder the set is still whole: at most one text lacks some spellings.
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, KnownSecrets> {
        // Also called by panic hooks, which must not panic themselves.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownSecrets {
    /// False where `text` holds neither a secret, in any spelling, nor [`MASK`].
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

    fn mask(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.masked(text) {
                    *text = masked;
                }
            }
            Value::Number(number) if self.is_number(number) => *value = MASK.into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(map) => {
                map.values_mut().for_each(|item| self.mask(item));
                let is_field = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                if map.keys().any(|key| !is_field(key) && matches!(self.masked(key), Cow::Owned(_))) {
                    let entries = std::mem::take(map).into_iter();
                    *map = entries.map(|(key, value)| (self.masked(&key).into_owned(), value)).collect();
                }
            }
            _ => {}
        }
    }

    fn is_number(&self, number: &Number) -> bool {
        self.has_numbers && self.texts.contains(&number.to_string())
    }

    /// True where `value` holds a secret, or [`MASK`].
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

    /// Collects what `observed` has in the places where `desired` has secrets.
    fn older(&self, observed: &Value, desired: &Value, found: &mut BTreeSet<String>) {
        if observed == desired || !self.are_in(desired) {
            return;
        }
        match (observed, desired) {
            (Value::Object(observed), Value::Object(desired)) => {
                let both = desired.iter().filter_map(|(key, desired)| Some((observed.get(key)?, desired)));
                both.for_each(|(observed, desired)| self.older(observed, desired, found));
            }
            (Value::Array(observed), Value::Array(desired)) => {
                let others: Vec<_> = observed.iter().filter(|observed| !desired.contains(observed)).collect();
                for desired in desired.iter().filter(|desired| self.are_in(desired)) {
                    let name = desired.get("name").filter(|name| name.is_string());
                    let alike: Vec<_> =
                        others.iter().filter(|observed| name.is_some() && observed.get("name") == name).collect();
                    let alike = if alike.is_empty() { others.iter().collect() } else { alike };
                    alike.into_iter().for_each(|observed| self.older(observed, desired, found));
                }
            }
            (Value::String(observed), Value::String(desired)) => found.extend(self.older_text(observed, desired)),
            _ => texts(observed, found),
        }
    }

    /// The part of `observed` between those that it has in common with `desired`; all of it if it has none in common.
    fn older_text(&self, observed: &str, desired: &str) -> Option<String> {
        let desired = self.masked(desired);
        let (before, after) = desired
            .split_once(MASK)
            .map(|(before, rest)| (before, rest.rsplit_once(MASK).map_or(rest, |(_, after)| after)))?;
        let between = observed.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or(observed);
        (between.chars().count() > SHORTEST && between != MASK).then(|| between.to_owned())
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_a_secret_is_left_however_it_is_spelled() {
        let secrets = ["s3cret", "s3cret \"quoted\"", "-----BEGIN-----\nabcdefghijkl\n", "p@ss w\u{7f}rd", "40961234"];
        let all = Secrets::default();
        let masked = |text: &str| all.masked(text).into_owned();
        all.add(&secrets.map(str::to_owned).into());
        let mut value = json!({ "a": ["x s3cret \"quoted\" y", "plain"], "b": 1, "c": 40961234, "S3-s3cret": 2 });
        let text = masked(&json!({ "a": ["x s3cret \"quoted\" y", "plain"] }).to_string());
        assert_eq!(text, r#"{"a":["x (sensitive) y","plain"]}"#);
        all.mask(&mut value);
        let expected = json!({ "a": ["x (sensitive) y", "plain"], "b": 1, "c": "(sensitive)", "S3-(sensitive)": 2 });
        assert_eq!(value, expected);
        assert_eq!(masked("line: abcdefghijkl"), "line: (sensitive)");
        assert_eq!(masked("Password=p%40ss%20w%7Frd&x"), "Password=(sensitive)&x");
        assert_eq!(masked(&format!("{:?}", Some("p@ss w\u{7f}rd"))), "Some(\"(sensitive)\")");
        assert!(matches!(all.masked("nothing"), Cow::Borrowed(_)));
        all.add_credentials(["AKIAIOSFODNN7EXAMPLE", "111122223333", "sandbox"].into_iter());
        let text = "AKIAIOSFODNN7EXAMPLE of 111122223333 in the sandbox, s3cret";
        assert_eq!(masked(text), "(sensitive) of 111122223333 in the sandbox, (sensitive)");
    }

    #[test]
    fn what_a_secret_was_before_is_hidden_too() {
        let address = Address::root("ecs.task_definition", "rotated");
        let all = Secrets::default();
        let masked = |text: &str| all.masked(text).into_owned();
        all.add(&["new-token".to_owned()].into());
        let spec = |password: &str, other: &str| {
            json!({ "containers": [{ "name": "app", "environment": { "URL": format!("pg://me:{password}@db") } }],
                    "list": [{ "name": "plain", "value": other }, { "name": "token", "value": password }] })
        };
        all.add_declared(&[Declared::new(address.clone(), spec("new-token", "open-value"))]);
        all.add_observed(&address, &spec("old-token", "other-value"));
        assert_eq!(masked("pg://me:old-token@db, other-value"), "pg://me:(sensitive)@db, other-value");
        // Written down masked by an earlier run, and gone from the stack's files since.
        let gone = Address::root("rds.instance", "gone");
        all.add_declared(&[Declared::new(gone.clone(), json!({ "password": "(sensitive)", "engine": "postgres" }))]);
        all.add_observed(&gone, &json!({ "password": "left-behind", "engine": "mysql-other" }));
        assert_eq!(masked("left-behind mysql-other"), "(sensitive) mysql-other");
    }
}
