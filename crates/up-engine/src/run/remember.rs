//! What the next run must know of this one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_apply::{ObservedResources, Outcome};
use up_core::{Address, Declared, ImmutableCache, Observed, Status, visit_named};
use up_plan::{
    Action, LiveStack, Plan,
    drift::{Baseline, BaselineSource},
};
use up_state::{Ids, StateError};

use crate::{Goal, Secrets};

/// The declarations that are applied now: those of `before` where this run did not get to the new ones.
///
/// # Errors
/// When those of `before` are needed and cannot be read.
pub(super) fn resources(
    goal: &Goal,
    before: impl FnOnce() -> Result<Vec<Declared>, StateError>,
    plan: &Plan,
    outcome: &Outcome,
    secrets: &Secrets,
) -> Result<Vec<Declared>, StateError> {
    let failed = outcome.failed.iter().map(|(address, _)| address);
    let undone: BTreeSet<&Address> = failed.chain(&outcome.skipped).collect();
    let planned: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
    let stays = |address: &Address| undone.contains(address) || (goal.is_partial() && !planned.contains(address));
    let before = if undone.is_empty() && !goal.is_partial() { vec![] } else { before()? };
    let old = before.iter().filter(|declared| stays(&declared.address));
    let new = goal.resources.iter().filter(|declared| !stays(&declared.address));
    let applied: BTreeMap<_, _> = old.chain(new).map(|declared| (&declared.address, declared)).collect();
    Ok(applied.into_values().map(|declared| masked(declared.clone(), secrets)).collect())
}

fn masked(mut declared: Declared, secrets: &Secrets) -> Declared {
    secrets.mask(declared.spec_mut());
    declared.tags.values_mut().for_each(|value| *value = secrets.masked(value).into_owned());
    declared
}

/// The ids of the resources that exist now: those observed, without those deleted and those that may be somebody else's
/// copies, and those created.
pub(super) fn ids(live_stack: &LiveStack, plan: &Plan, outcome: &Outcome, created: Ids) -> Ids {
    let mut ids = created;
    for (kind, observed) in live_stack.iter().filter(|(_, observed)| !plan.copies.contains(&observed.id)) {
        ids.entry(kind.to_owned()).or_default().insert(observed.id.clone());
    }
    // A replacement has two steps: its old resource is gone although the new one could not be created.
    for step in plan.steps.iter().enumerate().filter(|(step, _)| outcome.finished.contains(step)).map(|(_, step)| step)
    {
        if let (Action::Delete { observed, .. }, Some(known)) = (&step.action, ids.get_mut(&step.address.kind)) {
            known.remove(&observed.id);
        }
    }
    ids.retain(|_, known| !known.is_empty());
    ids
}

/// Cached specs of live immutable resources, without those that hold secrets.
pub(super) fn immutable_cache(
    live_stack: &LiveStack,
    created: &ObservedResources,
    ids: &Ids,
    secrets: &Secrets,
) -> ImmutableCache {
    let is_immutable = |kind: &str| up_kinds::find(kind).is_some_and(|kind| kind.info().immutable);
    let all = live_stack.iter().chain(created.iter().map(|((kind, _), observed)| (*kind, observed)));
    let exists = |kind: &str, id: &str| ids.get(kind).is_some_and(|ids| ids.contains(id));
    let mut cache = ImmutableCache::default();
    for (kind, observed) in all.filter(|(kind, _)| is_immutable(kind)) {
        if observed.status == Status::Ready && exists(kind, &observed.id) && !holds_secret(observed, secrets) {
            cache.add(kind, observed);
        }
    }
    cache
}

/// How the resources are seen now, for those who look for drift later: what was observed before the run, and since. Of resources
/// that the run did not get to, `before` says it.
pub(super) fn baseline(
    resources: &[Declared],
    live_stack: &LiveStack,
    plan: &Plan,
    outcome: &Outcome,
    before: Baseline,
    goal: &Goal,
    secrets: &Secrets,
) -> Baseline {
    let mut now =
        LiveStack { account: live_stack.account.clone(), region: live_stack.region.clone(), ..LiveStack::default() };
    let gone: BTreeSet<(&str, &str)> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(index, _)| outcome.finished.contains(index))
        .filter_map(|(_, step)| match &step.action {
            Action::Delete { observed, .. } => Some((step.address.kind.as_str(), observed.id.as_str())),
            _ => None,
        })
        .collect();
    let is_new = |kind: &str, id: &str| outcome.observed.keys().any(|(of, known)| *of == kind && known == id);
    let stays = live_stack
        .iter()
        .filter(|(kind, observed)| !gone.contains(&(*kind, observed.id.as_str())) && !is_new(kind, &observed.id));
    let fresh = outcome.observed.iter().map(|((kind, _), observed)| (*kind, observed));
    for (kind, observed) in stays.chain(fresh) {
        now.observed.entry(kind.to_owned()).or_default().push(masked_live(observed, secrets));
    }
    let desired = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Create { desired, .. } | Action::Update { desired, .. } => Some(desired),
        Action::Delete { .. } => None,
    });
    // What a step did for its own resource may have changed those that it refers to, after they were observed.
    let mut busy = BTreeSet::new();
    for desired in desired {
        visit_named(desired, &mut |named| busy.extend(named.parse::<Address>()));
    }
    let creates = plan.steps.iter().filter(|step| matches!(step.action, Action::Create { .. }));
    let created: BTreeSet<_> = creates.map(|step| &step.address).collect();
    let source = |address: &Address| match address {
        created_here if created.contains(created_here) => BaselineSource::Created,
        early if busy.contains(early) => BaselineSource::Early,
        _ => BaselineSource::Read,
    };
    let mut baseline = up_plan::drift::baseline(&plan.stack, resources, &now, &source, &up_kinds::find);
    let planned: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
    let undone: BTreeSet<&Address> =
        outcome.failed.iter().map(|(address, _)| address).chain(&outcome.skipped).collect();
    baseline.retain(|address, _| !undone.contains(address) && (!goal.is_partial() || planned.contains(address)));
    for (address, known) in before {
        if undone.contains(&address) || (goal.is_partial() && !planned.contains(&address)) {
            baseline.insert(address, known);
        }
    }
    baseline
}

/// The resource with masks in the place of secrets.
pub(crate) fn masked_live(observed: &Observed<Value>, secrets: &Secrets) -> Observed<Value> {
    let mut observed = observed.clone();
    if !secrets.is_empty() {
        secrets.mask(&mut observed.spec);
        observed.tags.values_mut().for_each(|value| *value = secrets.masked(value).into_owned());
    }
    observed
}

fn holds_secret(observed: &Observed<Value>, secrets: &Secrets) -> bool {
    let mut spec = observed.spec.clone();
    secrets.mask(&mut spec);
    spec != observed.spec || observed.attrs.values().any(|value| matches!(secrets.masked(value), Cow::Owned(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use up_core::Error;
    use up_stack::Stack;

    use super::*;
    use crate::PlanOptions;

    fn declared(name: &str, version: u32) -> Declared {
        Declared::new(Address::root("ec2.vpc", name), json!({ "version": version }))
    }

    fn goal(resources: Vec<Declared>, target: &[&str]) -> Goal {
        let stack = Stack {
            name: "prod".into(),
            region: "us-east-1".into(),
            accounts: vec![],
            role: None,
            protect: false,
            backend: None,
            tags: [].into(),
            resources,
            outputs: [].into(),
            secrets: [].into(),
            accept: vec![],
            root: ".".into(),
        };
        let target = target.iter().map(|name| Address::root("ec2.vpc", *name)).collect();
        Goal::apply(stack, &PlanOptions { targets: target, ..PlanOptions::default() })
    }

    fn live_stack(names: &[&str]) -> LiveStack {
        let observed = names.iter().map(|name| {
            Observed::new(
                format!("vpc-{name}"),
                [
                    (Address::STACK_TAG.to_owned(), "prod".to_owned()),
                    (Address::ADDRESS_TAG.to_owned(), format!("ec2.vpc.{name}")),
                ]
                .into(),
                json!({ "cidr_block": "10.0.0.0/16" }),
            )
        });
        LiveStack { observed: [("ec2.vpc".to_owned(), observed.collect())].into(), ..LiveStack::default() }
    }

    fn plan(goal: &Goal, live_stack: &LiveStack) -> Plan {
        let (none, targets) = ([].into(), [].into());
        let wanted = up_plan::Wanted {
            stack: "prod",
            resources: &goal.resources,
            protect: false,
            prevent_destroy: &none,
            named: &[].into(),
            given: &[].into(),
            targets: &targets,
        };
        up_plan::plan(&wanted, live_stack, &up_kinds::find)
    }

    fn versions(resources: &[Declared]) -> Vec<(&str, u64)> {
        let version = |declared: &Declared| declared.spec["version"].as_u64().unwrap();
        resources.iter().map(|declared| (declared.address.name.as_str(), version(declared))).collect()
    }

    #[test]
    fn what_failed_keeps_its_old_declaration() {
        let goal = goal(vec![declared("a", 2), declared("b", 2), declared("c", 2)], &[]);
        let plan = plan(&goal, &live_stack(&[]));
        let failed = vec![(Address::root("ec2.vpc", "b"), Error::absent("id"))];
        let skipped = vec![Address::root("ec2.vpc", "c")];
        let outcome = Outcome { failed, skipped, ..Outcome::default() };
        let before = [declared("a", 1), declared("b", 1), declared("gone", 1)];
        assert_eq!(
            versions(&resources(&goal, || Ok(before.into()), &plan, &outcome, &Secrets::default()).unwrap()),
            [("a", 2), ("b", 1)]
        );
    }

    #[test]
    fn what_was_no_target_keeps_its_old_declaration() {
        let whole = goal(vec![declared("a", 2), declared("b", 2)], &[]);
        let mut plan = plan(&whole, &live_stack(&[]));
        plan.steps.retain(|step| step.address.name == "a");
        let partial = goal(vec![declared("a", 2), declared("b", 2)], &["a"]);
        let before = [declared("b", 1), declared("c", 1)];
        let kept = resources(&partial, || Ok(before.into()), &plan, &Outcome::default(), &Secrets::default()).unwrap();
        assert_eq!(versions(&kept), [("a", 2), ("b", 1), ("c", 1)]);
    }

    #[test]
    fn what_never_changes_is_kept_while_it_exists_and_tells_no_secret() {
        let observed = |id: &str, image: &str| {
            let (tags, attrs) = ([("Team".to_owned(), "shop".to_owned())], [("arn".to_owned(), id.to_owned())]);
            let spec = json!({ "containers": [{ "name": "main", "image": image }] });
            Observed { attrs: attrs.into(), ..Observed::new(id, tags.into(), spec) }
        };
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let secrets = Secrets::default();
        secrets.add(&ids(&["the password of nobody"]));
        let all = [observed("a", "nginx"), observed("b", "nginx"), observed("c", "nginx:the password of nobody")];
        let kind = "ecs.task_definition";
        let live_stack = LiveStack {
            observed: [(kind.to_owned(), all.into()), ("ec2.vpc".into(), vec![])].into(),
            ..live_stack(&["v"])
        };
        let made: ObservedResources = [((kind, "d".to_owned()), observed("d", "redis"))].into();
        let exist: Ids = [(kind.to_owned(), ids(&["a", "c", "d"])), ("ec2.vpc".into(), ids(&["vpc-v"]))].into();
        let kept = immutable_cache(&live_stack, &made, &exist, &secrets);
        assert_eq!(kept.ids().collect::<Vec<_>>(), [(kind, "a"), (kind, "d")]);
        let text = serde_json::to_value(&kept).unwrap();
        assert_eq!(text[kind]["a"]["tags"], json!({}), "tags change");
    }

    #[test]
    fn ids_are_of_what_was_seen_less_what_went_and_what_was_made() {
        let (goal, live_stack) = (goal(vec![], &[]), live_stack(&["a", "b"]));
        let plan = plan(&goal, &live_stack);
        let deleted = plan.steps.iter().position(|step| step.address.name == "a").unwrap();
        let skipped = vec![Address::root("ec2.vpc", "b")];
        let outcome = Outcome { skipped, finished: [deleted].into(), ..Outcome::default() };
        let made: Ids = [("ec2.eip".to_owned(), ["eip-1".to_owned()].into())].into();
        let ids = ids(&live_stack, &plan, &outcome, made);
        let expected = [("ec2.eip", "eip-1"), ("ec2.vpc", "vpc-b")];
        assert_eq!(ids, expected.map(|(kind, id)| (kind.to_owned(), [id.to_owned()].into())).into());
    }

    #[test]
    fn what_a_replacement_has_deleted_is_not_waited_for() {
        let spec = json!({ "cidr_block": "10.0.0.0/24" });
        let goal = goal(vec![Declared::new(Address::root("ec2.vpc", "a"), spec)], &[]);
        let (live_stack, address) = (live_stack(&["a"]), Address::root("ec2.vpc", "a"));
        let plan = plan(&goal, &live_stack);
        let delete = plan.steps.iter().position(|step| matches!(step.action, Action::Delete { .. })).unwrap();
        let refused = || vec![(address.clone(), Error::refused("InvalidVpc.Range", "no"))];
        let outcome = Outcome { failed: refused(), finished: [delete].into(), ..Outcome::default() };
        assert_eq!(ids(&live_stack, &plan, &outcome, Ids::new()), Ids::new());
        let outcome = Outcome { failed: refused(), ..Outcome::default() };
        assert_eq!(ids(&live_stack, &plan, &outcome, Ids::new()).len(), 1, "it was not deleted");
    }
}
