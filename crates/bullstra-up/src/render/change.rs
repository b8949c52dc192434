//! What differs between two values, as lines of a diff.

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

/// Two values that are longer together stand below each other.
const LONGEST_PAIR: usize = 100;
/// Text that is longer is cut around its difference.
const LONGEST_TEXT: usize = 60;
/// The field of an item that says nothing of what it does.
const DESCRIPTION: &str = "description";
/// Unchanged lines shown around changed ones.
const CONTEXT: usize = 3;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// How far it stands in, in steps.
    pub(crate) depth: usize,
    /// What it says.
    pub(crate) mark: Mark,
    /// Its text, fit for a terminal.
    pub(crate) text: String,
}

/// What a line of a diff says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// This comes.
    Added,
    /// This goes.
    Removed,
    /// This is not what it was.
    Changed,
    /// This is where the others stand.
    Context,
}

/// The lines for one field.
pub(crate) fn field(field: &str, observed: &Value, desired: &Value, shape: Shape<'_>) -> Vec<Line> {
    let mut lines = Lines { lines: vec![], depth: 0, strict: false };
    lines.value(&name(field), observed, desired, shape);
    lines.lines
}

struct Lines {
    lines: Vec<Line>,
    depth: usize,
    /// Inside a list what is absent counts; elsewhere it is AWS's to choose.
    strict: bool,
}

impl Lines {
    fn push(&mut self, mark: Mark, text: impl Into<String>) {
        self.lines.push(Line { depth: self.depth, mark, text: text.into() });
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
                let (desired, observed) = (Value::Object(desired.clone()), alike(observed, desired));
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

    /// Values of which one at least is no table, list or text: `unset` on one side, mostly.
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

    /// A table in a table may differ only in what AWS chooses: then there is nothing to say.
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

    /// Items that go and come. Those that are near to each other stand together: of named and long ones, and of those of
    /// which only the description differs, only what differs is shown.
    fn items(&mut self, removed: Vec<(usize, &Value)>, added: Vec<(usize, &Value)>, shape: Shape<'_>) {
        let pairs = paired(&removed, &added);
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
                // What stays is written under what comes and goes, behind their marks.
                let indent = if mark == Mark::Context { "  " } else { "" };
                self.push(mark, format!("{indent}{}", change.value()));
            }
        }
    }
}

/// The items of `these` that `those` does not have, each as often as it has too few; with their places.
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

/// Which of the removed items has become which of the added ones, by their places: those of one name, then those with the
/// most entries in common, half of them at least.
fn paired(removed: &[(usize, &Value)], added: &[(usize, &Value)]) -> BTreeMap<usize, usize> {
    let all = removed.iter().enumerate().flat_map(|(from, (_, observed))| {
        let near = move |(to, (_, desired)): (usize, &(usize, &Value))| Some((likeness(observed, desired)?, from, to));
        added.iter().enumerate().filter_map(near)
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|&(likeness, from, to)| (Reverse(likeness), from, to));
    let (mut pairs, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (_, from, to) in all {
        if !pairs.contains_key(&from) && taken.insert(to) {
            pairs.insert(from, to);
        }
    }
    pairs
}

/// How near two tables are, in thousandths: of another name not at all.
fn likeness(observed: &Value, desired: &Value) -> Option<usize> {
    let (Value::Object(one), Value::Object(other)) = (observed, desired) else { return None };
    if let (Some(one), Some(other)) = (observed["name"].as_str(), desired["name"].as_str()) {
        return (one == other).then_some(usize::MAX);
    }
    if is_described_anew(one, other) {
        return Some(1000);
    }
    let shared = shared(one, other).count();
    let all = set(one).count().max(set(other).count());
    (shared > 0 && shared * 2 >= all).then(|| shared * 1000 / all)
}

/// The entries that are the same in both.
fn shared<'a>(
    one: &'a Map<String, Value>,
    other: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    set(one).filter(|(key, value)| other.get(*key) == Some(value))
}

/// True where the description alone differs: it is the same thing, told otherwise.
fn is_described_anew(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let all = |map: &Map<String, Value>| set(map).filter(|(key, _)| *key != DESCRIPTION).count();
    let same = shared(one, other).filter(|(key, _)| *key != DESCRIPTION).count();
    same > 0 && same == all(one) && same == all(other)
}

/// True where the two are shown as one that changes, because they are sure to be one, or too long to be read twice.
fn is_shown_once(observed: &Value, desired: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (observed, desired) else { return false };
    let is_long = inline(observed).chars().count().max(inline(desired).chars().count()) > LONGEST_PAIR;
    is_long || one.get("name").is_some_and(Value::is_string) || is_described_anew(one, other)
}

/// What an item is called: by its name, by what has not changed of it, or by its place.
fn label(index: usize, observed: &Value, desired: &Value, shape: Shape<'_>) -> String {
    if desired["name"].is_string() {
        return inline(&desired["name"]);
    }
    if let (Value::Object(one), Value::Object(other)) = (observed, desired)
        && is_described_anew(one, other)
    {
        let same = shared(one, other).map(|(key, value)| (key.clone(), value.clone()));
        if let [line] = &item(&Value::Object(same.collect()), shape)[..] {
            return line.clone();
        }
    }
    format!("[{index}]")
}

/// A document with its keys in the order in which `like` has them, so that only content differs.
fn alike(map: &Map<String, Value>, like: &Map<String, Value>) -> Value {
    let known = like.keys().filter_map(|key| map.get_key_value(key));
    let others = map.iter().filter(|(key, _)| !like.contains_key(*key));
    let entries = known.chain(others).map(|(key, value)| {
        let value = like.get(key).map_or_else(|| value.clone(), |like| value_alike(value, like));
        (key.clone(), value)
    });
    Value::Object(entries.collect())
}

fn value_alike(value: &Value, like: &Value) -> Value {
    match (value, like) {
        (Value::Object(map), Value::Object(like)) => alike(map, like),
        (Value::Array(items), Value::Array(likes)) => {
            let like = |index: usize| likes.get(index).unwrap_or(&Value::Null);
            Value::Array(items.iter().enumerate().map(|(index, item)| value_alike(item, like(index))).collect())
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
        let lines = field("x", &observed, &desired, schema.whole()).into_iter().map(|Line { depth, mark, text }| {
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
    fn inside_a_list_what_is_absent_counts() {
        let rule = |extra: Value| json!([{ "name": "a", "table": { "one": 1, "two": extra } }]);
        assert_eq!(diff(rule(json!(2)), rule(Value::Null), Value::Null), "x:\n  \"a\":\n    table:\n      - two: 2");
    }

    #[test]
    fn an_item_that_is_described_anew_is_itself() {
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
    fn long_items_are_paired_by_the_most_that_they_have_in_common() {
        let long = "x".repeat(60);
        let item = |path: &str, port: u16| json!({ "text": long, "other": long, "path": path, "port": port });
        let (observed, desired) = (json!([item("/a", 1), item("/b", 2)]), json!([item("/b", 3), item("/a", 4)]));
        let expected = "x:\n  [1]:\n    port: 1 → 4\n  [0]:\n    port: 2 → 3";
        assert_eq!(diff(observed, desired, Value::Null), expected);
    }

    #[test]
    fn what_aws_chose_is_not_shown() {
        let observed = json!({ "a": 1, "deep": { "chosen": 5 } });
        let desired = json!({ "a": 2, "deep": { "chosen": null } });
        assert_eq!(diff(observed, desired, Value::Null), "x:\n  a: 1 → 2");
    }

    #[test]
    fn items_count_as_often_as_they_are_there() {
        assert_eq!(diff(json!([1, 1, 2]), json!([1, 2, 3]), Value::Null), "x:\n  - 1\n  + 3");
    }
}
