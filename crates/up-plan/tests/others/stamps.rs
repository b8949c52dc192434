//! Stamps of disposable stacks: only a create sets them, and only a stack that is no longer disposable loses them.

use std::collections::BTreeSet;

use up_core::Stamps;
use up_plan::{Action, Disposal, Plan, Wanted, plan};

use crate::{
    kinds::find,
    scenario::{Scenario, net},
    web, web_exists,
};

fn planned(case: &Scenario, disposal: Disposal) -> Plan {
    plan(&Wanted { disposal, ..Wanted::new("shop", &case.declared) }, &case.live_stack, &find)
}

fn stamped(mut case: Scenario, expires: &str) -> Scenario {
    for observed in case.live_stack.observed.values_mut().flatten() {
        for (tag, value) in
            [(Stamps::DISPOSABLE_TAG, "true"), (Stamps::EXPIRES_TAG, expires), (Stamps::CREATED_TAG, "-")]
        {
            observed.tags.insert(tag.to_owned(), value.to_owned());
        }
    }
    case
}

/// The new resources that are marked, by address.
fn marked(plan: &Plan) -> BTreeSet<String> {
    let marked = plan
        .steps
        .iter()
        .filter(|step| matches!(&step.action, Action::Create { new, .. } if Stamps::of(&new.tags).is_disposable));
    marked.map(|step| step.address.to_string()).collect()
}

#[test]
fn only_what_a_disposable_stack_creates_is_marked_and_a_plan_tells_no_time() {
    let plan = planned(&web(), Disposal::Disposable);
    assert_eq!(marked(&plan), ["x.box.web", "x.net.main"].map(str::to_owned).into());
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains(Stamps::EXPIRES_TAG) && !text.contains(Stamps::CREATED_TAG), "{text}");
    for disposal in [Disposal::Unsaid, Disposal::Permanent] {
        assert_eq!(marked(&planned(&web(), disposal)), BTreeSet::new());
    }
}

#[test]
fn a_stack_that_exists_without_marks_gets_none() {
    let case = web_exists().declare("x.net.new", net("10.9.0.0/16"));
    let plan = planned(&case, Disposal::Disposable);
    assert_eq!((plan.steps.len(), marked(&plan)), (1, BTreeSet::new()));
    let plan = planned(&stamped(case, "2026-11-29T16:07:00Z"), Disposal::Disposable);
    assert_eq!((plan.steps.len(), marked(&plan)), (1, ["x.net.new".to_owned()].into()));
}

#[test]
fn stamps_are_no_difference_whatever_they_say_and_wherever_they_are_missing() {
    let mut case = stamped(web_exists(), "next week");
    assert!(planned(&case, Disposal::Disposable).is_empty());
    assert!(planned(&case, Disposal::Unsaid).is_empty());
    case.live_stack.observed.get_mut("x.box").unwrap()[0].tags.remove(Stamps::EXPIRES_TAG);
    assert!(planned(&case, Disposal::Disposable).is_empty());
}

#[test]
fn a_stack_that_is_no_longer_disposable_loses_its_stamps_and_nothing_else() {
    let plan = planned(&stamped(web_exists(), "2026-11-29T16:07:00Z"), Disposal::Permanent);
    assert_eq!(plan.steps.len(), 2);
    for step in &plan.steps {
        let Action::Update { tags, .. } = &step.action else { panic!("{step:?}") };
        assert_eq!(tags.remove, Stamps::TAGS.map(str::to_owned).into());
        assert!(tags.set.is_empty() && step.changes.is_empty());
    }
    assert!(planned(&web_exists(), Disposal::Permanent).is_empty());
}
