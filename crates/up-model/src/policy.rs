//! Policies in IAM's language, and the form in which two policies are compared.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Document;

/// A policy in IAM's language: written as a TOML table, or as text holding JSON.
///
/// It is kept, and sent to AWS, as it was written. Two policies are equal if they mean the same to IAM, because AWS may
/// return a policy in another spelling and order. Statements, actions, resources, principals and the values of
/// conditions are sets; a single one is a set of one; in conditions, `true` is `"true"` and `5` is `"5"`; the principal
/// `arn:aws:iam::123456789012:root` is `123456789012`, and `{ AWS = "*" }` is `"*"`.
#[derive(Debug, Clone)]
pub struct PolicyDocument(Document);

impl PolicyDocument {
    /// The name of the newtype for serializers, see [`comparable`].
    pub(crate) const NAME: &'static str = "PolicyDocument";

    /// Parses a policy from AWS.
    pub fn parse(text: &str) -> Result<Self, String> {
        Document::parse(text).map(Self)
    }

    /// The policy as JSON text for AWS.
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// Its content, as it was written.
    pub fn value(&self) -> &Value {
        self.0.value()
    }

    /// A resource's own policy as JSON text for AWS: statements without a resource get `arn`, the resource itself.
    #[must_use]
    pub fn about(&self, arn: &str) -> Self {
        self.with_statements(|statement| {
            if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
                statement.insert("Resource".to_owned(), arn.into());
            }
        })
    }

    /// The reverse: removes `Resource` where it holds only `arn`. A resource's own policy is compared in this form.
    #[must_use]
    pub fn without_resource(&self, arn: &str) -> Self {
        self.with_statements(|statement| {
            let is_own = |resource: &Value| many(resource.clone()).iter().all(|named| named == arn);
            if statement.get("Resource").is_some_and(is_own) {
                statement.shift_remove("Resource");
            }
        })
    }

    fn with_statements(&self, change: impl FnMut(&mut Map<String, Value>)) -> Self {
        let mut policy = self.value().clone();
        let statements: &mut [Value] = match policy.get_mut("Statement") {
            Some(Value::Array(statements)) => statements,
            Some(statement) => std::slice::from_mut(statement),
            None => &mut [],
        };
        statements.iter_mut().filter_map(Value::as_object_mut).for_each(change);
        Self(policy.into())
    }

    /// The statements, of which a single one may stand without a list; `None` if there are none.
    pub fn statements(&self) -> Option<&[Value]> {
        match self.value().get("Statement")? {
            Value::Array(statements) => Some(statements),
            statement => Some(std::slice::from_ref(statement)),
        }
    }
}

impl From<Document> for PolicyDocument {
    fn from(document: Document) -> Self {
        Self(document)
    }
}

impl PartialEq for PolicyDocument {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value() || comparable(self.value().clone()) == comparable(other.value().clone())
    }
}

impl Eq for PolicyDocument {}

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &self.0)
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Document::json_schema(generator)
    }
}

/// The form that is the same for two policies with the same meaning.
pub(crate) fn comparable(policy: Value) -> Value {
    let Value::Object(mut policy) = policy else { return policy };
    // IAM's default for a missing version.
    if policy.get("Version").is_some_and(|version| version == "2008-10-17") {
        policy.shift_remove("Version");
    }
    if let Some(statements) = policy.get_mut("Statement") {
        let mut all = many(statements.take());
        all.iter_mut().for_each(normalise);
        *statements = Value::Array(sorted(all));
    }
    by_key(policy)
}

fn normalise(statement: &mut Value) {
    let Value::Object(mut fields) = statement.take() else { return };
    for key in ["Action", "NotAction", "Resource", "NotResource"] {
        fields.get_mut(key).into_iter().for_each(as_set);
    }
    for key in ["Principal", "NotPrincipal"] {
        fields.get_mut(key).into_iter().for_each(name_principals);
    }
    if let Some(Value::Object(operators)) = fields.get_mut("Condition") {
        for keys in operators.values_mut() {
            let Value::Object(keys) = keys else { continue };
            keys.values_mut().for_each(|values| {
                *values = Value::Array(many(values.take()).into_iter().map(as_text).collect());
                as_set(values);
            });
            keys.sort_keys();
        }
        operators.sort_keys();
    }
    fields.retain(|key, value| match key.as_str() {
        "Sid" => value != "",
        "Condition" => value.as_object().is_none_or(|operators| !operators.is_empty()),
        _ => true,
    });
    *statement = by_key(fields);
}

/// A scalar is treated as a list of one.
fn many(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        item => vec![item],
    }
}

/// Sorts a list and removes duplicates; a list of one becomes its item.
fn as_set(value: &mut Value) {
    let mut items = sorted(many(value.take()));
    *value = if items.len() == 1 { items.remove(0) } else { Value::Array(items) };
}

fn sorted(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by_cached_key(Value::to_string);
    items.dedup();
    items
}

/// IAM compares the values of conditions as text.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        other => other,
    }
}

/// Writes each principal in one form. The account id may still be a placeholder ([`crate::placeholder`]).
fn name_principals(principals: &mut Value) {
    let Value::Object(of_type) = principals else { return };
    if let Some(accounts) = of_type.get_mut("AWS") {
        let named = many(accounts.take()).into_iter().map(|principal| {
            let root = principal.as_str().and_then(|text| text.strip_prefix("arn:")?.strip_suffix(":root"));
            let account = root.and_then(|rest| rest.split_once(":iam::")).map(|(_, account)| account.into());
            account.unwrap_or(principal)
        });
        *accounts = Value::Array(named.collect());
    }
    of_type.values_mut().for_each(as_set);
    of_type.sort_keys();
    if of_type.len() == 1 && of_type.get("AWS").is_some_and(|accounts| accounts == "*") {
        *principals = "*".into();
    }
}

fn by_key(mut map: Map<String, Value>) -> Value {
    map.sort_keys();
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};
    use serde_json::json;

    use super::*;

    fn policy(value: Value) -> PolicyDocument {
        PolicyDocument(value.into())
    }

    #[test]
    fn two_spellings_of_a_policy_are_equal() {
        let long = r#"{"Version":"2008-10-17","Statement":[{"Sid":"","Action":["a:B"],"Condition":{},
            "Principal":{"AWS":["arn:aws:iam::123456789012:root"]}}]}"#;
        let short = r#"{"Statement":{"Principal":{"AWS":"123456789012"},"Action":"a:B"}}"#;
        assert_eq!(PolicyDocument::parse(long), PolicyDocument::parse(short));
        let everyone = |principal| policy(json!({ "Statement": { "Principal": principal } }));
        assert_eq!(everyone(json!("*")), everyone(json!({ "AWS": ["*"] })));
        assert_ne!(everyone(json!("*")), everyone(json!({ "Service": "*" })));
    }

    #[test]
    fn a_policy_is_sent_as_it_was_written() {
        let text = r#"{"Statement":[{"Action":["a:B","a:A"],"Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}"#;
        assert_eq!(PolicyDocument::parse(text).unwrap().text(), text);
        assert_eq!(serde_json::to_string(&PolicyDocument::parse(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_policy_may_leave_out_its_own_resource() {
        let written = policy(json!({ "Statement": [{ "Action": "a:B" }, { "Action": "a:C", "Resource": "*" }] }));
        let sent =
            json!({ "Statement": [{ "Action": "a:B", "Resource": "arn" }, { "Action": "a:C", "Resource": "*" }] });
        assert_eq!(written.about("arn").value(), &sent);
        assert_eq!(policy(sent).without_resource("arn"), written);
        let alone = policy(json!({ "Statement": { "Action": "a:B", "Resource": ["arn"] } }));
        assert_eq!(alone.without_resource("arn"), policy(json!({ "Statement": { "Action": "a:B" } })));
        assert_eq!(alone.without_resource("another"), alone);
    }

    /// AWS shows the unique id of a deleted principal: a new principal with the same name is another one.
    #[test]
    fn a_deleted_principal_differs_from_a_new_one() {
        let of = |principal: &str| policy(json!({ "Statement": [{ "Principal": { "AWS": principal } }] }));
        assert_ne!(of("AROAJQABLZS4A3QDU576Q"), of("arn:aws:iam::123456789012:role/x"));
    }

    /// Adds a member to each set, by the path of the set.
    const MEMBERS: &[&[&str]] = &[
        &["Action"],
        &["NotAction"],
        &["Resource"],
        &["NotResource"],
        &["Principal", "AWS"],
        &["Principal", "Service"],
        &["NotPrincipal", "Federated"],
        &["Condition", "StringLike", "aws:a"],
        &["Condition", "StringLike", "aws:b"],
        &["Condition", "Bool", "aws:c"],
        &["Condition", "NumericLessThan", "aws:d"],
    ];

    fn member() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[a-d]:[A-D]".prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            (0..4).prop_map(Value::from),
        ]
    }

    /// A statement, as the path of each set and its members.
    fn statement() -> impl Strategy<Value = Vec<(&'static [&'static str], Vec<Value>)>> {
        subsequence(MEMBERS, 1..6).prop_flat_map(|paths| {
            let set = |path: &'static [&'static str]| {
                let text = "[a-d]:[A-D]".prop_map(Value::from).boxed();
                let items = if path[0] == "Condition" { member().boxed() } else { text };
                proptest::collection::vec(items, 1..4).prop_map(move |items| (path, items))
            };
            paths.into_iter().map(set).collect::<Vec<_>>()
        })
    }

    /// A statement written out; `turn` selects one of many spellings.
    fn written(sets: &[(&'static [&'static str], Vec<Value>)], turn: usize) -> Value {
        let mut sets = sets.to_vec();
        let many = sets.len();
        sets.rotate_left(turn % many);
        let mut statement = json!({});
        for (path, mut items) in sets {
            let is_condition = path[0] == "Condition";
            if turn % 2 == 1 {
                items.reverse();
                items.push(items[0].clone());
                items.iter_mut().filter(|_| is_condition).for_each(|item| *item = as_text(item.take()));
            }
            let value = if items.len() == 1 && turn.is_multiple_of(3) { items.remove(0) } else { Value::Array(items) };
            let place = path.iter().fold(&mut statement, |place, key| {
                let place = if place.is_null() {
                    *place = json!({});
                    place
                } else {
                    place
                };
                &mut place[*key]
            });
            *place = value;
        }
        if turn % 2 == 1 { json!({ "Statement": [statement] }) } else { json!({ "Statement": statement }) }
    }

    proptest! {
        #[test]
        fn another_spelling_or_order_changes_nothing(sets in statement(), one in 0..12usize, other in 0..12usize) {
            prop_assert_eq!(policy(written(&sets, one)), policy(written(&sets, other)));
        }

        #[test]
        fn another_member_is_another_policy(sets in statement(), turn in 0..12usize, at in any::<prop::sample::Index>()) {
            let mut changed = sets.clone();
            let at = at.index(changed.len());
            changed[at].1.push("e:E".into());
            prop_assert_ne!(policy(written(&sets, turn)), policy(written(&changed, turn)));
            changed[at].1 = vec!["e:E".into()];
            prop_assert_ne!(policy(written(&sets, turn)), policy(written(&changed, turn)));
        }
    }
}
