//! Lifecycle policies, in the normal form in which they are compared.

use std::{borrow::Cow, collections::BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use up_core::{Document, Problem};

/// A lifecycle policy. Its rules are sorted by priority, as in ECR's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct LifecyclePolicy(Document);

impl LifecyclePolicy {
    /// The policy of a repository without one.
    pub(crate) fn none() -> Self {
        Self::from(Document::from(json!({ "rules": [] })))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Document::parse(text).map(Self::from)
    }

    pub(crate) fn text(&self) -> String {
        self.0.text()
    }

    pub(crate) fn rules(&self) -> Option<&Vec<Value>> {
        self.0.value().get("rules")?.as_array()
    }

    pub(crate) fn check(&self, field: &str) -> Vec<Problem> {
        let Some(rules) = self.rules() else {
            return vec![Problem::new(field, "a lifecycle policy needs `rules`, a list of tables")];
        };
        let mut taken = BTreeSet::new();
        let problems = rules.iter().enumerate().filter_map(|(index, rule)| {
            let message = match priority(rule) {
                None => "a rule needs a `rulePriority`, a whole number from 1".to_owned(),
                Some(number) if !taken.insert(number) => format!("two rules have the `rulePriority` {number}"),
                Some(_) => return None,
            };
            Some(Problem::new(format!("{field}.rules[{index}]"), message))
        });
        problems.collect()
    }
}

impl From<Document> for LifecyclePolicy {
    fn from(document: Document) -> Self {
        let mut policy = document.into_value();
        if let Some(rules) = policy.get_mut("rules").and_then(Value::as_array_mut) {
            rules.sort_by_key(priority);
        }
        Self(policy.into())
    }
}

impl<'de> Deserialize<'de> for LifecyclePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for LifecyclePolicy {
    fn schema_name() -> Cow<'static, str> {
        "LifecyclePolicy".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Document::json_schema(generator)
    }
}

fn priority(rule: &Value) -> Option<u64> {
    rule.get("rulePriority").and_then(Value::as_u64).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_kept_by_priority_and_checked_for_it() {
        let policy = LifecyclePolicy::parse(r#"{"rules":[{"rulePriority":2},{"rulePriority":1}]}"#).unwrap();
        assert_eq!(policy.text(), r#"{"rules":[{"rulePriority":1},{"rulePriority":2}]}"#);
        assert!(policy.check("lifecycle_policy").is_empty());
        let twice = LifecyclePolicy::parse(r#"{"rules":[{"rulePriority":1},{"rulePriority":1},{}]}"#).unwrap();
        let fields: Vec<_> = twice.check("lifecycle_policy").into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["lifecycle_policy.rules[0]", "lifecycle_policy.rules[2]"]);
    }
}
