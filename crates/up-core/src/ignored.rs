//! What `ignore_changes` names: fields of a resource that others move, and that keep their live values.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;

/// The spec to compare with and to send: `desired`, with the live value in the place of each ignored field.
///
/// `observed` must name the stack's resources as `desired` does, see [`crate::name_references`].
pub fn with_ignored<'v>(desired: &'v Value, observed: &Value, ignored: &BTreeSet<String>) -> Cow<'v, Value> {
    let mut desired = Cow::Borrowed(desired);
    let paths = ignored.iter().filter_map(|text| parts(text)).filter(|path| path[0] != Part::Field("tags"));
    for path in paths {
        keep(desired.to_mut(), observed, &path);
    }
    desired
}

/// `spec` without what is ignored: all that the stack itself says.
pub fn without_ignored<'v>(spec: &'v Value, ignored: &BTreeSet<String>) -> Cow<'v, Value> {
    let mut spec = Cow::Borrowed(spec);
    for path in ignored.iter().filter_map(|text| parts(text)) {
        let place = path.iter().try_fold(spec.to_mut(), |value, part| match part {
            Part::Field(name) => value.get_mut(name),
            Part::Item(index) => value.get_mut(index),
        });
        if let Some(value) = place {
            *value = Value::Null;
        }
    }
    spec
}

/// A step of a path: `actions[0].forward` has three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'t> {
    Field(&'t str),
    Item(usize),
}

/// True for text that may be a path into a spec: `desired_count`, `actions[0].forward`, `tags.Owner`.
pub fn is_path(text: &str) -> bool {
    parts(text).is_some()
}

/// The field that a path begins with.
pub fn first_field(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    // A tag's key may hold any of these signs.
    if let Some(key) = text.strip_prefix("tags.") {
        return Some(vec![Part::Field("tags"), Part::Field(key)]).filter(|_| !key.is_empty());
    }
    let mut parts = vec![];
    for field in text.split('.') {
        let mut pieces = field.split('[');
        parts.push(Part::Field(pieces.next().filter(|name| !name.is_empty())?));
        for piece in pieces {
            parts.push(Part::Item(piece.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(parts)
}

/// Puts what is observed at `path` into `desired`. Where either has no such place there is nothing to keep.
fn keep(desired: &mut Value, observed: &Value, path: &[Part<'_>]) {
    match path {
        [] => {}
        [Part::Field(name)] => {
            let Some(fields) = desired.as_object_mut() else { return };
            match observed.get(name).filter(|value| !value.is_null()) {
                Some(value) => _ = fields.insert((*name).to_owned(), value.clone()),
                None => _ = fields.remove(*name),
            }
        }
        [Part::Item(index)] => {
            if let (Some(desired), Some(observed)) = (desired.get_mut(index), observed.get(index)) {
                *desired = observed.clone();
            }
        }
        [part, rest @ ..] => {
            let (desired, observed) = match part {
                Part::Field(name) => (desired.get_mut(name), observed.get(name)),
                Part::Item(index) => (desired.get_mut(index), observed.get(index)),
            };
            if let (Some(desired), Some(observed)) = (desired, observed) {
                keep(desired, observed, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ignoring(paths: &[&str]) -> Value {
        let desired = json!({ "size": 1, "name": "a", "rules": [{ "to": "x", "weight": 1 }], "table": { "a": 1 } });
        let observed = json!({ "size": 7, "rules": [{ "to": "y", "weight": 9 }], "table": { "a": 2, "b": 3 } });
        with_ignored(&desired, &observed, &paths.iter().map(|path| (*path).to_owned()).collect()).into_owned()
    }

    #[test]
    fn an_ignored_field_keeps_its_live_value() {
        assert_eq!(ignoring(&[])["size"], 1);
        assert_eq!(ignoring(&["size"])["size"], 7);
        assert_eq!(ignoring(&["name"]).get("name"), None, "AWS has none");
        assert_eq!(ignoring(&["rules[0].to"])["rules"], json!([{ "to": "y", "weight": 1 }]));
        assert_eq!(ignoring(&["rules[0]"])["rules"], json!([{ "to": "y", "weight": 9 }]));
        assert_eq!(ignoring(&["table.a", "rules[4].to", "tags.size"])["table"], json!({ "a": 2 }));
    }

    #[test]
    fn what_is_ignored_can_be_left_out() {
        let spec = json!({ "size": 1, "rules": [{ "to": "x", "weight": 1 }] });
        let ignored = ["rules[0].to", "none", "rules[7]"].map(str::to_owned).into();
        let expected = json!({ "size": 1, "rules": [{ "to": null, "weight": 1 }] });
        assert_eq!(without_ignored(&spec, &ignored).into_owned(), expected);
    }

    #[test]
    fn paths_are_fields_and_numbers() {
        assert!(["size", "rules[0].to", "a[1][2].b", "tags.aws.x[y]"].iter().all(|path| is_path(path)));
        assert!(!["", ".", "rules[", "rules[x]", "a..b", "tags."].iter().any(|path| is_path(path)));
    }
}
