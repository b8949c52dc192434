//! Turns decisions into steps: which calls are made, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_model::{Address, Declared, Model, Observed, Order};

use crate::{
    Action, Kinds, LiveStack, Step, Wanted,
    decide::{Decision, PlannedAction, StackTags},
    graph::{Draft, ReferenceGraph},
};

/// Turns decisions into ordered steps.
pub(crate) fn steps<'a>(
    wanted: &Wanted<'a>,
    named: &'a ReferenceGraph<'a>,
    live_stack: &'a LiveStack,
    decisions: &'a [Decision<'a>],
    kinds: Kinds<'_>,
) -> Draft {
    let mut decision_at = vec![0; named.len()];
    let places = decisions.iter().enumerate().filter_map(|(index, decision)| Some((index, decision.place?)));
    places.for_each(|(index, place)| decision_at[place] = index);
    let mut writer = Writer {
        stack: wanted.stack,
        tags: StackTags::of(wanted, live_stack, kinds),
        kinds,
        decisions,
        named,
        decision_at,
        torn_down: wanted.named,
        live_stack,
        taken: taken(live_stack),
        draft: Draft::default(),
        nodes: vec![Nodes::default(); decisions.len()],
    };
    decisions.iter().enumerate().for_each(|(index, decision)| writer.make_steps(index, decision));
    decisions.iter().enumerate().rev().for_each(|(index, decision)| writer.delete_step(index, decision));
    writer.order();
    writer.draft
}

/// Writes the steps of a plan.
pub(crate) struct Writer<'a, 'k> {
    stack: &'a str,
    tags: StackTags<'a>,
    pub(crate) kinds: Kinds<'k>,
    pub(crate) decisions: &'a [Decision<'a>],
    pub(crate) named: &'a ReferenceGraph<'a>,
    /// For each place of a declaration, the index of its decision.
    pub(crate) decision_at: Vec<usize>,
    /// See [`Wanted::named`].
    pub(crate) torn_down: &'a BTreeMap<Address, BTreeSet<Address>>,
    pub(crate) live_stack: &'a LiveStack,
    /// Physical names in use, by kind.
    taken: BTreeMap<String, BTreeSet<String>>,
    pub(crate) draft: Draft,
    /// The steps of each decision.
    pub(crate) nodes: Vec<Nodes>,
}

/// The steps of one resource, as indices into [`Draft::steps`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nodes {
    /// Creates or updates the resource.
    pub(crate) make: Option<usize>,
    /// True if `make` creates the resource, false if it updates it.
    pub(crate) is_new: bool,
    /// A second update: it sets what `make` had to leave out, or removes what `make` had to keep.
    pub(crate) finish: Option<usize>,
    /// True if `finish` only removes members that other resources may still use.
    pub(crate) is_narrowed: bool,
    /// Deletes the live resource, or the old one of a replacement.
    pub(crate) delete: Option<usize>,
}

impl Nodes {
    /// The first step that creates or updates the resource: it waits for the resources that the spec refers to.
    pub(crate) fn first(&self) -> Option<usize> {
        self.make.or(self.finish)
    }

    /// The last step that creates or updates the resource. After it, the resource is as declared and no longer refers
    /// to its old targets.
    pub(crate) fn last(&self) -> Option<usize> {
        self.finish.or(self.make)
    }

    /// The step that users of the resource wait for. If `finish` only removes members, that is `make`: users must stop
    /// using the members before they are removed, not after.
    pub(crate) fn usable(&self) -> Option<usize> {
        if self.is_narrowed { self.make } else { self.last() }
    }
}

impl<'a> Writer<'a, '_> {
    pub(crate) fn kind(&self, address: &Address) -> Option<&'static dyn Model> {
        (self.kinds)(&address.kind)
    }

    fn make_steps(&mut self, index: usize, decision: &Decision<'a>) {
        let Some((declared, kind)) = decision.declared.zip(self.kind(&decision.address)) else { return };
        let nodes = match decision.planned {
            PlannedAction::Create | PlannedAction::Replace(_) => self.create(index, declared, kind),
            PlannedAction::Update | PlannedAction::Wait => match self.narrow(index, decision, declared, kind) {
                Some(nodes) => nodes,
                None => Nodes { make: Some(self.update(decision, declared, kind)), ..Nodes::default() },
            },
            PlannedAction::Keep | PlannedAction::Delete => return,
        };
        self.nodes[index] = nodes;
    }

    fn create(&mut self, index: usize, declared: &Declared, kind: &dyn Model) -> Nodes {
        let decision = &self.decisions[index];
        let replaces = matches!(decision.planned, PlannedAction::Replace(_));
        let place = decision.place.expect("only declared resources are created");
        let partial = self.named.deferred(kind, place).iter().any(|to| self.named.cycles().join(place, *to));
        let generation = self.generation(decision, declared, kind);
        let new = self.tags.new_resource(declared, generation);
        let about = kind.info();
        let calls = [about.actions.create, about.actions.update].concat();
        let (desired, ignore) = (declared.spec.clone(), declared.ignore_changes.clone());
        let action = Action::Create { new, desired, ignore, replaces, partial };
        let make = self.push(decision, action, about.takes.create.as_secs(), &calls);
        // The second half of a create still sets fields that are ignored once the resource exists.
        let finish = partial.then(|| self.second_half(decision, declared, BTreeSet::new(), kind));
        Nodes { make: Some(make), is_new: true, finish, ..Nodes::default() }
    }

    /// The update that follows a step which has left something out.
    pub(crate) fn second_half(
        &mut self,
        decision: &Decision<'a>,
        declared: &Declared,
        ignore: BTreeSet<String>,
        kind: &dyn Model,
    ) -> usize {
        let (desired, tags) = (declared.spec.clone(), Default::default());
        let action = Action::Update { observed: None, desired, ignore, tags, renamed_from: None };
        self.push(decision, action, 1, kind.info().actions.update)
    }

    pub(crate) fn update(&mut self, decision: &Decision<'a>, declared: &Declared, kind: &dyn Model) -> usize {
        let observed = decision.observed.expect("only live resources are updated");
        let was = observed.address(self.stack).filter(|was| *was != declared.address);
        let action = Action::Update {
            observed: Some(observed.clone()),
            desired: declared.spec.clone(),
            ignore: decision.ignored.clone(),
            tags: self.tags.change(kind, declared, observed),
            renamed_from: was,
        };
        let about = kind.info();
        let fields = if decision.changes.is_empty() { &[] } else { about.actions.update };
        let calls = [fields, about.actions.tag].concat();
        let changed = decision.changes.iter().map(|change| change.field.as_str());
        let takes = match decision.planned {
            PlannedAction::Wait => about.takes.create,
            _ => about.takes.changing(changed),
        };
        self.push(decision, action, takes.as_secs(), &calls)
    }

    fn delete_step(&mut self, index: usize, decision: &Decision<'a>) {
        let replaced = matches!(decision.planned, PlannedAction::Replace(_)) && !decision.keeps_old;
        let Some(observed) = decision.observed.filter(|_| replaced || decision.planned == PlannedAction::Delete) else {
            return;
        };
        let Some(kind) = self.kind(&decision.address) else { return };
        let about = kind.info();
        let action = Action::Delete { observed: observed.clone(), replaced };
        let delete = self.push(decision, action, about.takes.delete.as_secs(), about.actions.delete);
        let nodes = &mut self.nodes[index];
        nodes.delete = Some(delete);
        match (decision.planned, nodes.make) {
            (PlannedAction::Replace(Order::DestroyBeforeCreate), Some(make)) => {
                self.draft.before.insert((delete, make))
            }
            (_, Some(make)) => self.draft.before.insert((make, delete)),
            _ => false,
        };
    }

    fn push(&mut self, decision: &Decision<'_>, action: Action, takes: u64, calls: &[&str]) -> usize {
        let plain = matches!(action, Action::Delete { replaced: true, .. } | Action::Update { observed: None, .. });
        let changes = if plain { vec![] } else { decision.changes.clone() };
        let mut calls = calls.to_vec();
        calls.sort_unstable();
        calls.dedup();
        let calls = calls.into_iter().map(str::to_owned).collect();
        let (address, why) = (decision.address.clone().into_owned(), decision.why.clone());
        self.draft.steps.push(Step { address, action, changes, why, after: vec![], takes, calls });
        self.draft.steps.len() - 1
    }

    /// The lowest generation whose name is free: a renamed resource keeps the name that it was created with.
    fn generation(&mut self, decision: &Decision<'_>, declared: &Declared, kind: &dyn Model) -> u32 {
        let first = decision.observed.map_or(0, |observed| observed.generation() + 1);
        let longest = kind.info().longest_name;
        if longest == 0 {
            return first;
        }
        let taken = self.taken.entry(declared.address.kind.clone()).or_default();
        let name = |generation| declared.address.physical(self.stack, generation, longest);
        let free = (first..).find(|&generation| !taken.contains(&name(generation))).expect("names do not run out");
        taken.insert(name(free));
        free
    }
}

fn taken(live_stack: &LiveStack) -> BTreeMap<String, BTreeSet<String>> {
    let names = |observed: &[Observed<Value>]| {
        observed.iter().filter_map(|observed| observed.attrs.get("name").cloned()).collect()
    };
    live_stack.observed.iter().map(|(kind, observed)| (kind.clone(), names(observed))).collect()
}
