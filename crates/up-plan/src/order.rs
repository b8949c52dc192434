//! Orders the steps of a plan.

use std::collections::{BTreeMap, BTreeSet};

use up_model::{Binding, Observed, Order, Status};

use crate::{
    Action, FastMap,
    decide::{PlannedAction, names, used},
    graph::Cycles,
    handover::{Handover, handovers},
    replace::rings,
    steps::Writer,
};

impl Writer<'_, '_> {
    /// Adds all pairs of steps that must be done one after the other.
    pub(crate) fn order(&mut self) {
        self.wait_for_targets();
        let moves = self.delete_after_users();
        self.narrow_after_users();
        let handovers = self.release_before_taking();
        self.release_early(&moves, &handovers);
        self.rename_last_first();
    }

    /// In a chain of renames the last one comes first, so that two live resources never have the same address.
    fn rename_last_first(&mut self) {
        let renamed = self.draft.steps.iter().enumerate().filter_map(|(index, step)| match &step.action {
            Action::Update { renamed_from: Some(was), .. } => Some((&step.address, (index, was))),
            _ => None,
        });
        let renamed: BTreeMap<_, _> = renamed.collect();
        let pairs = renamed.values().filter_map(|(index, was)| Some((*index, renamed.get(was)?.0)));
        let pairs = self.without_cycles(pairs.collect());
        self.draft.before.extend(pairs);
    }

    /// The pairs that make no cycle with the order so far.
    fn without_cycles(&self, pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        if pairs.is_empty() {
            return pairs;
        }
        let edges: Vec<_> = self.draft.before.iter().chain(&pairs).copied().collect();
        let cycles = Cycles::among(self.draft.steps.len(), &edges);
        pairs.into_iter().filter(|(first, then)| !cycles.join(*first, *then)).collect()
    }

    /// A step waits for the steps that create or update the resources it refers to.
    fn wait_for_targets(&mut self) {
        for (index, decision) in self.decisions.iter().enumerate() {
            let nodes = self.nodes[index];
            let (Some(place), Some(make)) = (decision.place, nodes.first()) else { continue };
            let deferred =
                self.kind(&decision.address).map(|kind| self.named.deferred(kind, place)).unwrap_or_default();
            for target in self.named.of(place).iter().filter(|target| **target != place) {
                let made = self.nodes[self.decision_at[*target]];
                let cycle = self.named.cycles().join(place, *target);
                // In a cycle it is enough that the target exists.
                let first = if cycle { made.make.filter(|_| made.is_new) } else { made.usable() };
                let then = if cycle && deferred.contains(target) { nodes.last() } else { Some(make) };
                self.draft.before.extend(first.zip(then));
            }
            self.draft.before.extend(nodes.make.zip(nodes.finish));
        }
    }

    /// A resource is deleted after its users have been deleted or have moved to another target. Returns the users that
    /// must move first, as pairs of user and target.
    fn delete_after_users(&mut self) -> Vec<(usize, usize)> {
        let uses = self.live_users();
        let both_go: Vec<_> = uses.iter().copied().filter(|(user, _)| self.delete_of(*user).is_some()).collect();
        let cycles = Cycles::among(self.decisions.len(), &both_go);
        let (mut pairs, mut moves) = (vec![], vec![]);
        for (user, target) in uses {
            match self.delete_of(user) {
                // Users in a cycle: each releases the others when it is deleted.
                Some(gone) => {
                    pairs.extend(self.delete_of(target).filter(|_| !cycles.join(user, target)).map(|it| (gone, it)))
                }
                None if !self.is_deleted_first(target) || self.blocks_delete(user, target) => {
                    pairs.extend(self.moved_first(user, target));
                    moves.push((user, target));
                }
                None => {}
            }
        }
        let quoted = self.declared_users().into_iter().filter(|(_, target)| !self.is_deleted_first(*target));
        pairs.extend(quoted.filter_map(|(user, target)| self.moved_first(user, target)));
        self.draft.before.extend(self.go_together(&pairs, &cycles));
        self.draft.before.extend(pairs);
        self.draft.before.extend(self.known_users_first());
        moves
    }

    /// Resources that refer to each other (a cycle) can only be deleted together, because each of them keeps AWS from
    /// deleting the others. So a step that must precede the delete of one of them must precede the deletes of all of
    /// them. Returns these further pairs of steps.
    fn go_together(&self, pairs: &[(usize, usize)], cycles: &Cycles) -> Vec<(usize, usize)> {
        let deletes = (0..self.decisions.len()).filter_map(|index| Some((self.delete_of(index)?, index)));
        let deletes: FastMap<_, _> = deletes.collect();
        let together = pairs.iter().flat_map(|(first, delete)| {
            let others = cycles.around(deletes[delete]).iter().filter_map(|other| self.delete_of(*other));
            others.filter(move |other| other != delete && other != first).map(|other| (*first, other))
        });
        together.collect()
    }

    /// The user moves to the target's replacement before the target is deleted.
    fn moved_first(&self, user: usize, target: usize) -> Option<(usize, usize)> {
        Some((self.nodes[user].last()?, self.delete_of(target)?))
    }

    /// True if the target is deleted before its replacement is created.
    fn is_deleted_first(&self, target: usize) -> bool {
        self.decisions[target].planned == PlannedAction::Replace(Order::DestroyBeforeCreate)
    }

    /// True if AWS does not delete the target while the user refers to it. A failed target is seldom in real use.
    fn blocks_delete(&self, user: usize, target: usize) -> bool {
        let fails = |observed: &Observed<_>| matches!(observed.status, Status::Failed(_) | Status::Deleting(_));
        let bindings = self.bindings(user, target);
        !self.decisions[target].observed.is_some_and(fails) && bindings.iter().any(|(_, it)| *it != Binding::Loose)
    }

    /// The fields in which a live resource refers to another, and how firmly.
    pub(crate) fn bindings(&self, user: usize, target: usize) -> Vec<(&'static str, Binding)> {
        let (user, target) = (&self.decisions[user], &self.decisions[target]);
        let (Some(kind), Some((user, target_seen))) = (self.kind(&user.address), user.observed.zip(target.observed))
        else {
            return vec![];
        };
        let is_target =
            |(kind, id): &(&str, &str)| *kind == target.address.kind && names(target_seen).any(|name| name == *id);
        let fields = kind.fields().iter().filter(|field| used(&user.spec[field.name]).iter().any(is_target));
        fields.map(|field| (field.name, field.binding)).collect()
    }

    pub(crate) fn delete_of(&self, index: usize) -> Option<usize> {
        self.nodes[index].delete
    }

    /// Live users of the resources to delete: pairs of decisions.
    fn live_users(&self) -> Vec<(usize, usize)> {
        self.users_of(&|index| self.delete_of(index).is_some())
    }

    /// Live users of the live resources that `wanted` selects: pairs of decisions.
    pub(crate) fn users_of(&self, wanted: &dyn Fn(usize) -> bool) -> Vec<(usize, usize)> {
        let mut owners: FastMap<(&str, &str), usize> = FastMap::default();
        for (index, decision) in self.decisions.iter().enumerate().filter(|(index, _)| wanted(*index)) {
            let Some(observed) = decision.observed else { continue };
            owners.extend(names(observed).map(|name| ((decision.address.kind.as_str(), name), index)));
        }
        if owners.is_empty() {
            return vec![];
        }
        let uses = self.decisions.iter().enumerate().flat_map(|(index, decision)| {
            let used = decision.observed.map(|observed| used(&observed.spec)).unwrap_or_default();
            let targets = used.into_iter().filter_map(|name| owners.get(&name).copied());
            targets.filter(|target| *target != index).map(|target| (index, target)).collect::<Vec<_>>()
        });
        uses.collect()
    }

    /// Declared users of the resources to replace or delete, including those that name them in text: pairs of
    /// decisions.
    fn declared_users(&self) -> Vec<(usize, usize)> {
        let uses = self.decisions.iter().enumerate().flat_map(|(index, decision)| {
            let named = decision.place.map(|place| self.named.of(place)).into_iter().flatten();
            let targets = named.map(|target| self.decision_at[*target]);
            targets
                .filter(move |&target| target != index && self.delete_of(target).is_some())
                .map(move |target| (index, target))
        });
        uses.collect()
    }

    /// If both are deleted, the resource that referred to the other when it was last declared is deleted first, unless
    /// the steps so far say otherwise. AWS may not show this use: a task that CI registered still needs its role.
    fn known_users_first(&self) -> Vec<(usize, usize)> {
        let named = || self.live_stack.named.iter().chain(self.torn_down);
        if named().next().is_none() {
            return vec![];
        }
        let mut going: FastMap<String, Vec<usize>> = FastMap::default();
        for (index, decision) in self.decisions.iter().enumerate().filter(|(index, _)| self.delete_of(*index).is_some())
        {
            going.entry(decision.address.text()).or_default().push(index);
        }
        let pairs = named().flat_map(|(user, targets)| {
            let users = going.get(&user.text()).into_iter().flatten();
            let targets = targets.iter().filter(|target| *target != user);
            let targets: Vec<_> = targets.filter_map(|target| going.get(&target.text())).flatten().collect();
            users.flat_map(move |user| targets.clone().into_iter().map(move |target| (*user, *target)))
        });
        let pairs = pairs.filter_map(|(user, target)| Some((self.delete_of(user)?, self.delete_of(target)?)));
        self.without_cycles(pairs.collect())
    }

    /// A unique value is taken only after its holder has released it.
    fn release_before_taking(&mut self) -> Vec<Handover> {
        let handovers = handovers(self.decisions, self.kinds);
        let exchanged = rings(self.decisions.len(), handovers.iter().filter(|it| it.is_exchanged));
        let others = handovers.iter().filter(|it| it.taker != it.holder && !exchanged.join(it.taker, it.holder));
        let pairs = others.filter_map(|it| {
            let holder = self.nodes[it.holder];
            let release =
                if self.decisions[it.holder].planned == PlannedAction::Update { holder.last() } else { holder.delete };
            release.zip(self.nodes[it.taker].first())
        });
        let pairs: BTreeSet<_> = pairs.collect();
        self.draft.before.extend(pairs);
        handovers
    }
}
