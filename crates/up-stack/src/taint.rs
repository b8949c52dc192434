//! Texts that came in through sensitive inputs, and what functions made of them.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::Value;
use up_core::placeholder;

use crate::{decimal, value::size};

/// Texts of up to so many characters stand everywhere, and hide nothing.
const SHORTEST: usize = 3;
/// More than so many are not collected of what functions make: looking for each of them takes time.
const MOST_MADE: usize = 1000;

/// What must be neither shown nor kept. It only grows.
#[derive(Debug, Default)]
pub(crate) struct Taint(RefCell<BTreeSet<String>>);

impl Taint {
    /// Every text in the value of a sensitive input, and every number.
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

    /// All of them.
    pub(crate) fn all(&self) -> BTreeSet<String> {
        self.0.borrow().clone()
    }

    /// What looking at the arguments of a function costs, in bytes.
    pub(crate) fn cost(&self, arguments: &[Value]) -> usize {
        let secrets = self.0.borrow().len();
        if secrets == 0 { 0 } else { secrets.saturating_mul(arguments.iter().map(size).sum()) }
    }

    /// A text that a function made of one that holds a secret is a secret as well: its base64, its hash, a part of it.
    /// What holds the secret as it is needs no mention, and what came from the rest of the arguments is none.
    pub(crate) fn spread(&self, arguments: &[Value], result: &Value) {
        let secrets = self.0.borrow();
        if secrets.is_empty() || secrets.len() >= MOST_MADE {
            return;
        }
        let (mut given, mut made) = (vec![], vec![]);
        arguments.iter().for_each(|argument| leaves(argument, &mut given));
        let open: Vec<String> = given.iter().map(|text| without(text, &secrets)).collect();
        if open == given {
            return;
        }
        leaves(result, &mut made);
        let is_new = |text: &String| {
            is_worth_hiding(text)
                && !secrets.iter().any(|secret| text.contains(secret))
                && !open.iter().any(|open| open.contains(text))
        };
        let made: Vec<_> = made.into_iter().filter(is_new).collect();
        drop(secrets);
        self.0.borrow_mut().extend(made);
    }
}

fn is_worth_hiding(text: &str) -> bool {
    text.chars().count() > SHORTEST && !placeholder::has_placeholder(text)
}

/// The text with a character that no text has in place of each secret.
fn without(text: &str, secrets: &BTreeSet<String>) -> String {
    let mut open = text.to_owned();
    for secret in secrets.iter().filter(|secret| text.contains(*secret)) {
        open = open.replace(secret, "\u{0}");
    }
    open
}

/// Every text and number in `value`, and the keys of its maps.
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

    fn made(arguments: &[Value], result: Value) -> Vec<String> {
        let taint = Taint::default();
        taint.add(&json!("hunter2"));
        taint.spread(arguments, &result);
        taint.all().into_iter().filter(|text| text != "hunter2").collect()
    }

    #[test]
    fn what_is_made_of_a_secret_is_one() {
        assert_eq!(made(&[json!("me:hunter2")], json!("bWU6aHVudGVyMg==")), ["bWU6aHVudGVyMg=="]);
        assert_eq!(made(&[json!("hunter2"), json!(0), json!(5)], json!("hunte")), ["hunte"]);
    }

    #[test]
    fn what_stood_beside_it_is_none() {
        let map = json!({ "region": "us-east-1", "password": "hunter2" });
        assert!(made(std::slice::from_ref(&map), json!(["region", "password"])).is_empty());
        assert!(made(&[map], json!("us-east-1")).is_empty());
        assert!(made(&[json!(","), json!("us-east-1,hunter2")], json!(["us-east-1", "hunter2"])).is_empty());
        assert!(made(&[json!("plain")], json!("PLAIN")).is_empty());
    }
}
