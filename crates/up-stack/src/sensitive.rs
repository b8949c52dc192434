//! Strings in sensitive inputs, and strings that functions derived from them.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::Value;
use up_model::placeholder;

use crate::{decimal, value::size};

/// Strings up to this length are not hidden: they occur everywhere.
const MAX_OPEN_LENGTH: usize = 3;
/// Beyond this number no more derived strings are collected: searching for each of them takes time.
const MAX_DERIVED: usize = 1000;

/// Strings that must not be shown or stored. Strings are only added, never removed.
#[derive(Debug, Default)]
pub(crate) struct SensitiveTexts(RefCell<BTreeSet<String>>);

impl SensitiveTexts {
    /// Adds all strings and numbers in the value of a sensitive input.
    pub(crate) fn add(&self, value: &Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Number(number) => self.hide(&decimal::text(number)),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn hide(&self, text: &str) {
        if is_worth_hiding(text) {
            self.0.borrow_mut().insert(text.to_owned());
        }
    }

    /// All strings.
    pub(crate) fn all(&self) -> BTreeSet<String> {
        self.0.borrow().clone()
    }

    /// What searching the arguments of a function costs, in bytes.
    pub(crate) fn cost(&self, arguments: &[Value]) -> usize {
        let secrets = self.0.borrow().len();
        if secrets == 0 { 0 } else { secrets.saturating_mul(arguments.iter().map(size).sum()) }
    }

    /// Adds the strings in `result` that a function derived from a secret: its base64, its hash, a part of it.
    /// A string that contains the secret itself need not be added; one that occurs in the other arguments is not secret.
    pub(crate) fn add_derived(&self, arguments: &[Value], result: &Value) {
        let secrets = self.0.borrow();
        if secrets.is_empty() || secrets.len() >= MAX_DERIVED {
            return;
        }
        let (mut given, mut derived) = (vec![], vec![]);
        arguments.iter().for_each(|argument| leaves(argument, &mut given));
        let open: Vec<String> = given.iter().map(|text| without(text, &secrets)).collect();
        if open == given {
            return;
        }
        leaves(result, &mut derived);
        let is_new = |text: &String| {
            is_worth_hiding(text)
                && !secrets.iter().any(|secret| text.contains(secret))
                && !open.iter().any(|open| open.contains(text))
        };
        let derived: Vec<_> = derived.into_iter().filter(is_new).collect();
        drop(secrets);
        self.0.borrow_mut().extend(derived);
    }
}

fn is_worth_hiding(text: &str) -> bool {
    text.chars().count() > MAX_OPEN_LENGTH && !placeholder::has_placeholder(text)
}

/// The text with a null character in place of each secret.
fn without(text: &str, secrets: &BTreeSet<String>) -> String {
    let mut open = text.to_owned();
    for secret in secrets.iter().filter(|secret| text.contains(*secret)) {
        open = open.replace(secret, "\u{0}");
    }
    open
}

/// All strings, numbers and keys of maps in `value`.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            found.push(key.clone());
            leaves(item, found);
        }),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn derived(arguments: &[Value], result: Value) -> Vec<String> {
        let sensitive = SensitiveTexts::default();
        sensitive.add(&json!("hunter2"));
        sensitive.add_derived(arguments, &result);
        sensitive.all().into_iter().filter(|text| text != "hunter2").collect()
    }

    #[test]
    fn strings_derived_from_a_secret_are_secret() {
        assert_eq!(derived(&[json!("me:hunter2")], json!("bWU6aHVudGVyMg==")), ["bWU6aHVudGVyMg=="]);
        assert_eq!(derived(&[json!("hunter2"), json!(0), json!(5)], json!("hunte")), ["hunte"]);
    }

    #[test]
    fn strings_beside_a_secret_are_not_secret() {
        let map = json!({ "region": "us-east-1", "password": "hunter2" });
        assert!(derived(std::slice::from_ref(&map), json!(["region", "password"])).is_empty());
        assert!(derived(&[map], json!("us-east-1")).is_empty());
        assert!(derived(&[json!(","), json!("us-east-1,hunter2")], json!(["us-east-1", "hunter2"])).is_empty());
        assert!(derived(&[json!("plain")], json!("PLAIN")).is_empty());
    }
}
