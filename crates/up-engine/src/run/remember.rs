//! What the next run must know of this one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;
use up_apply::Outcome;
use up_core::{Address, Declared, ImmutableCache, Observed, Status, visit_named};
use up_plan::{
    Action, LiveStack, Plan,
    drift::{Baseline, BaselineSource},
};
use up_state::{Ids, StateError};

use crate::{Goal, Secrets};

/// A run at its end: what it was to do, and what became of it.
#[derive(Clone, Copy)]
pub(super) struct RunEnd<'a> {
    pub(super) goal: &'a Goal,
    pub(super) plan: &'a Plan,
    pub(super) outcome: &'a Outcome,
    /// What was observed before the run.
    pub(super) live_stack: &'a LiveStack,
    pub(super) secrets: &'a Secrets,
}

impl<'a> RunEnd<'a> {
    /// True for the resources that the run did not get to: failed, skipped, or no target.
    fn left_out(self) -> impl Fn(&Address) -> bool {
        let failed = self.outcome.failed.iter().map(|(address, _)| address);
        let undone: BTreeSet<&Address> = failed.chain(&self.outcome.skipped).collect();
        let planned: BTreeSet<&Address> = self.plan.steps.iter().map(|step| &step.address).collect();
        move |address| undone.contains(address) || (self.goal.is_partial() && !planned.contains(address))
    }

    /// Kind and id of the resources that the run has deleted: of a replacement, also where the new one could not be created.
    fn deleted(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let steps = self.plan.steps.iter().enumerate().filter(|(index, _)| self.outcome.finished.contains(index));
        steps.filter_map(|(_, step)| match &step.action {
            Action::Delete { observed, .. } => Some((step.address.kind.as_str(), observed.id.as_str())),
            _ => None,
        })
    }

    /// The declarations that are applied now: those of `before` where this run did not get to the new ones.
    ///
    /// # Errors
    /// When those of `before` are needed and cannot be read.
    pub(super) fn resources(
        self,
        before: impl FnOnce() -> Result<Vec<Declared>, StateError>,
    ) -> Result<Vec<Declared>, StateError> {
        let Self { goal, outcome, secrets, .. } = self;
        let stays = self.left_out();
        let is_whole = outcome.failed.is_empty() && outcome.skipped.is_empty() && !goal.is_partial();
        let before = if is_whole { vec![] } else { before()? };
        let old = before.iter().filter(|declared| stays(&declared.address));
        let new = goal.resources.iter().filter(|declared| !stays(&declared.address));
        let applied: BTreeMap<_, _> = old.chain(new).map(|declared| (&declared.address, declared)).collect();
        Ok(applied.into_values().map(|declared| masked(declared.clone(), secrets)).collect())
    }

    /// The ids of the resources that exist now: those observed, without those deleted and those that may be somebody else's
    /// copies, and those created.
    pub(super) fn ids(self, created: Ids) -> Ids {
        let mut ids = created;
        let all = self.live_stack.iter().filter(|(_, observed)| !self.plan.copies.contains(&observed.id));
        for (kind, observed) in all {
            ids.entry(kind.to_owned()).or_default().insert(observed.id.clone());
        }
        for (kind, id) in self.deleted() {
            ids.get_mut(kind).into_iter().for_each(|known| _ = known.remove(id));
        }
        ids.retain(|_, known| !known.is_empty());
        ids
    }

    /// Cached specs of live immutable resources, without those that hold secrets.
    pub(super) fn immutable_cache(self, ids: &Ids) -> ImmutableCache {
        let is_immutable = |kind: &str| up_kinds::find(kind).is_some_and(|kind| kind.info().immutable);
        let exists = |kind: &str, id: &str| ids.get(kind).is_some_and(|ids| ids.contains(id));
        let mut cache = ImmutableCache::default();
        for (kind, observed) in self.live_stack.iter().chain(self.seen_since()).filter(|(kind, _)| is_immutable(kind)) {
            if observed.status == Status::Ready && exists(kind, &observed.id) && !holds_secret(observed, self.secrets) {
                cache.add(kind, observed);
            }
        }
        cache
    }

    /// What the run has created or changed, as it was observed last.
    fn seen_since(self) -> impl Iterator<Item = (&'a str, &'a Observed<Value>)> {
        self.outcome.observed.iter().map(|((kind, _), observed)| (*kind, observed))
    }

    /// How the resources are seen now, for those who look for drift later: what was observed before the run, and since. Of
    /// resources that the run did not get to, `before` says it.
    pub(super) fn baseline(self, resources: &[Declared], before: Baseline) -> Baseline {
        let Self { plan, live_stack, secrets, .. } = self;
        let mut now = LiveStack {
            account: live_stack.account.clone(),
            region: live_stack.region.clone(),
            ..LiveStack::default()
        };
        let newer = self.seen_since().map(|(kind, observed)| (kind, observed.id.as_str()));
        let out_of_date: BTreeSet<_> = self.deleted().chain(newer).collect();
        let stays = live_stack.iter().filter(|(kind, observed)| !out_of_date.contains(&(*kind, observed.id.as_str())));
        for (kind, observed) in stays.chain(self.seen_since()) {
            let mut observed = observed.clone();
            mask_live(&mut observed, secrets);
            now.observed.entry(kind.to_owned()).or_default().push(observed);
        }
        // What a step did for its own resource may have changed those that it refers to, after they were observed.
        let (mut created, mut busy) = (BTreeSet::new(), BTreeSet::new());
        for step in &plan.steps {
            if let Action::Create { desired, .. } | Action::Update { desired, .. } = &step.action {
                visit_named(desired, &mut |named| busy.extend(named.parse::<Address>()));
            }
            if let Action::Create { .. } = &step.action {
                created.insert(&step.address);
            }
        }
        let source = |address: &Address| match address {
            new if created.contains(new) => BaselineSource::Created,
            early if busy.contains(early) => BaselineSource::Early,
            _ => BaselineSource::Read,
        };
        let mut baseline = up_plan::drift::baseline(&plan.stack, resources, &now, &source, &up_kinds::model);
        let is_left_out = self.left_out();
        baseline.retain(|address, _| !is_left_out(address));
        baseline.extend(before.into_iter().filter(|(address, _)| is_left_out(address)));
        baseline
    }
}

fn masked(mut declared: Declared, secrets: &Secrets) -> Declared {
    secrets.mask(declared.spec_mut());
    declared.tags.values_mut().for_each(|value| *value = secrets.masked(value).into_owned());
    declared
}

/// Puts masks in the place of a live resource's secrets.
pub(crate) fn mask_live(observed: &mut Observed<Value>, secrets: &Secrets) {
    if !secrets.is_empty() {
        secrets.mask(&mut observed.spec);
        observed.tags.values_mut().for_each(|value| *value = secrets.masked(value).into_owned());
    }
}

fn holds_secret(observed: &Observed<Value>, secrets: &Secrets) -> bool {
    let mut spec = observed.spec.clone();
    secrets.mask(&mut spec);
    spec != observed.spec || observed.attrs.values().any(|value| matches!(secrets.masked(value), Cow::Owned(_)))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::json;
    use up_apply::ObservedResources;
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
            ttl: None,
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
        up_plan::plan(&up_plan::Wanted::new("prod", &goal.resources), live_stack, &up_kinds::model)
    }

    /// Of a stack without resources and secrets.
    fn at_end<'a>(goal: &'a Goal, plan: &'a Plan, outcome: &'a Outcome) -> RunEnd<'a> {
        static NOTHING: LazyLock<(LiveStack, Secrets)> = LazyLock::new(Default::default);
        let (live_stack, secrets) = &*NOTHING;
        RunEnd { goal, plan, outcome, live_stack, secrets }
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
            versions(&at_end(&goal, &plan, &outcome).resources(|| Ok(before.into())).unwrap()),
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
        let kept = at_end(&partial, &plan, &Outcome::default()).resources(|| Ok(before.into())).unwrap();
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
        let outcome = Outcome { observed: made, ..Outcome::default() };
        let (goal, plan) = (goal(vec![], &[]), plan(&goal(vec![], &[]), &LiveStack::default()));
        let end = RunEnd { live_stack: &live_stack, secrets: &secrets, ..at_end(&goal, &plan, &outcome) };
        let kept = end.immutable_cache(&exist);
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
        let ids = RunEnd { live_stack: &live_stack, ..at_end(&goal, &plan, &outcome) }.ids(made);
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
        let ids =
            |outcome: &Outcome| RunEnd { live_stack: &live_stack, ..at_end(&goal, &plan, outcome) }.ids(Ids::new());
        assert_eq!(ids(&outcome), Ids::new());
        let outcome = Outcome { failed: refused(), ..Outcome::default() };
        assert_eq!(ids(&outcome).len(), 1, "it was not deleted");
    }
}
