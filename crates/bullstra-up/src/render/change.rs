//! The difference between two values, as lines of a diff.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};
use up_core::schema::Shape;

use super::{
    text::{cut_alike, lines, safe},
    value::{block, document, inline, item, name, reference, set},
};

/// If two values are longer together, each gets a line of its own.
const LONGEST_PAIR: usize = 100;
/// A longer text is cut around its difference.
const LONGEST_TEXT: usize = 60;
/// The field of an item that has no effect on what the item does.
const DESCRIPTION: &str = "description";
/// The number of unchanged lines shown around changed ones.
const CONTEXT: usize = 3;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiffLine {
    /// The level of indentation.
    pub(crate) depth: usize,
    /// The kind of line.
    pub(crate) mark: Mark,
    /// The text, safe for a terminal.
    pub(crate) text: String,
}

/// The kind of a line of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Changed.
    Changed,
    /// Unchanged, shown for orientation.
    Context,
}

/// The lines for one field.
pub(crate) fn field(field: &str, observed: &Value, desired: &Value, shape: Shape<'_>) -> Vec<DiffLine> {
    let mut lines = DiffWriter { lines: vec![], depth: 0, strict: false };
    lines.value(&name(field), observed, desired, shape);
    lines.lines
}

struct DiffWriter {
    lines: Vec<DiffLine>,
    depth: usize,
    /// Inside a list an absent field is compared; elsewhere it means that AWS chooses.
    strict: bool,
}

impl DiffWriter {
    fn push(&mut self, mark: Mark, text: impl Into<String>) {
        self.lines.push(DiffLine { depth: self.depth, mark, text: text.into() });
    }

    fn all(&mut self, mark: Mark, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|text| self.push(mark, text));
    }

    fn below(&mut self, heading: String, write: impl FnOnce(&mut Self)) {
        self.push(Mark::Context, heading);
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    fn value(&mut self, label: &str, observed: &Value, desired: &Value, shape: Shape<'_>) {
        match (observed, desired) {
            (Value::Object(observed), Value::Object(desired))
                if shape.is_document() && reference(observed).or(reference(desired)).is_none() =>
            {
                let (desired, observed) = (Value::Object(desired.clone()), ordered_like(observed, desired));
                self.below(format!("{label}:"), |lines| lines.text(&document(&observed), &document(&desired)));
            }
            (Value::Object(observed), Value::Object(desired))
                if reference(observed).or(reference(desired)).is_none() =>
            {
                self.below(format!("{label}:"), |lines| lines.table(observed, desired, shape));
            }
            (Value::Array(observed), Value::Array(desired)) => self.list(label, observed, desired, shape.item()),
            (Value::String(observed), Value::String(desired)) if observed.contains('\n') || desired.contains('\n') => {
                let (observed, desired) = (lines(observed), lines(desired));
                self.below(format!("{label}:"), |lines| lines.text(&observed, &desired));
            }
            (Value::String(observed), Value::String(desired)) => {
                let (observed, desired) = cut_alike(&safe(observed), &safe(desired), LONGEST_TEXT);
                self.push(Mark::Changed, format!("{label}: \"{observed}\" → \"{desired}\""));
            }
            _ => self.other(label, observed, desired, shape),
        }
    }

    /// Shows values that are not both tables, lists or texts: usually one of them is `unset`.
    fn other(&mut self, label: &str, observed: &Value, desired: &Value, shape: Shape<'_>) {
        let line = format!("{label}: {} → {}", inline(observed), inline(desired));
        if line.chars().count() <= LONGEST_PAIR {
            return self.push(Mark::Changed, line);
        }
        for (mark, value) in [(Mark::Removed, observed), (Mark::Added, desired)] {
            if !value.is_null() {
                self.all(mark, block(label, value, shape));
            }
        }
    }

    fn table(&mut self, observed: &Map<String, Value>, desired: &Map<String, Value>, shape: Shape<'_>) {
        for (key, value) in set(observed).filter(|(key, _)| !desired.contains_key(*key)) {
            self.all(Mark::Removed, block(&name(key), value, shape.key(key)));
        }
        let (null, strict) = (&Value::Null, self.strict);
        for (key, desired) in desired.iter().filter(|(_, desired)| strict || !desired.is_null()) {
            match observed.get(key).unwrap_or(null) {
                observed if observed == desired => {}
                Value::Null => self.all(Mark::Added, block(&name(key), desired, shape.key(key))),
                observed if desired.is_null() => self.all(Mark::Removed, block(&name(key), observed, shape.key(key))),
                observed => self.nested(&name(key), observed, desired, shape.key(key)),
            }
        }
    }

    /// An inner table may differ only in fields that AWS chooses: then nothing is shown.
    fn nested(&mut self, label: &str, observed: &Value, desired: &Value, shape: Shape<'_>) {
        let before = self.lines.len();
        self.value(label, observed, desired, shape);
        if self.lines.len() == before + 1 && self.lines[before].mark == Mark::Context {
            self.lines.pop();
        }
    }

    fn list(&mut self, label: &str, observed: &[Value], desired: &[Value], shape: Shape<'_>) {
        let removed = without(observed, desired);
        let added = without(desired, observed);
        if removed.is_empty() && added.is_empty() {
            let (observed, desired) = (Value::from(observed.to_vec()), Value::from(desired.to_vec()));
            return self.push(Mark::Changed, format!("{label}: {} → {} (order)", inline(&observed), inline(&desired)));
        }
        let strict = std::mem::replace(&mut self.strict, true);
        self.below(format!("{label}:"), |lines| lines.items(removed, added, shape));
        self.strict = strict;
    }

    /// Removed and added items. Similar items are shown together; of named items, of long ones, and of those that
    /// differ only in their description, only the difference is shown.
    fn items(&mut self, removed: Vec<(usize, &Value)>, added: Vec<(usize, &Value)>, shape: Shape<'_>) {
        let pairs = pair_similar(&removed, &added);
        let is_new = |place: &usize| pairs.values().all(|added| added != place);
        let (mut moved, mut together) = (vec![], vec![]);
        for (place, &(_, observed)) in removed.iter().enumerate() {
            match pairs.get(&place).map(|&pair| added[pair]) {
                Some((index, desired)) if is_shown_once(observed, desired) => moved.push((index, observed, desired)),
                Some((_, desired)) => together.push((observed, desired)),
                None => self.all(Mark::Removed, item(observed, shape)),
            }
        }
        for (observed, desired) in together {
            self.all(Mark::Removed, item(observed, shape));
            self.all(Mark::Added, item(desired, shape));
        }
        for (index, observed, desired) in moved {
            self.value(&label(index, observed, desired, shape), observed, desired, shape);
        }
        for (_, &(_, desired)) in added.iter().enumerate().filter(|(place, _)| is_new(place)) {
            self.all(Mark::Added, item(desired, shape));
        }
    }

    fn text(&mut self, observed: &[String], desired: &[String]) {
        let observed: Vec<_> = observed.iter().map(String::as_str).collect();
        let desired: Vec<_> = desired.iter().map(String::as_str).collect();
        let diff = TextDiff::from_slices(&observed, &desired);
        for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
            if index > 0 {
                self.push(Mark::Context, "…");
            }
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let mark = match change.tag() {
                    ChangeTag::Delete => Mark::Removed,
                    ChangeTag::Insert => Mark::Added,
                    ChangeTag::Equal => Mark::Context,
                };
                // Unchanged lines are indented to align with the others, whose marks take two columns.
                let indent = if mark == Mark::Context { "  " } else { "" };
                self.push(mark, format!("{indent}{}", change.value()));
            }
        }
    }
}

/// The items of `these` that are missing in `those`, with their indices. A repeated item counts as often as it occurs.
fn without<'a>(these: &'a [Value], those: &[Value]) -> Vec<(usize, &'a Value)> {
    let mut left: Vec<&Value> = those.iter().collect();
    let missing = these.iter().enumerate().filter(|(_, item)| match left.iter().position(|other| other == item) {
        Some(place) => {
            left.swap_remove(place);
            false
        }
        None => true,
    });
    missing.collect()
}

/// Pairs removed items with the added items that replace them, by index: first items with the same name, then those
/// with the most equal entries, at least half of them.
fn pair_similar(removed: &[(usize, &Value)], added: &[(usize, &Value)]) -> BTreeMap<usize, usize> {
    let all = removed.iter().enumerate().flat_map(|(from, (_, observed))| {
        let near =
            move |(to, (_, desired)): (usize, &(usize, &Value))| Some((similarity(observed, desired)?, from, to));
        added.iter().enumerate().filter_map(near)
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|&(similarity, from, to)| (Reverse(similarity), from, to));
    let (mut pairs, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (_, from, to) in all {
        if !pairs.contains_key(&from) && taken.insert(to) {
            pairs.insert(from, to);
        }
    }
    pairs
}

/// How similar two tables are, in thousandths. Tables with different names are not similar at all.
fn similarity(observed: &Value, desired: &Value) -> Option<usize> {
    let (Value::Object(one), Value::Object(other)) = (observed, desired) else { return None };
    if let (Some(one), Some(other)) = (observed["name"].as_str(), desired["name"].as_str()) {
        return (one == other).then_some(usize::MAX);
    }
    if differs_in_description_only(one, other) {
        return Some(1000);
    }
    let shared = shared(one, other).count();
    let all = set(one).count().max(set(other).count());
    (shared > 0 && shared * 2 >= all).then(|| shared * 1000 / all)
}

/// The entries that are equal in both.
fn shared<'a>(
    one: &'a Map<String, Value>,
    other: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    set(one).filter(|(key, value)| other.get(*key) == Some(value))
}

/// True if only the description differs: it is the same item.
fn differs_in_description_only(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let all = |map: &Map<String, Value>| set(map).filter(|(key, _)| *key != DESCRIPTION).count();
    let same = shared(one, other).filter(|(key, _)| *key != DESCRIPTION).count();
    same > 0 && same == all(one) && same == all(other)
}

/// True if the pair is shown as one changed item, because it is certainly the same item, or too long to be shown twice.
fn is_shown_once(observed: &Value, desired: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (observed, desired) else { return false };
    let is_long = inline(observed).chars().count().max(inline(desired).chars().count()) > LONGEST_PAIR;
    is_long || one.get("name").is_some_and(Value::is_string) || differs_in_description_only(one, other)
}

/// The label of an item: its name, its unchanged fields, or its index.
fn label(index: usize, observed: &Value, desired: &Value, shape: Shape<'_>) -> String {
    if desired["name"].is_string() {
        return inline(&desired["name"]);
    }
    if let (Value::Object(one), Value::Object(other)) = (observed, desired)
        && differs_in_description_only(one, other)
    {
        let same = shared(one, other).map(|(key, value)| (key.clone(), value.clone()));
        if let [line] = &item(&Value::Object(same.collect()), shape)[..] {
            return line.clone();
        }
    }
    format!("[{index}]")
}

/// A document with its keys in the order of `like`, so that only the content differs.
fn ordered_like(map: &Map<String, Value>, like: &Map<String, Value>) -> Value {
    let known = like.keys().filter_map(|key| map.get_key_value(key));
    let others = map.iter().filter(|(key, _)| !like.contains_key(*key));
    let entries = known.chain(others).map(|(key, value)| {
        let value = like.get(key).map_or_else(|| value.clone(), |like| value_ordered_like(value, like));
        (key.clone(), value)
    });
    Value::Object(entries.collect())
}

fn value_ordered_like(value: &Value, like: &Value) -> Value {
    match (value, like) {
        (Value::Object(map), Value::Object(like)) => ordered_like(map, like),
        (Value::Array(items), Value::Array(likes)) => {
            let like = |index: usize| likes.get(index).unwrap_or(&Value::Null);
            Value::Array(items.iter().enumerate().map(|(index, item)| value_ordered_like(item, like(index))).collect())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diff(observed: Value, desired: Value, schema: Value) -> String {
        let schema = up_core::schema::Schema::read(&schema);
        let lines =
            field("x", &observed, &desired, schema.whole()).into_iter().map(|DiffLine { depth, mark, text }| {
                let mark = match mark {
                    Mark::Added => "+ ",
                    Mark::Removed => "- ",
                    Mark::Changed | Mark::Context => "",
                };
                format!("{}{mark}{text}", "  ".repeat(depth))
            });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_document_is_compared_line_by_line_whatever_the_order_of_its_keys() {
        let schema = json!({ "$ref": "#/$defs/D", "$defs": { "D": { "x-document": true } } });
        let observed = json!({ "Statement": [{ "Action": "a", "Effect": "Allow" }], "Version": "2012-10-17" });
        let desired = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "b" }] });
        let expected = r#"
x:
      "Statement": [
        {
          "Effect": "Allow",
  -       "Action": "a"
  +       "Action": "b"
        }
      ]
    }"#;
        assert_eq!(diff(observed, desired, schema), expected.trim_start());
    }

    #[test]
    fn inside_a_list_absent_fields_are_compared() {
        let rule = |extra: Value| json!([{ "name": "a", "table": { "one": 1, "two": extra } }]);
        assert_eq!(diff(rule(json!(2)), rule(Value::Null), Value::Null), "x:\n  \"a\":\n    table:\n      - two: 2");
    }

    #[test]
    fn an_item_with_a_new_description_is_the_same_item() {
        let rule = |port: u16, cidr: &str, text: &str| json!({ "ports": port, "cidr": cidr, "description": text });
        let observed =
            json!([rule(443, "10.0.0.0/8", "a"), rule(443, "10.1.0.0/16", "a"), rule(22, "10.0.0.0/8", "c")]);
        let desired =
            json!([rule(22, "10.2.0.0/16", "c"), rule(443, "10.0.0.0/8", "a"), rule(443, "10.1.0.0/16", "b")]);
        let expected = r#"
x:
  - { ports = 22, cidr = "10.0.0.0/8", description = "c" }
  + { ports = 22, cidr = "10.2.0.0/16", description = "c" }
  { ports = 443, cidr = "10.1.0.0/16" }:
    description: "a" → "b""#;
        assert_eq!(diff(observed, desired, Value::Null), expected.trim_start());
    }

    #[test]
    fn long_items_are_paired_by_their_equal_entries() {
        let long = "x".repeat(60);
        let item = |path: &str, port: u16| json!({ "text": long, "other": long, "path": path, "port": port });
        let (observed, desired) = (json!([item("/a", 1), item("/b", 2)]), json!([item("/b", 3), item("/a", 4)]));
        let expected = "x:\n  [1]:\n    port: 1 → 4\n  [0]:\n    port: 2 → 3";
        assert_eq!(diff(observed, desired, Value::Null), expected);
    }

    #[test]
    fn values_chosen_by_aws_are_not_shown() {
        let observed = json!({ "a": 1, "deep": { "chosen": 5 } });
        let desired = json!({ "a": 2, "deep": { "chosen": null } });
        assert_eq!(diff(observed, desired, Value::Null), "x:\n  a: 1 → 2");
    }

    #[test]
    fn repeated_items_are_counted() {
        assert_eq!(diff(json!([1, 1, 2]), json!([1, 2, 3]), Value::Null), "x:\n  - 1\n  + 3");
    }
}
