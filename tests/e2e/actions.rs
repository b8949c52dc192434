//! Compares the IAM actions that a kind declares with those that its calls needed. The sandbox's record has the user
//! agent of each call, which names the kind and verb.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;
use up_core::Actions;

use crate::harness::{Account, Result, fail};

/// Declared actions that no call in the kind's life cycle needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotCalled {
    verb: String,
    actions: BTreeSet<String>,
    #[serde(rename = "reason")]
    _reason: String,
}

/// Checks that the kind which made a call declares the call's actions for its verb, and that `kind`, whose whole life
/// cycle is in the record, declares no others.
pub(crate) fn are_as_declared(account: &Account, kind: &str, not_called: &[NotCalled]) -> Result {
    let is_excused =
        |verb: &str, action: &str| not_called.iter().any(|it| it.verb == verb && it.actions.contains(action));
    let called = called(account)?;
    let mut wrong = vec![];
    for ((of, verb), actions) in &called {
        let declared = declared(of, verb)?;
        let missing = actions.iter().filter(|action| !declared.contains(&action.as_str()));
        wrong.extend(missing.map(|action| format!("{of} calls {action} in {verb}, and does not declare it there")));
    }
    for verb in ["observe", "create", "update", "tag", "delete"] {
        let needed = called.get(&(kind.to_owned(), verb.to_owned())).cloned().unwrap_or_default();
        let asked = |action: &str| needed.contains(action) || depends(&needed, action) || is_excused(verb, action);
        let never = of_verb(kind, verb)?.iter().filter(|action| !asked(action));
        wrong.extend(never.map(|action| format!("{kind} declares {action} in {verb}, and never calls it there")));
    }
    if wrong.is_empty() { Ok(()) } else { fail(wrong.join("\n")) }
}

/// The actions needed, by kind and verb.
fn called(account: &Account) -> Result<BTreeMap<(String, String), BTreeSet<String>>> {
    let mut called: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for call in account.record()? {
        if let Some((kind, verb)) = call["caller"].as_str().and_then(|caller| caller.split_once('#')) {
            let actions = call["actions"].as_array().into_iter().flatten().filter_map(Value::as_str);
            called.entry((kind.to_owned(), verb.to_owned())).or_default().extend(actions.map(str::to_owned));
        }
    }
    Ok(called)
}

/// The actions that a role needs for a verb of a kind: a step that changes a resource reads it as well.
fn declared(kind: &str, verb: &str) -> Result<Vec<&'static str>> {
    Ok([of_verb(kind, verb)?, of_verb(kind, "observe")?].concat())
}

fn of_verb(kind: &str, verb: &str) -> Result<&'static [&'static str]> {
    let known = up_kinds::find(kind).ok_or_else(|| format!("there is no kind {kind}"))?;
    let Actions { observe, create, update, tag, delete } = known.info().actions;
    match verb {
        "observe" => Ok(observe),
        "create" => Ok(create),
        "update" => Ok(update),
        "tag" => Ok(tag),
        "delete" => Ok(delete),
        _ => fail(format!("{kind} has no verb {verb}")),
    }
}

/// True if AWS checks `action` as a dependent action of one in `needed`.
fn depends(needed: &BTreeSet<String>, action: &str) -> bool {
    static ACTIONS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
        let published = include_str!("../../crates/up-kinds/tests/aws/actions.json");
        serde_json::from_str(published).expect("write.py wrote it")
    });
    let depends = |by: &String| ACTIONS.get(by).is_some_and(|on| on.iter().any(|on| on == action));
    needed.iter().any(depends)
}
