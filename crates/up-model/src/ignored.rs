//! `ignore_changes`: fields that others change, and that keep their live values.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;

use crate::diff::same;

/// The spec to compare and to send: `desired`, with the live values of ignored fields.
///
/// `observed` must refer to the stack's resources by address as `desired` does, see [`crate::name_references`].
pub fn with_ignored<'v>(desired: &'v Value, observed: &Value, ignored: &BTreeSet<String>) -> Cow<'v, Value> {
    let mut desired = Cow::Borrowed(desired);
    let paths = ignored.iter().filter_map(|text| parts(text)).filter(|path| path[0] != PathSegment::Field("tags"));
    for path in paths {
        keep(desired.to_mut(), observed, &path);
    }
    desired
}

/// `spec` without the ignored fields.
pub fn without_ignored<'v>(spec: &'v Value, ignored: &BTreeSet<String>) -> Cow<'v, Value> {
    let mut spec = Cow::Borrowed(spec);
    for path in ignored.iter().filter_map(|text| parts(text)) {
        blank(spec.to_mut(), &path);
    }
    spec
}

/// A segment of a path: `actions[0].forward` and `target_groups[*].weight` have three each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathSegment<'t> {
    Field(&'t str),
    Item(usize),
    /// Each item of a list; items of the two sides are matched that are equal apart from the ignored fields.
    Every,
}

/// True for text that is a path into a spec: `desired_count`, `actions[0].forward`, `subnet_mappings[*].address`,
/// `tags.Owner`.
pub fn is_path(text: &str) -> bool {
    parts(text).is_some()
}

/// The field at the beginning of a path.
pub fn first_field(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

fn parts(text: &str) -> Option<Vec<PathSegment<'_>>> {
    // A tag's key may contain any of these characters.
    if let Some(key) = text.strip_prefix("tags.") {
        return Some(vec![PathSegment::Field("tags"), PathSegment::Field(key)]).filter(|_| !key.is_empty());
    }
    let mut parts = vec![];
    for field in text.split('.') {
        let mut pieces = field.split('[');
        parts.push(PathSegment::Field(pieces.next().filter(|name| !name.is_empty())?));
        for piece in pieces {
            parts.push(match piece.strip_suffix(']')? {
                "*" => PathSegment::Every,
                index => PathSegment::Item(index.parse().ok()?),
            });
        }
    }
    // With whole items ignored, nothing is left to match them by.
    Some(parts).filter(|parts| parts.last() != Some(&PathSegment::Every))
}

/// Copies the value at `path` from `observed` to `desired`. Does nothing if either has no such place.
fn keep(desired: &mut Value, observed: &Value, path: &[PathSegment<'_>]) {
    match path {
        [] => {}
        [PathSegment::Field(name)] => {
            let Some(fields) = desired.as_object_mut() else { return };
            match observed.get(name).filter(|value| !value.is_null()) {
                Some(value) => _ = fields.insert((*name).to_owned(), value.clone()),
                None => _ = fields.remove(*name),
            }
        }
        [PathSegment::Item(index)] => {
            if let (Some(desired), Some(observed)) = (desired.get_mut(index), observed.get(index)) {
                *desired = observed.clone();
            }
        }
        [PathSegment::Every, rest @ ..] => {
            let (Some(desired), Some(observed)) = (desired.as_array_mut(), observed.as_array()) else { return };
            for item in desired {
                let others = blanked(item, rest);
                if let Some(live) = observed.iter().find(|live| same(&blanked(live, rest), &others)) {
                    keep(item, live, rest);
                }
            }
        }
        [part, rest @ ..] => {
            let (desired, observed) = match part {
                PathSegment::Field(name) => (desired.get_mut(name), observed.get(name)),
                PathSegment::Item(index) => (desired.get_mut(index), observed.get(index)),
                PathSegment::Every => return,
            };
            if let (Some(desired), Some(observed)) = (desired, observed) {
                keep(desired, observed, rest);
            }
        }
    }
}

fn blanked(value: &Value, path: &[PathSegment<'_>]) -> Value {
    let mut value = value.clone();
    blank(&mut value, path);
    value
}

/// Sets the value at `path` to null.
fn blank(value: &mut Value, path: &[PathSegment<'_>]) {
    let Some((part, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    let place = match part {
        PathSegment::Field(name) => value.get_mut(name),
        PathSegment::Item(index) => value.get_mut(index),
        PathSegment::Every => return value.as_array_mut().into_iter().flatten().for_each(|item| blank(item, rest)),
    };
    place.into_iter().for_each(|value| blank(value, rest));
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
        assert_eq!(ignoring(&["name"]).get("name"), None, "AWS has no such field");
        assert_eq!(ignoring(&["rules[0].to"])["rules"], json!([{ "to": "y", "weight": 1 }]));
        assert_eq!(ignoring(&["rules[0]"])["rules"], json!([{ "to": "y", "weight": 9 }]));
        assert_eq!(ignoring(&["table.a", "rules[4].to", "tags.size"])["table"], json!({ "a": 2 }));
    }

    #[test]
    fn items_are_matched_by_the_fields_that_are_not_ignored() {
        let shares = |shares: &[(&str, i32)]| {
            let shares = shares.iter().map(|(to, weight)| json!({ "to": to, "weight": weight }));
            json!({ "shares": shares.collect::<Vec<_>>() })
        };
        let ignored = ["shares[*].weight".to_owned()].into();
        let live = |live| with_ignored(&shares(&[("blue", 1), ("green", 0)]), &shares(live), &ignored).into_owned();
        assert_eq!(live(&[("blue", 0), ("green", 1)]), shares(&[("blue", 0), ("green", 1)]));
        assert_eq!(live(&[("green", 9), ("blue", 8)]), shares(&[("blue", 8), ("green", 9)]));
        assert_eq!(live(&[("red", 9), ("green", 8)]), shares(&[("blue", 1), ("green", 8)]));
        let blanked = without_ignored(&shares(&[("blue", 1)]), &ignored).into_owned();
        assert_eq!(blanked, json!({ "shares": [{ "to": "blue", "weight": null }] }));
    }

    #[test]
    fn ignored_fields_can_be_left_out() {
        let spec = json!({ "size": 1, "rules": [{ "to": "x", "weight": 1 }] });
        let ignored = ["rules[0].to", "none", "rules[7]"].map(str::to_owned).into();
        let expected = json!({ "size": 1, "rules": [{ "to": null, "weight": 1 }] });
        assert_eq!(without_ignored(&spec, &ignored).into_owned(), expected);
    }

    #[test]
    fn paths_are_fields_and_numbers() {
        assert!(["size", "rules[0].to", "a[1][2].b", "a[*].b", "tags.aws.x[y]"].iter().all(|path| is_path(path)));
        assert!(!["", ".", "rules[", "rules[x]", "rules[*]", "a..b", "tags."].iter().any(|path| is_path(path)));
    }
}
