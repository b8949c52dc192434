//! Nothing is deleted for a state, and no word of tomorrow's AWS ends a look: each state that AWS's models name (see
//! `enumerations.py`), and for each enumeration a word that no version knows yet, is played in the place of the recorded one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;
use up_core::{AnyKind, Status};

use crate::{
    fake::{ANSWERS, ids, observe},
    parts::{PartChange, added, changed, is_at, parts},
    recorded::case,
};

/// A member of an answer, and all that it may hold.
#[derive(Debug, Deserialize)]
struct Enumeration {
    operation: String,
    /// The names that lead to it, without lists.
    path: Vec<String>,
    /// All names that lead to it in an answer: an item of a list in XML has one, and in JSON its place.
    wire: Vec<String>,
    /// Whether it says how far a resource is.
    state: bool,
    values: Vec<String>,
    /// An answer with it, for a state.
    #[serde(default)]
    example: Value,
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

/// States that are in no recorded answer, with the reason why they cannot be added to one.
const NOT_TRIED: &[(&str, &str)] = &[];

#[test]
fn no_state_leads_to_a_delete_but_of_what_never_came_up() {
    let (mut wrong, mut tried, mut failed, mut count) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), 0);
    for kind in up_kinds::all() {
        let (observed, used) = observe(kind, None);
        let whole = ids(observed).unwrap();
        for place in used {
            let answer = &ANSWERS[place];
            for state in ENUMERATIONS.iter().filter(|it| it.state && it.operation == answer.operation) {
                let unknown = "a-state-of-tomorrow".to_owned();
                for value in state.values.iter().chain([&unknown]) {
                    for body in state.played(&answer.body, value) {
                        tried.insert(state.name());
                        count += 1;
                        let at = || format!("{} {} {value}", kind.name(), state.name());
                        match verdict(kind, place, body, state, value, &whole) {
                            Ok(true) => _ = failed.insert(at()),
                            Ok(false) => {}
                            Err(why) => _ = wrong.insert(format!("{}: {why}", at())),
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
    let listed: BTreeSet<_> = up_kinds::all().into_iter().flat_map(all_that_never_came_up).collect();
    assert_eq!(listed, failed, "`never_came_up` lists states for which nothing is replaced");
    let states: BTreeSet<_> = ENUMERATIONS.iter().filter(|it| it.state).map(Enumeration::name).collect();
    let not_tried: BTreeSet<_> = NOT_TRIED.iter().map(|(state, _)| (*state).to_owned()).collect();
    assert_eq!(states.difference(&tried).cloned().collect::<BTreeSet<_>>(), not_tried);
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
                for part in parts(&answer.body).iter().filter(|part| is_at(part, &word.wire)) {
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
    fn name(&self) -> String {
        self.path.join("/")
    }

    /// True for the state of the resource itself, and false for that of a part of it.
    fn is_of_resource(&self) -> bool {
        self.path.len() == 2 || self.path.ends_with(&["State".to_owned(), "Code".to_owned()])
    }

    /// The answers with this value: in the place of each that was recorded, or added if there is none.
    fn played(&self, body: &str, value: &str) -> Vec<String> {
        let parts = parts(body);
        let recorded = parts.iter().filter(|part| is_at(part, &self.wire));
        let played: Vec<_> = recorded.map(|part| changed(body, part, &PartChange::Say(value.into()))).collect();
        if played.is_empty() { added(body, &self.wire, &self.example_with(value)) } else { played }
    }

    fn example_with(&self, value: &str) -> Value {
        let mut example = self.example.clone();
        let mut pointers = (0..self.wire.len()).map(|roots| format!("/{}", self.wire[roots..].join("/")));
        let pointer = pointers.find(|pointer| example.pointer(pointer).is_some()).expect("the example has it");
        *example.pointer_mut(&pointer).expect("it was found") = value.into();
        example
    }
}

/// True for a state in which the resource is replaced, as its kind's case says. The error tells what is wrong with how the kind
/// reads it.
fn verdict(
    kind: &'static dyn AnyKind,
    place: usize,
    body: String,
    state: &Enumeration,
    value: &str,
    whole: &BTreeSet<String>,
) -> Result<bool, String> {
    let (observed, _) = observe(kind, Some((place, body.into_bytes())));
    let observed = observed.map_err(|error| format!("the look ends: {error}"))?;
    let is_going = state.is_of_resource() && GOING.iter().any(|going| value.eq_ignore_ascii_case(going));
    let ids: BTreeSet<_> = observed.iter().map(|observed| observed.id.clone()).collect();
    if !is_going && ids != *whole {
        return Err("a resource is not seen any more".into());
    }
    let never = never_came_up(kind, &state.name()).iter().any(|never| never == value);
    for observed in &observed {
        match &observed.status {
            Status::Failed(why) if !never => return Err(format!("it is replaced for it ({why})")),
            Status::Deleting(word) if !is_going => return Err(format!("it is replaced for it ({word})")),
            _ => {}
        }
    }
    Ok(observed.iter().any(|observed| matches!(observed.status, Status::Failed(_))))
}

/// Values of a member in which AWS never finished creating the resource: only a new one helps, and the plan replaces it. The
/// kind's case lists them.
fn never_came_up(kind: &dyn AnyKind, member: &str) -> Vec<String> {
    listed(kind).remove(member).unwrap_or_default()
}

fn all_that_never_came_up(kind: &'static dyn AnyKind) -> impl Iterator<Item = String> {
    let name = |member: &str, value: &String| format!("{} {member} {value}", kind.name());
    let members = listed(kind).into_iter();
    members.flat_map(move |(member, values)| values.iter().map(|value| name(&member, value)).collect::<Vec<_>>())
}

fn listed(kind: &dyn AnyKind) -> BTreeMap<String, Vec<String>> {
    let life: toml::Table = case(kind, "life.toml").parse().unwrap();
    life.get("never_came_up").map(|members| members.clone().try_into().unwrap()).unwrap_or_default()
}
