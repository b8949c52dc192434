//! Order: which resource comes before which, and which step.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::{algo::tarjan_scc, graph::DiGraph};
use up_core::{Address, AnyKind, Declared, quote, references};

use crate::{Refusal, Step};

/// Steps and the pairs of them that must be done one before the other.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    pub(crate) before: BTreeSet<(usize, usize)>,
}

/// Everything that each declaration names.
pub(crate) struct Named<'a>(HashMap<&'a Address, BTreeSet<Address>>);

impl<'a> Named<'a> {
    pub(crate) fn by(resources: &'a [Declared]) -> Self {
        Self(resources.iter().map(|declared| (&declared.address, named(declared))).collect())
    }

    /// What one of the declarations names.
    pub(crate) fn of(&self, declared: &Declared) -> &BTreeSet<Address> {
        &self.0[&declared.address]
    }

    /// What it names in late fields alone.
    pub(crate) fn late(&self, kind: &dyn AnyKind, declared: &Declared) -> BTreeSet<Address> {
        let late = || kind.fields().iter().filter(|field| field.late);
        if late().next().is_none() {
            return BTreeSet::new();
        }
        let mut early = declared.clone();
        late().for_each(|field| early.spec[field.name] = serde_json::Value::Null);
        self.of(declared).difference(&named(&early)).cloned().collect()
    }

    /// Each declaration with every other that it names.
    pub(crate) fn edges(&self) -> Vec<(&'a Address, &'a Address)> {
        let edges = self.0.iter().flat_map(|(address, named)| {
            let known = named.iter().filter_map(|target| self.0.get_key_value(target));
            known.map(|(target, _)| (*address, *target))
        });
        let mut edges: Vec<_> = edges.collect();
        edges.sort();
        edges
    }
}

/// Everything a declaration names: by reference, in quoted text, or in `depends_on`.
fn named(declared: &Declared) -> BTreeSet<Address> {
    let quoted = quote::quotes(&declared.spec).into_iter().filter_map(|quote| quote.address.parse().ok());
    let mut named: BTreeSet<_> = references(&declared.spec).into_iter().chain(quoted).collect();
    named.extend(declared.depends_on.iter().cloned());
    named
}

/// The nodes that stand in a circle, circle by circle; one of its own for every other.
pub(crate) struct Circles<T> {
    circles: Vec<Vec<T>>,
    /// In which of them each stands.
    places: BTreeMap<T, usize>,
}

impl<T: Copy + Ord> Circles<T> {
    /// Finds the circles among `nodes`, where each edge leads from a node to one it names.
    pub(crate) fn among(nodes: &[T], edges: &[(T, T)]) -> Self {
        let circles = groups(nodes, edges);
        let places =
            circles.iter().enumerate().flat_map(|(place, circle)| circle.iter().map(move |node| (*node, place)));
        Self { places: places.collect(), circles }
    }

    /// All that stand in the same circle, itself among them.
    pub(crate) fn around(&self, node: T) -> &[T] {
        self.places.get(&node).map_or(&[], |&place| &self.circles[place])
    }

    /// True where the two are different nodes of one circle.
    pub(crate) fn join(&self, one: T, other: T) -> bool {
        one != other && self.places.get(&one).is_some_and(|circle| self.places.get(&other) == Some(circle))
    }
}

/// Declarations, those named before those that name them.
pub(crate) fn targets_first<'a>(resources: &'a [Declared], named: &Named<'a>) -> Vec<&'a Declared> {
    let by_address: BTreeMap<_, _> = resources.iter().map(|declared| (&declared.address, declared)).collect();
    let nodes: Vec<_> = by_address.keys().copied().collect();
    groups(&nodes, &named.edges()).into_iter().flatten().map(|address| by_address[address]).collect()
}

/// Strongly connected groups, those named before those that name them.
fn groups<T: Copy + Ord>(nodes: &[T], edges: &[(T, T)]) -> Vec<Vec<T>> {
    let mut graph = DiGraph::<T, ()>::with_capacity(nodes.len(), edges.len());
    let indices: BTreeMap<_, _> = nodes.iter().map(|node| (*node, graph.add_node(*node))).collect();
    edges.iter().for_each(|(from, to)| {
        graph.add_edge(indices[from], indices[to], ());
    });
    let sorted = |group: Vec<_>| {
        let mut group: Vec<T> = group.into_iter().map(|index| graph[index]).collect();
        group.sort();
        group
    };
    tarjan_scc(&graph).into_iter().map(sorted).collect()
}

/// Puts steps in an order that respects every pair, the earlier written first where there is a choice; keeps only
/// `targets` and what they need, if there are any. Steps that wait for each other in a circle are refused.
pub(crate) fn ordered(draft: Draft, targets: &BTreeSet<Address>) -> (Vec<Step>, Vec<Refusal>) {
    let Draft { steps, before } = draft;
    let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); steps.len()];
    let mut blocks: Vec<Vec<usize>> = vec![vec![]; steps.len()];
    for (first, then) in before {
        waits[then].insert(first);
        blocks[first].push(then);
    }
    let kept = kept(&steps, &waits, targets);
    let mut open: Vec<usize> = waits.iter().map(BTreeSet::len).collect();
    let mut ready: BTreeSet<usize> = (0..steps.len()).filter(|&step| open[step] == 0).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for &then in &blocks[next] {
            open[then] -= 1;
            if open[then] == 0 {
                ready.insert(then);
            }
        }
    }
    let stuck = (0..steps.len()).filter(|&step| open[step] > 0).map(|step| Refusal {
        address: steps[step].address.clone(),
        message:
            "cannot be changed in one go: the steps around it wait for each other; apply it in two, taking away first"
                .into(),
    });
    let stuck = stuck.collect();
    order.retain(|step| kept.contains(step));
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, &step)| (step, place)).collect();
    let mut steps: Vec<_> = steps.into_iter().map(Some).collect();
    let placed = order.iter().map(|&index| {
        let mut step = steps[index].take().expect("each step has one place");
        step.after = waits[index].iter().filter_map(|before| place.get(before).copied()).collect();
        step.after.sort_unstable();
        step
    });
    (placed.collect(), stuck)
}

fn kept(steps: &[Step], waits: &[BTreeSet<usize>], targets: &BTreeSet<Address>) -> BTreeSet<usize> {
    if targets.is_empty() {
        return (0..steps.len()).collect();
    }
    let mut kept = BTreeSet::new();
    let mut todo: Vec<_> = (0..steps.len()).filter(|&step| targets.contains(&steps[step].address)).collect();
    while let Some(step) = todo.pop() {
        if kept.insert(step) {
            todo.extend(&waits[step]);
        }
    }
    kept
}
