//! Verdicts in, steps out: which calls, and which before which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, AnyKind, Change, Declared, Order, Seen, references};

use crate::{
    Action, Kinds, Map, Step, Wanted, World,
    decide::{Ruling, Verdict, birth, names, tag_change, used},
    graph::{Circles, Draft, Named},
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
        leaving: wanted.leaving,
        kinds,
        verdicts,
        named,
        rulings,
        world,
        taken: taken(world),
        draft: Draft::default(),
        nodes: vec![Nodes::default(); verdicts.len()],
    };
    verdicts.iter().enumerate().for_each(|(index, verdict)| writer.makes(index, verdict));
    verdicts.iter().enumerate().rev().for_each(|(index, verdict)| writer.deletes(index, verdict));
    writer.wait_for_targets();
    writer.delete_after_users();
    writer.free_names_first();
    writer.draft
}

struct Writer<'a, 'k> {
    stack: &'a str,
    leaving: &'a [Declared],
    kinds: Kinds<'k>,
    verdicts: &'a [Verdict<'a>],
    named: &'a Named<'a>,
    /// Which verdict is of the declaration at each place.
    rulings: Vec<usize>,
    world: &'a World,
    /// Physical names in use, by kind.
    taken: BTreeMap<String, BTreeSet<String>>,
    draft: Draft,
    /// The steps of each verdict.
    nodes: Vec<Nodes>,
}

/// The steps of one resource.
#[derive(Debug, Clone, Copy, Default)]
struct Nodes {
    /// Makes or moves it.
    make: Option<usize>,
    /// Whether `make` makes it, rather than moves it.
    is_new: bool,
    /// Brings it to its end, where `make` alone does not.
    finish: Option<usize>,
    delete: Option<usize>,
}

impl Nodes {
    fn last(&self) -> Option<usize> {
        self.finish.or(self.make)
    }
}

impl<'a> Writer<'a, '_> {
    fn kind(&self, address: &Address) -> Option<&'static dyn AnyKind> {
        (self.kinds)(&address.kind)
    }

    fn makes(&mut self, index: usize, verdict: &Verdict<'a>) {
        let Some((declared, kind)) = verdict.declared.zip(self.kind(&verdict.address)) else { return };
        let nodes = match verdict.ruling {
            Ruling::Create | Ruling::Replace(_) => self.create(index, declared, kind),
            Ruling::Update | Ruling::Wait => {
                Nodes { make: Some(self.update(verdict, declared, kind)), ..Nodes::default() }
            }
            Ruling::Keep | Ruling::Delete => return,
        };
        self.nodes[index] = nodes;
    }

    fn create(&mut self, index: usize, declared: &Declared, kind: &dyn AnyKind) -> Nodes {
        let verdict = &self.verdicts[index];
        let replaces = matches!(verdict.ruling, Ruling::Replace(_));
        let place = verdict.place.expect("only what is declared is made");
        let bare = self.named.late(kind, place).iter().any(|to| self.named.circles().join(place, *to));
        let generation = self.generation(verdict, declared, kind);
        let to_be = || (declared.spec.clone(), declared.ignore_changes.clone());
        let birth = birth(self.stack, declared, generation);
        let about = kind.about();
        let calls = [about.actions.create, about.actions.update].concat();
        let (want, ignore) = to_be();
        let action = Action::Create { birth, want, ignore, replaces, bare };
        let make = self.push(verdict, action, about.takes.create.as_secs(), &calls);
        let finish = bare.then(|| {
            let (want, ignore) = to_be();
            let tags = Default::default();
            let action = Action::Update { seen: None, want, ignore, tags, renamed_from: None };
            self.push(verdict, action, 1, about.actions.update)
        });
        Nodes { make: Some(make), is_new: true, finish, delete: None }
    }

    fn update(&mut self, verdict: &Verdict<'a>, declared: &Declared, kind: &dyn AnyKind) -> usize {
        let seen = verdict.seen.expect("only what is seen is updated");
        let was = seen.address(self.stack).filter(|was| *was != declared.address);
        let action = Action::Update {
            seen: Some(seen.clone()),
            want: declared.spec.clone(),
            ignore: declared.ignore_changes.clone(),
            tags: tag_change(self.stack, kind, declared, seen, &self.world.tagged),
            renamed_from: was,
        };
        let about = kind.about();
        let fields = if verdict.changes.is_empty() { &[] } else { about.actions.update };
        let calls = [fields, about.actions.tag].concat();
        let takes = if verdict.ruling == Ruling::Wait { about.takes.create.as_secs() } else { 2 };
        self.push(verdict, action, takes, &calls)
    }

    fn deletes(&mut self, index: usize, verdict: &Verdict<'a>) {
        let replaced = matches!(verdict.ruling, Ruling::Replace(_)) && !verdict.keeps_old;
        let Some(seen) = verdict.seen.filter(|_| replaced || verdict.ruling == Ruling::Delete) else { return };
        let Some(kind) = self.kind(&verdict.address) else { return };
        let about = kind.about();
        let action = Action::Delete { seen: seen.clone(), replaced };
        let delete = self.push(verdict, action, about.takes.delete.as_secs(), about.actions.delete);
        let nodes = &mut self.nodes[index];
        nodes.delete = Some(delete);
        match (verdict.ruling, nodes.make) {
            (Ruling::Replace(Order::DeleteFirst), Some(make)) => self.draft.before.insert((delete, make)),
            (_, Some(make)) => self.draft.before.insert((make, delete)),
            _ => false,
        };
    }

    fn push(&mut self, verdict: &Verdict<'_>, action: Action, takes: u64, calls: &[&str]) -> usize {
        let plain = matches!(action, Action::Delete { replaced: true, .. } | Action::Update { seen: None, .. });
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
        let first = verdict.seen.map_or(0, |seen| seen.generation() + 1);
        let longest = kind.about().longest_name;
        if longest == 0 {
            return first;
        }
        let taken = self.taken.entry(declared.address.kind.clone()).or_default();
        let name = |generation| declared.address.physical(self.stack, generation, longest);
        let free = (first..).find(|&generation| !taken.contains(&name(generation))).expect("names do not run out");
        taken.insert(name(free));
        free
    }

    /// A step comes after those that make what it names.
    fn wait_for_targets(&mut self) {
        for (index, verdict) in self.verdicts.iter().enumerate() {
            let nodes = self.nodes[index];
            let (Some(place), Some(make)) = (verdict.place, nodes.make) else { continue };
            let late = self.kind(&verdict.address).map(|kind| self.named.late(kind, place)).unwrap_or_default();
            for target in self.named.of(place).iter().filter(|target| **target != place) {
                let made = self.nodes[self.rulings[*target]];
                let circle = self.named.circles().join(place, *target);
                // Where resources name each other, it is enough that the other is there.
                let first = if circle { made.make.filter(|_| made.is_new) } else { made.last() };
                let then = if circle && late.contains(target) { nodes.last() } else { Some(make) };
                self.draft.before.extend(first.zip(then));
            }
            self.draft.before.extend(nodes.finish.map(|finish| (make, finish)));
        }
    }

    /// A resource goes after what uses it has gone, or moved away.
    fn delete_after_users(&mut self) {
        let mut uses = self.uses_seen();
        uses.extend(self.uses_of_leaving());
        let both_go: Vec<_> = uses.iter().copied().filter(|(user, _)| self.gone(*user).is_some()).collect();
        let circles = Circles::among(self.verdicts.len(), &both_go);
        let let_go = uses.into_iter().filter_map(|(user, target)| match self.gone(user) {
            // Those that use each other: each lets go of the others as it is deleted.
            Some(gone) => self.gone(target).filter(|_| !circles.join(user, target)).map(|delete| (gone, delete)),
            None => self.moved_first(user, target),
        });
        let quoted = self.uses_declared().into_iter().filter_map(|(user, target)| self.moved_first(user, target));
        let pairs: Vec<_> = let_go.chain(quoted).collect();
        self.draft.before.extend(self.go_together(&pairs, &circles));
        self.draft.before.extend(pairs);
    }

    /// What has to be done before one of a circle goes, has to be before any of it does: one that stays longer would hold
    /// the others in place.
    fn go_together(&self, pairs: &[(usize, usize)], circles: &Circles) -> Vec<(usize, usize)> {
        let deletes = (0..self.verdicts.len()).filter_map(|index| Some((self.gone(index)?, index)));
        let deletes: Map<_, _> = deletes.collect();
        let together = pairs.iter().flat_map(|(first, delete)| {
            let others = circles.around(deletes[delete]).iter().filter_map(|other| self.gone(*other));
            others.filter(move |other| other != delete && other != first).map(|other| (*first, other))
        });
        together.collect()
    }

    /// A user moves over to what takes the target's place, unless the target has to go before that is there.
    fn moved_first(&self, user: usize, target: usize) -> Option<(usize, usize)> {
        let goes_first = self.verdicts[target].ruling == Ruling::Replace(Order::DeleteFirst);
        let moved = self.nodes[user].last().filter(|_| !goes_first)?;
        Some((moved, self.gone(target)?))
    }

    fn gone(&self, index: usize) -> Option<usize> {
        self.nodes[index].delete
    }

    /// Who uses what is to be deleted, as AWS shows it: pairs of verdicts.
    fn uses_seen(&self) -> Vec<(usize, usize)> {
        let mut owners: Map<(&str, &str), usize> = Map::default();
        for (index, verdict) in self.verdicts.iter().enumerate().filter(|(index, _)| self.gone(*index).is_some()) {
            let Some(seen) = verdict.seen else { continue };
            owners.extend(names(seen).map(|name| ((verdict.address.kind.as_str(), name), index)));
        }
        if owners.is_empty() {
            return vec![];
        }
        let uses = self.verdicts.iter().enumerate().flat_map(|(index, verdict)| {
            let used = verdict.seen.map(|seen| used(&seen.spec)).unwrap_or_default();
            let targets = used.into_iter().filter_map(|name| owners.get(&name).copied());
            targets.filter(|target| *target != index).map(|target| (index, target)).collect::<Vec<_>>()
        });
        uses.collect()
    }

    /// Who refers to what, by the files' word, among what goes: a service that CI has deployed shows nothing of the role that
    /// its stack has made for its tasks.
    fn uses_of_leaving(&self) -> Vec<(usize, usize)> {
        if self.leaving.is_empty() {
            return vec![];
        }
        let goes = |(index, verdict): (usize, &'a Verdict<'a>)| self.gone(index).map(|_| (&*verdict.address, index));
        let going: Map<_, _> = self.verdicts.iter().enumerate().filter_map(goes).collect();
        let uses = self.leaving.iter().filter_map(|declared| Some((*going.get(&declared.address)?, declared)));
        let pairs = uses.flat_map(|(user, declared)| {
            let named = references(&declared.spec).into_iter().chain(declared.depends_on.iter().cloned());
            named.filter_map(|address| going.get(&address).map(|target| (user, *target))).collect::<Vec<_>>()
        });
        pairs.filter(|(user, target)| user != target).collect()
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

    /// What takes over a name, or addresses, of something that goes, waits until it is gone.
    fn free_names_first(&mut self) {
        let mut leaving: Map<(String, &str, String), usize> = Map::default();
        for (index, verdict) in self.verdicts.iter().enumerate() {
            let (Some(delete), Some(seen)) = (self.gone(index), verdict.seen) else { continue };
            leaving.extend(self.natural_keys(&verdict.address, &seen.spec).map(|key| (key, delete)));
        }
        for (index, verdict) in self.verdicts.iter().enumerate() {
            let is_new = matches!(verdict.ruling, Ruling::Create | Ruling::Replace(Order::CreateFirst));
            let make = self.nodes[index].make.filter(|_| is_new);
            let (Some(make), Some(declared)) = (make, verdict.declared) else { continue };
            let own = self.gone(index);
            let keys = self.natural_keys(&verdict.address, &declared.spec);
            let deletes = keys.filter_map(|key| leaving.get(&key).copied()).filter(|delete| Some(*delete) != own);
            let pairs: Vec<_> = deletes.map(|delete| (delete, make)).collect();
            self.draft.before.extend(pairs);
        }
    }

    fn natural_keys(&self, address: &Address, spec: &Value) -> impl Iterator<Item = (String, &'static str, String)> {
        let fields = self.kind(address).map_or(&[][..], |kind| kind.fields());
        let named = fields.iter().filter(|field| field.change == Change::Name);
        let keys =
            named.filter_map(|field| Some((address.kind.clone(), field.name, spec[field.name].as_str()?.to_owned())));
        keys.collect::<Vec<_>>().into_iter()
    }
}

fn taken(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let names = |seen: &[Seen<Value>]| seen.iter().filter_map(|seen| seen.attrs.get("name").cloned()).collect();
    world.seen.iter().map(|(kind, seen)| (kind.clone(), names(seen))).collect()
}
