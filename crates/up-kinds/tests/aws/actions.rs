//! Every IAM action that a kind declares exists, and what AWS says it depends on is declared too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use up_core::Actions;

use crate::{published, report, stale};

/// IAM actions, with those they depend on.
static ACTIONS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| published(include_str!("actions.json")));

/// Dependent actions that a kind does without: the kind, the dependent action, why.
const NOT_NEEDED: &[(&str, &str, &str)] = &[
    ("ec2.security_group", "ec2:CreateTags", "for tags of rules, which are not set"),
    ("kafka.cluster", "route53:AssociateVPCWithHostedZone", "MSK's endpoints have no private DNS names"),
    ("sns.topic", "iam:PassRole", "for roles that log deliveries, which are not set"),
    ("rds.instance", "rds:CreateTenantDatabase", "Oracle alone has tenant databases, and is no engine of the kind's"),
    ("rds.instance", "rds:DeleteTenantDatabase", "Oracle alone has tenant databases, and is no engine of the kind's"),
];

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
    let (mut wrong, mut met) = (vec![], BTreeSet::new());
    for kind in up_kinds::all() {
        for (verb, actions) in verbs(&kind.info().actions) {
            // A step that changes a resource reads it as well.
            let declared = [actions, kind.info().actions.observe].concat();
            for action in actions {
                let depends = ACTIONS.get(*action).into_iter().flatten();
                for needed in depends.filter(|needed| !declared.contains(&needed.as_str())) {
                    let entry = format!("{} without {needed}", kind.name());
                    if NOT_NEEDED.iter().any(|(of, action, _)| *of == kind.name() && action == needed) {
                        met.insert(entry);
                    } else {
                        wrong.push(format!("{entry}, {verb}: {action} depends on it"));
                    }
                }
            }
        }
    }
    wrong.extend(stale(NOT_NEEDED.iter().map(|(kind, action, _)| format!("{kind} without {action}")), &met));
    report(&wrong);
}

fn verbs(actions: &Actions) -> [(&'static str, &'static [&'static str]); 5] {
    let Actions { observe, create, update, tag, delete } = *actions;
    [("observe", observe), ("create", create), ("update", update), ("tag", tag), ("delete", delete)]
}
