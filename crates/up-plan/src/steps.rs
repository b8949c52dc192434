//! Verdicts in, steps out: which calls, and which before which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, AnyKind, Declared, Observed, Order};

use crate::{
    Action, Kinds, Step, Wanted, World,
    decide::{Ruling, Verdict, new, tag_change},
    graph::{Draft, Named},
};

/// Turns verdicts into steps with their order.
pub(crate) fn steps<'a>(
    wanted: &Wanted<'a>,
    named: &'a Named<'a>,
    world: &'a World,
    verdicts: &'a [Verdict<'a>],
    kinds: Kinds<'_>,
) -> Draft {
    let mut rulings = vec![0; named.len()];
    let places = verdicts.iter().enumerate().filter_map(|(index, verdict)| Some((index, verdict.place?)));
    places.for_each(|(index, place)| rulings[place] = index);
    let mut writer = Writer {
        stack: wanted.stack,
        kinds,
        verdicts,
        named,
        rulings,
        torn_down: wanted.named,
        world,
        taken: taken(world),
        draft: Draft::default(),
        nodes: vec![Nodes::default(); verdicts.len()],
    };
    verdicts.iter().enumerate().for_each(|(index, verdict)| writer.makes(index, verdict));
    verdicts.iter().enumerate().rev().for_each(|(index, verdict)| writer.deletes(index, verdict));
    writer.order();
    writer.draft
}

/// Writes the steps of a plan.
pub(crate) struct Writer<'a, 'k> {
    stack: &'a str,
    pub(crate) kinds: Kinds<'k>,
    pub(crate) verdicts: &'a [Verdict<'a>],
    pub(crate) named: &'a Named<'a>,
    /// Which verdict is of the declaration at each place.
    pub(crate) rulings: Vec<usize>,
    /// See [`Wanted::named`].
    pub(crate) torn_down: &'a BTreeMap<Address, BTreeSet<Address>>,
    pub(crate) world: &'a World,
    /// Physical names in use, by kind.
    taken: BTreeMap<String, BTreeSet<String>>,
    pub(crate) draft: Draft,
    /// The steps of each verdict.
    pub(crate) nodes: Vec<Nodes>,
}

/// The steps of one resource, as places in [`Draft::steps`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nodes {
    /// Creates or updates the resource.
    pub(crate) make: Option<usize>,
    /// True where `make` creates the resource, false where it updates it.
    pub(crate) is_new: bool,
    /// A second update: it sets what `make` had to leave out, or removes what `make` still had to keep.
    pub(crate) finish: Option<usize>,
    /// True where `finish` only removes what other resources may still use.
    pub(crate) is_narrowed: bool,
    /// Deletes the live resource, or the old one of a replacement.
    pub(crate) delete: Option<usize>,
}

impl Nodes {
    /// The first step that creates or updates the resource: it waits for the resources that the spec refers to.
    pub(crate) fn first(&self) -> Option<usize> {
        self.make.or(self.finish)
    }

    /// The last step that creates or updates the resource: after it, the resource is as declared, and refers to nothing else.
    pub(crate) fn last(&self) -> Option<usize> {
        self.finish.or(self.make)
    }

    /// The step that users of the resource wait for. Where `finish` only removes something, that is `make`: users must move
    /// off what is removed before, not after.
    pub(crate) fn usable(&self) -> Option<usize> {
        if self.is_narrowed { self.make } else { self.last() }
    }
}

impl<'a> Writer<'a, '_> {
    pub(crate) fn kind(&self, address: &Address) -> Option<&'static dyn AnyKind> {
        (self.kinds)(&address.kind)
    }

    fn makes(&mut self, index: usize, verdict: &Verdict<'a>) {
        let Some((declared, kind)) = verdict.declared.zip(self.kind(&verdict.address)) else { return };
        let nodes = match verdict.ruling {
            Ruling::Create | Ruling::Replace(_) => self.create(index, declared, kind),
            Ruling::Update | Ruling::Wait => match self.narrow(index, verdict, declared, kind) {
                Some(nodes) => nodes,
                None => Nodes { make: Some(self.update(verdict, declared, kind)), ..Nodes::default() },
            },
            Ruling::Keep | Ruling::Delete => return,
        };
        self.nodes[index] = nodes;
    }

    fn create(&mut self, index: usize, declared: &Declared, kind: &dyn AnyKind) -> Nodes {
        let verdict = &self.verdicts[index];
        let replaces = matches!(verdict.ruling, Ruling::Replace(_));
        let place = verdict.place.expect("only what is declared is made");
        let partial = self.named.deferred(kind, place).iter().any(|to| self.named.cycles().join(place, *to));
        let generation = self.generation(verdict, declared, kind);
        let new = new(self.stack, declared, generation);
        let about = kind.info();
        let calls = [about.actions.create, about.actions.update].concat();
        let (desired, ignore) = (declared.spec.clone(), declared.ignore_changes.clone());
        let action = Action::Create { new, desired, ignore, replaces, partial };
        let make = self.push(verdict, action, about.takes.create.as_secs(), &calls);
        // What is ignored once it exists is still set by the second half of its create.
        let finish = partial.then(|| self.second_half(verdict, declared, BTreeSet::new(), kind));
        Nodes { make: Some(make), is_new: true, finish, ..Nodes::default() }
    }

    /// What follows a step that has left something out.
    pub(crate) fn second_half(
        &mut self,
        verdict: &Verdict<'a>,
        declared: &Declared,
        ignore: BTreeSet<String>,
        kind: &dyn AnyKind,
    ) -> usize {
        let (desired, tags) = (declared.spec.clone(), Default::default());
        let action = Action::Update { observed: None, desired, ignore, tags, renamed_from: None };
        self.push(verdict, action, 1, kind.info().actions.update)
    }

    pub(crate) fn update(&mut self, verdict: &Verdict<'a>, declared: &Declared, kind: &dyn AnyKind) -> usize {
        let observed = verdict.observed.expect("only what is seen is updated");
        let was = observed.address(self.stack).filter(|was| *was != declared.address);
        let action = Action::Update {
            observed: Some(observed.clone()),
            desired: declared.spec.clone(),
            ignore: verdict.ignored.clone(),
            tags: tag_change(self.stack, kind, declared, observed, &self.world.tagged),
            renamed_from: was,
        };
        let about = kind.info();
        let fields = if verdict.changes.is_empty() { &[] } else { about.actions.update };
        let calls = [fields, about.actions.tag].concat();
        let changed = verdict.changes.iter().map(|change| change.field.as_str());
        let takes = match verdict.ruling {
            Ruling::Wait => about.takes.create,
            _ => about.takes.changing(changed),
        };
        self.push(verdict, action, takes.as_secs(), &calls)
    }

    fn deletes(&mut self, index: usize, verdict: &Verdict<'a>) {
        let replaced = matches!(verdict.ruling, Ruling::Replace(_)) && !verdict.keeps_old;
        let Some(observed) = verdict.observed.filter(|_| replaced || verdict.ruling == Ruling::Delete) else { return };
        let Some(kind) = self.kind(&verdict.address) else { return };
        let about = kind.info();
        let action = Action::Delete { observed: observed.clone(), replaced };
        let delete = self.push(verdict, action, about.takes.delete.as_secs(), about.actions.delete);
        let nodes = &mut self.nodes[index];
        nodes.delete = Some(delete);
        match (verdict.ruling, nodes.make) {
            (Ruling::Replace(Order::DestroyBeforeCreate), Some(make)) => self.draft.before.insert((delete, make)),
            (_, Some(make)) => self.draft.before.insert((make, delete)),
            _ => false,
        };
    }

    fn push(&mut self, verdict: &Verdict<'_>, action: Action, takes: u64, calls: &[&str]) -> usize {
        let plain = matches!(action, Action::Delete { replaced: true, .. } | Action::Update { observed: None, .. });
        let changes = if plain { vec![] } else { verdict.changes.clone() };
        let mut calls = calls.to_vec();
        calls.sort_unstable();
        calls.dedup();
        let calls = calls.into_iter().map(str::to_owned).collect();
        let (address, why) = (verdict.address.clone().into_owned(), verdict.why.clone());
        self.draft.steps.push(Step { address, action, changes, why, after: vec![], takes, calls });
        self.draft.steps.len() - 1
    }

    /// The lowest generation whose name is free: a renamed resource keeps the name it was born with.
    fn generation(&mut self, verdict: &Verdict<'_>, declared: &Declared, kind: &dyn AnyKind) -> u32 {
        let first = verdict.observed.map_or(0, |observed| observed.generation() + 1);
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

fn taken(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let names = |observed: &[Observed<Value>]| {
        observed.iter().filter_map(|observed| observed.attrs.get("name").cloned()).collect()
    };
    world.observed.iter().map(|(kind, observed)| (kind.clone(), names(observed))).collect()
}
