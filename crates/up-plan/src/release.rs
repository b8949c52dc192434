//! Parts of an update that come earlier or later than the rest: references that block a delete are removed early, and
//! members that other resources still use are removed late.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_model::{
    Address, Binding, Change, Declared, FieldChange, Model, TagChange, by_id, name_references, with_ignored,
};

use crate::{
    Action, FastMap, Refusal,
    decide::{Decision, PlannedAction, names, used},
    graph::Cycles,
    handover::Handover,
    protect::stands_in,
    steps::{Nodes, Writer},
};

impl<'a> Writer<'a, '_> {
    /// The steps of an update that removes members of a shared set: the first adds members, the second removes them
    /// once the users of the resource have released them. `None` if no member is removed, or if no user has a step.
    pub(crate) fn narrow(
        &mut self,
        index: usize,
        decision: &Decision<'a>,
        declared: &Declared,
        kind: &dyn Model,
    ) -> Option<Nodes> {
        let is_shared = |name: &str| kind.fields().iter().any(|field| field.is_shared && field.name == name);
        let is_narrower = |change: &&FieldChange| is_shared(&change.field) && !removed(change).is_empty();
        let narrower: Vec<_> = decision.changes.iter().filter(is_narrower).collect();
        if narrower.is_empty() || !self.has_busy_users(index, decision) {
            return None;
        }
        let mut wider = (*declared.spec).clone();
        for change in &narrower {
            wider[&change.field] = match change.desired.as_array() {
                Some(items) => items.iter().chain(removed(change)).cloned().collect(),
                None => change.observed.clone(),
            };
        }
        let wider = kind.complete(wider.clone()).unwrap_or(wider);
        let only_removes = |change: &FieldChange| {
            let observed = change.observed.as_array();
            is_narrower(&change)
                && change
                    .desired
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|it| observed.is_some_and(|observed| observed.contains(it)))
        };
        let update = self.update(decision, declared, kind);
        let Action::Update { tags, renamed_from, .. } = &self.draft.steps[update].action else { return None };
        if tags.is_empty() && renamed_from.is_none() && decision.changes.iter().all(only_removes) {
            return Some(Nodes { finish: Some(update), is_narrowed: true, ..Nodes::default() });
        }
        if let Action::Update { desired, .. } = &mut self.draft.steps[update].action {
            *desired = wider.into();
        }
        let finish = self.second_half(decision, declared, decision.ignored.clone(), kind);
        Some(Nodes { make: Some(update), finish: Some(finish), is_narrowed: true, ..Nodes::default() })
    }

    /// True if any user of this resource has a step.
    fn has_busy_users(&self, index: usize, decision: &Decision<'_>) -> bool {
        let is_busy = |user: usize| user != index && self.decisions[user].planned != PlannedAction::Keep;
        let place = decision.place.expect("updated resources are declared");
        let names_it = |user: &Decision<'_>| user.place.is_some_and(|user| self.named.of(user).contains(&place));
        self.users_of(&|target| target == index).into_iter().any(|(user, _)| is_busy(user))
            || self.decisions.iter().enumerate().any(|(user, decision)| is_busy(user) && names_it(decision))
    }

    /// Members of a shared set are removed after the steps of all users of the resource.
    pub(crate) fn narrow_after_users(&mut self) {
        let narrowed: BTreeSet<_> = (0..self.nodes.len()).filter(|&index| self.nodes[index].is_narrowed).collect();
        if narrowed.is_empty() {
            return;
        }
        let mut uses = self.users_of(&|index| narrowed.contains(&index));
        for (user, decision) in self.decisions.iter().enumerate() {
            let named = decision.place.map(|place| self.named.of(place)).into_iter().flatten();
            let targets = named.map(|target| self.decision_at[*target]).filter(|target| narrowed.contains(target));
            uses.extend(targets.filter(|target| *target != user).map(|target| (user, target)));
        }
        for (user, target) in uses {
            let steps = [self.nodes[user].last(), self.nodes[user].delete].into_iter().flatten();
            let then = self.nodes[target].finish.expect("a narrowed resource has a second step");
            self.draft.before.extend(steps.map(|step| (step, then)));
        }
    }

    /// If a target must be deleted before its replacement exists, its user releases it in a step of its own. If the
    /// user cannot, the plan is refused.
    pub(crate) fn release_early(&mut self, moves: &[(usize, usize)], handovers: &[Handover]) {
        let edges: Vec<_> = self.draft.before.iter().copied().collect();
        let cycles = Cycles::among(self.draft.steps.len(), &edges);
        let mut releases: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for &(user, target) in moves {
            let Some((moved, delete)) = self.nodes[user].last().zip(self.delete_of(target)) else { continue };
            if !cycles.join(moved, delete) || !self.draft.before.remove(&(moved, delete)) {
                continue;
            }
            let bindings: BTreeSet<_> = self.bindings(user, target).into_iter().map(|(_, binding)| binding).collect();
            let (holder, held) = (&self.decisions[user], &self.decisions[target]);
            let is_refused =
                held.observed.is_some_and(|observed| stands_in(holder, &held.address, &observed.id, self.kinds));
            if is_refused {
                // [`crate::protect::occupied`] refuses it.
            } else if bindings.contains(&Binding::Firm) {
                let refusal = self.refused(user, target, handovers);
                self.draft.refusals.push(refusal);
            } else if bindings.contains(&Binding::Detachable) {
                releases.entry(user).or_default().insert(target);
            }
        }
        releases.into_iter().for_each(|(user, targets)| self.release(user, &targets));
    }

    /// Adds a first step to a user's update that removes its references to `targets`.
    fn release(&mut self, user: usize, targets: &BTreeSet<usize>) {
        let decision = &self.decisions[user];
        let (Some(declared), Some(observed)) = (decision.declared, decision.observed) else { return };
        let (Some(kind), Some(rest)) = (self.kind(&decision.address), self.nodes[user].first()) else { return };
        let bindings = targets.iter().flat_map(|target| self.bindings(user, *target));
        let fields = bindings.filter(|(_, binding)| *binding == Binding::Detachable).map(|(field, _)| field);
        let fields: BTreeSet<_> = fields.collect();
        let leaving: BTreeSet<_> =
            targets.iter().filter_map(|target| self.decisions[*target].observed).flat_map(names).collect();
        let mut live = observed.spec.clone();
        for field in &fields {
            if let Value::Array(items) = &mut live[*field] {
                items.retain(|item| used(item).iter().all(|(_, id)| !leaving.contains(id)));
            }
        }
        self.name_staying(&mut live);
        let untouched = decision.changes.iter().map(|change| change.field.as_str()).chain(fields);
        let untouched = untouched.map(str::to_owned).collect();
        let desired = with_ignored(&declared.spec, &live, &untouched).into_owned();
        let desired = kind.complete(desired.clone()).unwrap_or(desired);
        let early = self.draft.steps.len();
        let mut step = self.draft.steps[rest].clone();
        if let Action::Update { desired: early, .. } = &mut step.action {
            *early = desired.into();
        }
        self.draft.steps.push(step);
        self.draft.steps[rest].changes = vec![];
        if let Action::Update { observed, tags, renamed_from, .. } = &mut self.draft.steps[rest].action {
            (*observed, *tags, *renamed_from) = (None, TagChange::default(), None);
        }
        self.draft.before.insert((early, rest));
        let deletes: Vec<_> = targets.iter().filter_map(|target| self.delete_of(*target)).collect();
        self.draft.before.extend(deletes.into_iter().map(|delete| (early, delete)));
    }

    /// Turns references to resources that stay into addresses; references to deleted resources remain ids.
    fn name_staying(&self, live: &mut Value) {
        let mut staying: FastMap<(&str, &str), &Address> = FastMap::default();
        for (index, decision) in self.decisions.iter().enumerate().filter(|(index, _)| self.delete_of(*index).is_none())
        {
            let observed = self.decisions[index].observed.into_iter();
            staying.extend(
                observed.flat_map(names).map(|name| ((decision.address.kind.as_str(), name), &*decision.address)),
            );
        }
        name_references(live, &|kind, id| staying.get(&(kind, id)).copied());
    }

    fn refused(&self, user: usize, target: usize, handovers: &[Handover]) -> Refusal {
        let (address, user) = (self.decisions[target].address.clone().into_owned(), &self.decisions[user].address);
        let taken = handovers.iter().find(|handover| handover.holder == target);
        let (because, way_out) = match taken {
            Some(it) if it.taker == target => {
                let field = it.field;
                let changes = self.decisions[target].changes.iter().any(|change| change.field == field);
                let (collide, way_out) = match changes {
                    true => (format!("its `{field}` collides with what it has now"), "choose another one".to_owned()),
                    false => (format!("both have the same `{field}`"), format!("change `{field}` too")),
                };
                (format!("the new one is created: {collide}"), format!("{way_out}, or "))
            }
            Some(it) => {
                let (taker, field) = (&self.decisions[it.taker].address, it.field);
                (format!("{taker} takes its `{field}`"), format!("give {taker} another `{field}`, or "))
            }
            None => ("the new one is created".to_owned(), String::new()),
        };
        let message = format!(
            "must be deleted before {because}; {user} uses it until then: {way_out}take it away from {user} first"
        );
        Refusal { address, message }
    }
}

/// The members that a set loses, or a flag that is switched off.
fn removed(change: &FieldChange) -> Vec<&Value> {
    if change.observed == true && change.desired == false {
        return vec![&change.observed];
    }
    let (Some(observed), Some(desired)) = (change.observed.as_array(), change.desired.as_array()) else {
        return vec![];
    };
    let is_plain = |item: &&Value| by_id(item).is_none() && item.get("$ref").is_none();
    observed
        .iter()
        .filter(|item| change.change == Change::Update && is_plain(item) && !desired.contains(item))
        .collect()
}
