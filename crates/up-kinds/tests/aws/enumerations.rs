//! A stack may say every word that AWS's API models have for a field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::AnyKind;

use crate::{Excuses, LeftOut, published, report, stale};

#[test]
fn every_word_of_aws_may_be_said() {
    let aws: BTreeMap<String, BTreeSet<String>> = published(include_str!("enumerations.json"));
    let (mut wrong, mut compared) = (vec![], 0);
    for kind in up_kinds::all() {
        let (excuses, mut met) = (Excuses::of(kind), BTreeSet::new());
        for (own, words) in ours(kind) {
            let name = format!("{}.{own}", kind.name());
            let Some(theirs) = shape(&aws, kind, excuses.enumerations.get(&own).unwrap_or(&own)) else {
                match excuses.free_text.contains(&own) {
                    true => drop(met.insert(own)),
                    false => wrong
                        .push(format!("{name}: AWS's models have no enumeration of its name; its words: {words:?}")),
                }
                continue;
            };
            compared += 1;
            wrong.extend(words.difference(theirs).map(|word| format!("{name}: AWS has no word {word:?}")));
            let is_left_out = |word: &String| {
                excuses.left_out.iter().any(|left| left.enumeration == own && left.words.contains(word))
            };
            for word in theirs.difference(&words) {
                match is_left_out(word) {
                    true => drop(met.insert(format!("{own} {word}"))),
                    false => wrong.push(format!("{name}: a stack cannot say {word:?}")),
                }
            }
        }
        let left = excuses.left_out.into_iter().flat_map(LeftOut::entries);
        wrong.extend(stale(kind, left.chain(excuses.free_text), &met));
    }
    assert!(compared > 20, "{compared} enumerations were compared");
    report(&wrong);
}

/// The words of AWS's enumeration of this name.
fn shape<'a>(
    aws: &'a BTreeMap<String, BTreeSet<String>>,
    kind: &dyn AnyKind,
    name: &str,
) -> Option<&'a BTreeSet<String>> {
    let service = kind.name().split('.').next()?;
    let named = |suffix: &str| format!("{service}.{name}{suffix}").to_lowercase();
    let names = [named(""), named("Enum")];
    aws.iter().find(|(shape, _)| names.contains(&shape.to_lowercase())).map(|(_, words)| words)
}

/// Every enumeration in the schema of a kind, by name.
fn ours(kind: &dyn AnyKind) -> BTreeMap<String, BTreeSet<String>> {
    let schema = kind.schema().to_value();
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    definitions.filter_map(|(name, definition)| Some((name.clone(), words(definition)?))).collect()
}

/// The words of a definition that is an enumeration: with a doc comment each, or without.
fn words(definition: &Value) -> Option<BTreeSet<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(words) = definition["enum"].as_array() {
        return words.iter().map(text).collect();
    }
    let each = |one: &Value| match one["enum"].as_array() {
        Some(words) => words.iter().map(text).collect::<Option<Vec<_>>>(),
        None => text(&one["const"]).map(|word| vec![word]),
    };
    let all: Option<Vec<_>> = definition["oneOf"].as_array()?.iter().map(each).collect();
    Some(all?.into_iter().flatten().collect())
}
