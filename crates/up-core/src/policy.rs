//! Text in IAM's policy language, in the one form that two policies are compared in.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Document;

/// A policy in IAM's language: written as a TOML table, or as text holding JSON.
///
/// Most of what the language lets one write in two ways is kept in one, because AWS may answer with the other: a lone
/// statement is a list of one, a list of one action, resource or principal is that one, and the principal
/// `arn:aws:iam::123456789012:root` is `123456789012`. Lists keep their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PolicyDocument(Document);

impl PolicyDocument {
    /// Reads what AWS holds.
    pub fn parse(text: &str) -> Result<Self, String> {
        Document::parse(text).map(Self::from)
    }

    /// The policy as AWS wants it.
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// Its content.
    pub fn value(&self) -> &Value {
        self.0.value()
    }
}

impl From<Document> for PolicyDocument {
    fn from(document: Document) -> Self {
        let mut policy = document.into_value();
        if let Some(statement) = policy.get_mut("Statement") {
            if statement.is_object() {
                *statement = Value::Array(vec![statement.take()]);
            }
            statement.as_array_mut().into_iter().flatten().for_each(normalise);
        }
        Self(policy.into())
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Document::json_schema(generator)
    }
}

fn normalise(statement: &mut Value) {
    for key in ["Action", "NotAction", "Resource", "NotResource"] {
        statement.get_mut(key).into_iter().for_each(unwrap_one);
    }
    for key in ["Principal", "NotPrincipal"] {
        let Some(Value::Object(principals)) = statement.get_mut(key) else { continue };
        principals.values_mut().for_each(unwrap_one);
        match principals.get_mut("AWS") {
            Some(Value::Array(accounts)) => accounts.iter_mut().for_each(name_account),
            Some(account) => name_account(account),
            None => {}
        }
    }
}

fn unwrap_one(value: &mut Value) {
    if let Value::Array(items) = value
        && let [item] = &mut items[..]
    {
        *value = item.take();
    }
}

/// An account and its root are one principal. The digits may still be a mark ([`crate::quote`]).
fn name_account(principal: &mut Value) {
    let root = principal.as_str().and_then(|text| text.strip_prefix("arn:")?.strip_suffix(":root"));
    if let Some((_, account)) = root.and_then(|rest| rest.split_once(":iam::")) {
        *principal = account.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_policy_written_in_two_ways_is_one_policy() {
        let long = r#"{"Statement":[{"Action":["a:B"],"Principal":{"AWS":["arn:aws:iam::123456789012:root"]}}]}"#;
        let short = r#"{"Statement":{"Principal":{"AWS":"123456789012"},"Action":"a:B"}}"#;
        assert_eq!(PolicyDocument::parse(long), PolicyDocument::parse(short));
    }

    #[test]
    fn what_says_something_else_stays() {
        let text = r#"{"Statement":[{"Action":["a:B","a:A"],"Principal":{"AWS":"arn:aws:iam::123456789012:role/x"}}]}"#;
        assert_eq!(PolicyDocument::parse(text).unwrap().text(), text);
    }
}
