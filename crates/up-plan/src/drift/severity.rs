//! How bad a difference is, so that the worst stands first.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use up_model::Model;

use super::{DriftClass, FieldDrift};

/// How bad a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is open to the internet that was not.
    Open,
    /// A protection is off: of deletion, by encryption, by backups.
    Unprotected,
    /// Somebody may do more than before: a policy, a trust, a role.
    Permissions,
    /// A resource that holds data.
    Data,
    /// Everything else.
    Other,
}

impl Severity {
    /// `open`, `unprotected`, …
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unprotected => "unprotected",
            Self::Permissions => "permissions",
            Self::Data => "data",
            Self::Other => "other",
        }
    }
}

/// Addresses that mean everybody.
const EVERYBODY: [&str; 3] = ["0.0.0.0/0", "::/0", "*"];
/// Words in the names of fields that give access to the internet when they are true.
const OPENING: [&str; 2] = ["public", "internet"];
/// Words in the names of fields that protect when they are true, or large.
const PROTECTING: [&str; 8] =
    ["protection", "encrypt", "backup", "multi_az", "retention", "scan_on_push", "drop_invalid", "enforce"];
/// Words in the names of fields that say who may do what.
const PERMITTING: [&str; 2] = ["role", "boundary"];

/// The severity of a whole resource that has come or gone.
pub(super) fn of_resource(class: DriftClass, kind: Option<&'static dyn Model>) -> Severity {
    let Some(kind) = kind.filter(|_| class.is_drift()) else { return Severity::Other };
    match kind.name() {
        _ if kind.info().holds_data => Severity::Data,
        name if name.starts_with("iam.") && class == DriftClass::Added => Severity::Permissions,
        _ => Severity::Other,
    }
}

/// The severity of the worst of some fields.
pub(super) fn of_fields(class: DriftClass, kind: Option<&'static dyn Model>, fields: &[FieldDrift]) -> Severity {
    if !matches!(class, DriftClass::Changed | DriftClass::Undeclared) {
        return Severity::Other;
    }
    let is_iam = kind.is_some_and(|kind| kind.name().starts_with("iam."));
    let holds_data = kind.is_some_and(|kind| kind.info().holds_data);
    let of_field = |drift: &FieldDrift| match drift {
        _ if drift.field.starts_with("tags.") => Severity::Other,
        FieldDrift { field, applied, live, .. } if opens(field, applied, live) => Severity::Open,
        FieldDrift { field, applied, live, .. } if unprotects(field, applied, live) => Severity::Unprotected,
        _ if is_iam || has_word(&drift.field, &PERMITTING) => Severity::Permissions,
        _ if is_policy(&drift.applied) || is_policy(&drift.live) => Severity::Permissions,
        _ if holds_data => Severity::Data,
        _ => Severity::Other,
    };
    fields.iter().map(of_field).min().unwrap_or(Severity::Other)
}

/// True for a document in IAM's language.
fn is_policy(value: &Value) -> bool {
    value.get("Statement").is_some()
}

fn has_word(field: &str, words: &[&str]) -> bool {
    words.iter().any(|word| field.contains(word))
}

/// True if there are more places in `live` that let everybody in.
fn opens(field: &str, applied: &Value, live: &Value) -> bool {
    if field.contains("egress") {
        return false;
    }
    open_places(field, live) > open_places(field, applied)
}

fn open_places(field: &str, value: &Value) -> usize {
    match value {
        Value::Bool(true) => usize::from(has_word(field, &OPENING) && !field.contains("block")),
        Value::String(text) => {
            let is_everybody =
                EVERYBODY.contains(&text.as_str()) && !matches!(field, "Action" | "Resource" | "NotAction");
            usize::from(is_everybody || text == "internet-facing")
        }
        Value::Array(items) => items.iter().map(|item| open_places(field, item)).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| open_places(key, value)).sum(),
        _ => 0,
    }
}

/// True if something that protects is off now, or less.
fn unprotects(field: &str, applied: &Value, live: &Value) -> bool {
    match (applied, live) {
        (Value::Object(before), now) => before.iter().any(|(key, before)| {
            let is_named = has_word(key, &PROTECTING) || has_word(field, &PROTECTING);
            unprotects(if is_named { "protection" } else { key }, before, now.get(key).unwrap_or(&Value::Null))
        }),
        _ if !has_word(field, &PROTECTING) => false,
        (Value::Bool(true), now) => *now != Value::Bool(true),
        (Value::Number(before), Value::Number(now)) => now.as_f64() < before.as_f64(),
        (before, Value::Null) => !before.is_null() && *before != Value::Bool(false),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(field: &str, applied: Value, live: Value) -> Severity {
        of_fields(DriftClass::Changed, None, &[FieldDrift { field: field.into(), applied, live, declared: None }])
    }

    #[test]
    fn what_lets_everybody_in_is_the_worst() {
        let rule = |cidr: &str| json!([{ "ports": "5432", "cidr": cidr }]);
        assert_eq!(of("ingress", json!([]), rule("0.0.0.0/0")), Severity::Open);
        assert_eq!(of("ingress", json!([]), rule("10.0.0.0/8")), Severity::Other);
        assert_eq!(of("ingress", rule("::/0"), json!([])), Severity::Other, "it is closed now");
        assert_eq!(of("egress", json!([]), rule("0.0.0.0/0")), Severity::Other);
        assert_eq!(of("publicly_accessible", json!(false), json!(true)), Severity::Open);
        let policy = |principal: &str| json!({ "Statement": [{ "Principal": principal, "Action": "*" }] });
        assert_eq!(of("policy", policy("arn:aws:iam::1:root"), policy("*")), Severity::Open);
        assert_eq!(of("policy", policy("arn:aws:iam::1:root"), policy("arn:aws:iam::2:root")), Severity::Permissions);
    }

    #[test]
    fn what_protects_no_longer_comes_next() {
        assert_eq!(of("deletion_protection", json!(true), json!(false)), Severity::Unprotected);
        assert_eq!(of("backup_retention_period", json!(14), json!(1)), Severity::Unprotected);
        assert_eq!(of("backup_retention_period", json!(1), json!(14)), Severity::Other);
        assert_eq!(
            of("image_scanning_configuration", json!({ "scan_on_push": true }), json!({})),
            Severity::Unprotected
        );
        assert_eq!(of("retention_in_days", json!(365), Value::Null), Severity::Unprotected);
    }
}
