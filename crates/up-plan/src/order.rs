//! Which step waits for which.

use std::collections::{BTreeMap, BTreeSet};

use up_core::{Binding, Observed, Order, Status};

use crate::{
    Action, Map,
    decide::{Ruling, names, used},
    graph::Cycles,
    handover::{Handover, handovers},
    replace::rings,
    steps::Writer,
};

impl Writer<'_, '_> {
    /// Puts all steps in order.
    pub(crate) fn order(&mut self) {
        self.wait_for_targets();
        let moves = self.delete_after_users();
        self.narrow_after_users();
        let handovers = self.release_before_taking();
        self.release_early(&moves, &handovers);
        self.rename_last_first();
    }

    /// Of a chain of renames the last comes first, so that no two live resources ever have one address.
    fn rename_last_first(&mut self) {
        let renamed = self.draft.steps.iter().enumerate().filter_map(|(index, step)| match &step.action {
            Action::Update { renamed_from: Some(was), .. } => Some((&step.address, (index, was))),
            _ => None,
        });
        let renamed: BTreeMap<_, _> = renamed.collect();
        let pairs = renamed.values().filter_map(|(index, was)| Some((*index, renamed.get(was)?.0)));
        let pairs = self.without_circles(pairs.collect());
        self.draft.before.extend(pairs);
    }

    /// Those pairs of steps that agree with the order so far.
    fn without_circles(&self, pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        if pairs.is_empty() {
            return pairs;
        }
        let edges: Vec<_> = self.draft.before.iter().chain(&pairs).copied().collect();
        let cycles = Cycles::among(self.draft.steps.len(), &edges);
        pairs.into_iter().filter(|(first, then)| !cycles.join(*first, *then)).collect()
    }

    /// A step comes after those that make what it names.
    fn wait_for_targets(&mut self) {
        for (index, verdict) in self.verdicts.iter().enumerate() {
            let nodes = self.nodes[index];
            let (Some(place), Some(make)) = (verdict.place, nodes.first()) else { continue };
            let deferred = self.kind(&verdict.address).map(|kind| self.named.deferred(kind, place)).unwrap_or_default();
            for target in self.named.of(place).iter().filter(|target| **target != place) {
                let made = self.nodes[self.rulings[*target]];
                let cycle = self.named.cycles().join(place, *target);
                // Where resources name each other, it is enough that the other is there.
                let first = if cycle { made.make.filter(|_| made.is_new) } else { made.usable() };
                let then = if cycle && deferred.contains(target) { nodes.last() } else { Some(make) };
                self.draft.before.extend(first.zip(then));
            }
            self.draft.before.extend(nodes.make.zip(nodes.finish));
        }
    }

    /// A resource goes after what uses it has gone, or moved away. Returns who has to move away first: pairs of user and
    /// target.
    fn delete_after_users(&mut self) -> Vec<(usize, usize)> {
        let uses = self.uses_seen();
        let both_go: Vec<_> = uses.iter().copied().filter(|(user, _)| self.gone(*user).is_some()).collect();
        let cycles = Cycles::among(self.verdicts.len(), &both_go);
        let (mut pairs, mut moves) = (vec![], vec![]);
        for (user, target) in uses {
            match self.gone(user) {
                // Those that use each other: each lets go of the others as it is deleted.
                Some(gone) => {
                    pairs.extend(self.gone(target).filter(|_| !cycles.join(user, target)).map(|it| (gone, it)))
                }
                None if !self.goes_first(target) || self.holds(user, target) => {
                    pairs.extend(self.moved_first(user, target));
                    moves.push((user, target));
                }
                None => {}
            }
        }
        let quoted = self.uses_declared().into_iter().filter(|(_, target)| !self.goes_first(*target));
        pairs.extend(quoted.filter_map(|(user, target)| self.moved_first(user, target)));
        self.draft.before.extend(self.go_together(&pairs, &cycles));
        self.draft.before.extend(pairs);
        self.draft.before.extend(self.known_users_first());
        moves
    }

    /// Resources that refer to each other (a circle) can only be deleted together, because each of them keeps AWS from
    /// deleting the others. So a step that must come before the delete of one of them must come before the deletes of all of
    /// them. Returns these further pairs of steps.
    fn go_together(&self, pairs: &[(usize, usize)], cycles: &Cycles) -> Vec<(usize, usize)> {
        let deletes = (0..self.verdicts.len()).filter_map(|index| Some((self.gone(index)?, index)));
        let deletes: Map<_, _> = deletes.collect();
        let together = pairs.iter().flat_map(|(first, delete)| {
            let others = cycles.around(deletes[delete]).iter().filter_map(|other| self.gone(*other));
            others.filter(move |other| other != delete && other != first).map(|other| (*first, other))
        });
        together.collect()
    }

    /// A user moves over to what takes the target's place, and then the target goes.
    fn moved_first(&self, user: usize, target: usize) -> Option<(usize, usize)> {
        Some((self.nodes[user].last()?, self.gone(target)?))
    }

    /// True where a target has to go before that is there which takes its place.
    fn goes_first(&self, target: usize) -> bool {
        self.verdicts[target].ruling == Ruling::Replace(Order::DestroyBeforeCreate)
    }

    /// True where AWS does not delete a target while the user refers to it. What failed is seldom in real use.
    fn holds(&self, user: usize, target: usize) -> bool {
        let fails = |observed: &Observed<_>| matches!(observed.status, Status::Failed(_) | Status::Deleting(_));
        let bindings = self.bindings(user, target);
        !self.verdicts[target].observed.is_some_and(fails) && bindings.iter().any(|(_, it)| *it != Binding::Loose)
    }

    /// The fields in which a live resource refers to another.
    pub(crate) fn bindings(&self, user: usize, target: usize) -> Vec<(&'static str, Binding)> {
        let (user, target) = (&self.verdicts[user], &self.verdicts[target]);
        let (Some(kind), Some((user, target_seen))) = (self.kind(&user.address), user.observed.zip(target.observed))
        else {
            return vec![];
        };
        let is_target =
            |(kind, id): &(&str, &str)| *kind == target.address.kind && names(target_seen).any(|name| name == *id);
        let fields = kind.fields().iter().filter(|field| used(&user.spec[field.name]).iter().any(is_target));
        fields.map(|field| (field.name, field.binding)).collect()
    }

    pub(crate) fn gone(&self, index: usize) -> Option<usize> {
        self.nodes[index].delete
    }

    /// Who uses what is to be deleted, as AWS shows it: pairs of verdicts.
    fn uses_seen(&self) -> Vec<(usize, usize)> {
        self.users_of(&|index| self.gone(index).is_some())
    }

    /// Who uses some of the live resources: pairs of verdicts.
    pub(crate) fn users_of(&self, wanted: &dyn Fn(usize) -> bool) -> Vec<(usize, usize)> {
        let mut owners: Map<(&str, &str), usize> = Map::default();
        for (index, verdict) in self.verdicts.iter().enumerate().filter(|(index, _)| wanted(*index)) {
            let Some(observed) = verdict.observed else { continue };
            owners.extend(names(observed).map(|name| ((verdict.address.kind.as_str(), name), index)));
        }
        if owners.is_empty() {
            return vec![];
        }
        let uses = self.verdicts.iter().enumerate().flat_map(|(index, verdict)| {
            let used = verdict.observed.map(|observed| used(&observed.spec)).unwrap_or_default();
            let targets = used.into_iter().filter_map(|name| owners.get(&name).copied());
            targets.filter(|target| *target != index).map(|target| (index, target)).collect::<Vec<_>>()
        });
        uses.collect()
    }

    /// Who names what is to be replaced, in text as well.
    fn uses_declared(&self) -> Vec<(usize, usize)> {
        let uses = self.verdicts.iter().enumerate().flat_map(|(index, verdict)| {
            let named = verdict.place.map(|place| self.named.of(place)).into_iter().flatten();
            let targets = named.map(|target| self.rulings[*target]);
            targets
                .filter(move |&target| target != index && self.gone(target).is_some())
                .map(move |target| (index, target))
        });
        uses.collect()
    }

    /// Of two that go, the one that named the other when it was last declared goes first, unless the steps so far say
    /// otherwise: what a service runs may be unknown, and still need a role.
    fn known_users_first(&self) -> Vec<(usize, usize)> {
        let named = || self.world.named.iter().chain(self.torn_down);
        if named().next().is_none() {
            return vec![];
        }
        let mut going: Map<String, Vec<usize>> = Map::default();
        for (index, verdict) in self.verdicts.iter().enumerate().filter(|(index, _)| self.gone(*index).is_some()) {
            going.entry(verdict.address.text()).or_default().push(index);
        }
        let pairs = named().flat_map(|(user, targets)| {
            let users = going.get(&user.text()).into_iter().flatten();
            let targets = targets.iter().filter(|target| *target != user);
            let targets: Vec<_> = targets.filter_map(|target| going.get(&target.text())).flatten().collect();
            users.flat_map(move |user| targets.clone().into_iter().map(move |target| (*user, *target)))
        });
        let pairs = pairs.filter_map(|(user, target)| Some((self.gone(user)?, self.gone(target)?)));
        self.without_circles(pairs.collect())
    }

    /// What another resource gives up is taken after that.
    fn release_before_taking(&mut self) -> Vec<Handover> {
        let handovers = handovers(self.verdicts, self.kinds);
        let exchanged = rings(self.verdicts.len(), handovers.iter().filter(|it| it.is_exchanged));
        let others = handovers.iter().filter(|it| it.taker != it.holder && !exchanged.join(it.taker, it.holder));
        let pairs = others.filter_map(|it| {
            let holder = self.nodes[it.holder];
            let release = if self.verdicts[it.holder].ruling == Ruling::Update { holder.last() } else { holder.delete };
            release.zip(self.nodes[it.taker].first())
        });
        let pairs: BTreeSet<_> = pairs.collect();
        self.draft.before.extend(pairs);
        handovers
    }
}
