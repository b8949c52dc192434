//! Every IAM action that a kind declares exists, and what AWS says it depends on is declared too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use up_core::Actions;

use crate::{Excuses, published, report, stale};

/// IAM actions, with those they depend on.
static ACTIONS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| published(include_str!("actions.json")));

#[test]
fn every_action_exists() {
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        for (verb, actions) in verbs(&kind.info().actions) {
            let unknown = actions.iter().filter(|action| !ACTIONS.contains_key(**action));
            wrong.extend(unknown.map(|action| format!("{}, {verb}: IAM has no action {action}", kind.name())));
        }
    }
    report(&wrong);
}

#[test]
fn what_an_action_depends_on_is_declared() {
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        let (excuses, mut met) = (Excuses::of(kind), BTreeSet::new());
        for (verb, actions) in verbs(&kind.info().actions) {
            // A step that changes a resource reads it as well.
            let declared = [actions, kind.info().actions.observe].concat();
            for action in actions {
                let depends = ACTIONS.get(*action).into_iter().flatten();
                for needed in depends.filter(|needed| !declared.contains(&needed.as_str())) {
                    match excuses.not_needed.contains_key(needed) {
                        true => drop(met.insert(needed.clone())),
                        false => {
                            wrong.push(format!("{} without {needed}, {verb}: {action} depends on it", kind.name()))
                        }
                    }
                }
            }
        }
        wrong.extend(stale(kind, excuses.not_needed.into_keys(), &met));
    }
    report(&wrong);
}

fn verbs(actions: &Actions) -> [(&'static str, &'static [&'static str]); 5] {
    let Actions { observe, create, update, tag, delete } = *actions;
    [("observe", observe), ("create", create), ("update", update), ("tag", tag), ("delete", delete)]
}
