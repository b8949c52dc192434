//! What `ignore_changes` names: fields of a resource that others move, and that keep their live values.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;

use crate::diff::same;

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
        blank(spec.to_mut(), &path);
    }
    spec
}

/// A step of a path: `actions[0].forward` has three, `target_groups[*].weight` as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'t> {
    Field(&'t str),
    Item(usize),
    /// Each item of a list; those of the two sides belong together that differ in nothing else.
    Every,
}

/// True for text that may be a path into a spec: `desired_count`, `actions[0].forward`, `subnet_mappings[*].address`,
/// `tags.Owner`.
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
            parts.push(match piece.strip_suffix(']')? {
                "*" => Part::Every,
                index => Part::Item(index.parse().ok()?),
            });
        }
    }
    // Of whole items nothing is left to tell which belong together.
    Some(parts).filter(|parts| parts.last() != Some(&Part::Every))
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
        [Part::Every, rest @ ..] => {
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
                Part::Field(name) => (desired.get_mut(name), observed.get(name)),
                Part::Item(index) => (desired.get_mut(index), observed.get(index)),
                Part::Every => return,
            };
            if let (Some(desired), Some(observed)) = (desired, observed) {
                keep(desired, observed, rest);
            }
        }
    }
}

fn blanked(value: &Value, path: &[Part<'_>]) -> Value {
    let mut value = value.clone();
    blank(&mut value, path);
    value
}

/// Puts nothing in the place that a path leads to.
fn blank(value: &mut Value, path: &[Part<'_>]) {
    let Some((part, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    let place = match part {
        Part::Field(name) => value.get_mut(name),
        Part::Item(index) => value.get_mut(index),
        Part::Every => return value.as_array_mut().into_iter().flatten().for_each(|item| blank(item, rest)),
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
        assert_eq!(ignoring(&["name"]).get("name"), None, "AWS has none");
        assert_eq!(ignoring(&["rules[0].to"])["rules"], json!([{ "to": "y", "weight": 1 }]));
        assert_eq!(ignoring(&["rules[0]"])["rules"], json!([{ "to": "y", "weight": 9 }]));
        assert_eq!(ignoring(&["table.a", "rules[4].to", "tags.size"])["table"], json!({ "a": 2 }));
    }

    #[test]
    fn items_belong_together_by_all_that_is_not_ignored() {
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
    fn what_is_ignored_can_be_left_out() {
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
