//! Nothing is deleted for a state, and no word of tomorrow's AWS ends a look: each state that AWS's models name (see
//! `enumerations.py`), and for each enumeration a word that no version knows yet, is played in the place of the recorded one.

use std::{collections::BTreeSet, sync::LazyLock};

use serde::Deserialize;
use up_core::{AnyKind, Status};

use crate::{
    fake::{ANSWERS, ids, observe},
    parts::{AnswerPart, PartChange, changed, parts},
    recorded::case,
};

/// A member of an answer, and all that it may hold.
#[derive(Debug, Deserialize)]
struct Enumeration {
    operation: String,
    path: Vec<String>,
    /// Whether it says how far a resource is.
    state: bool,
    values: Vec<String>,
}

static ENUMERATIONS: LazyLock<Vec<Enumeration>> =
    LazyLock::new(|| serde_json::from_str(include_str!("enumerations.json")).unwrap());

/// States of what is gone, or on its way: it may be left out.
const GOING: &[&str] = &[
    "deleted",
    "deleting",
    "delete-precheck",
    "delete_in_progress",
    "inactive",
    "draining",
    "deprovisioning",
    "detached",
    "detaching",
];

#[test]
fn no_state_leads_to_a_delete_but_of_what_never_came_up() {
    let (mut wrong, mut tried) = (vec![], BTreeSet::new());
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let whole = ids(observed).unwrap();
        for place in used {
            let answer = &ANSWERS[place];
            for state in ENUMERATIONS.iter().filter(|it| it.state && it.operation == answer.operation) {
                for part in parts(&answer.body).iter().filter(|part| state.is_at(part)) {
                    let unknown = "a-state-of-tomorrow".to_owned();
                    for value in state.values.iter().chain([&unknown]) {
                        tried.insert((kind.name(), state.path.clone(), value.clone()));
                        let body = changed(&answer.body, part, &PartChange::Say(value.clone()));
                        let at = || format!("{} {} {value}", kind.name(), state.path.join("/"));
                        wrong.extend(
                            verdict(kind, place, body, value, &whole).err().map(|why| format!("{}: {why}", at())),
                        );
                    }
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(tried.len() > 100, "{} states were tried", tried.len());
    assert!(wrong.is_empty(), "{} of {} states:\n{}", wrong.len(), tried.len(), wrong.join("\n"));
}

#[test]
fn no_unknown_word_ends_a_look_or_hides_a_resource() {
    let (mut wrong, mut tried) = (BTreeSet::new(), 0);
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let whole = ids(observed).unwrap();
        for place in used {
            let answer = &ANSWERS[place];
            for word in ENUMERATIONS.iter().filter(|word| !word.state && word.operation == answer.operation) {
                for part in parts(&answer.body).iter().filter(|part| word.is_at(part)) {
                    tried += 1;
                    let body = changed(&answer.body, part, &PartChange::Say("a-word-of-tomorrow".into()));
                    let (observed, _) = observe(kind, Some((place, body.into_bytes())));
                    if ids(observed).map_err(|error| error.to_string()) != Ok(whole.clone()) {
                        wrong.insert(format!("{} {}", kind.name(), word.path.join("/")));
                    }
                }
            }
        }
    }
    assert!(tried > 80, "{tried}");
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

impl Enumeration {
    /// True for a part that is this member: lists are no part of the path.
    fn is_at(&self, part: &AnswerPart) -> bool {
        let is_list = |name: &&String| !matches!(name.as_str(), "item" | "member") && name.parse::<usize>().is_err();
        let names: Vec<_> = part.path.iter().filter(is_list).collect();
        // A query API names the items of some lists by their kind, as in `DBInstances/DBInstance`.
        let names: Vec<_> = names.iter().enumerate().filter(|(at, name)| !is_item(&names[..*at], name)).collect();
        let names: Vec<&str> = names.into_iter().map(|(_, name)| name.as_str()).collect();
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        names.ends_with(&path)
    }
}

fn is_item(before: &[&String], name: &str) -> bool {
    before.last().is_some_and(|list| **list == format!("{name}s"))
}

/// What is wrong with how a kind reads a state.
fn verdict(
    kind: &'static dyn AnyKind,
    place: usize,
    body: String,
    value: &str,
    whole: &BTreeSet<String>,
) -> Result<(), String> {
    let (observed, _) = observe(kind, Some((place, body.into_bytes())));
    let observed = observed.map_err(|error| format!("the look ends: {error}"))?;
    let is_going = GOING.iter().any(|going| value.eq_ignore_ascii_case(going));
    let ids: BTreeSet<_> = observed.iter().map(|observed| observed.id.clone()).collect();
    if !is_going && ids != *whole {
        return Err("a resource is not seen any more".into());
    }
    let never = never_came_up(kind).iter().any(|state| state == value);
    for observed in &observed {
        match &observed.status {
            Status::Failed(why) if !never => return Err(format!("it is replaced for it ({why})")),
            Status::Deleting(word) if !is_going => return Err(format!("it is replaced for it ({word})")),
            _ => {}
        }
    }
    Ok(())
}

/// States of what never came up: only a new one helps, and the plan replaces it. The kind's case says which.
fn never_came_up(kind: &dyn AnyKind) -> Vec<String> {
    let life: toml::Table = case(kind, "life.toml").parse().unwrap();
    let states = life.get("never_came_up").and_then(|states| states.as_array()).into_iter().flatten();
    states.filter_map(|state| state.as_str()).map(str::to_owned).collect()
}
