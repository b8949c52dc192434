//! Orders resources, and then steps, by their dependencies.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
};
use up_model::{Address, Declared, Model, visit_named};

use crate::{Action, FastMap, Refusal, Step};

/// Steps, and pairs of steps of which the first must be done before the second.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    pub(crate) before: BTreeSet<(usize, usize)>,
    /// Refusals for steps that cannot be ordered.
    pub(crate) refusals: Vec<Refusal>,
}

/// Which declarations refer to which. The declarations are sorted by address; a declaration's place is its index.
pub(crate) struct ReferenceGraph<'a> {
    resources: Vec<&'a Declared>,
    /// Places by address, in text, so that references need not be parsed to look them up.
    places: FastMap<String, usize>,
    /// For each place, the places of the declarations that it refers to.
    targets: Vec<BTreeSet<usize>>,
    cycles: Cycles,
}

impl<'a> ReferenceGraph<'a> {
    pub(crate) fn by(resources: &'a [Declared]) -> Self {
        let mut resources: Vec<_> = resources.iter().collect();
        resources.sort_by_key(|declared| &declared.address);
        let places = resources.iter().enumerate().map(|(place, declared)| (declared.address.text(), place)).collect();
        let mut named = Self { resources, places, targets: vec![], cycles: Cycles::default() };
        named.targets = named.resources.iter().map(|declared| named.places_in(declared, |_| true)).collect();
        let edges = named.targets.iter().enumerate();
        let edges: Vec<_> = edges.flat_map(|(place, all)| all.iter().map(move |target| (place, *target))).collect();
        named.cycles = Cycles::among(named.len(), &edges);
        named
    }

    /// The declaration at a place.
    pub(crate) fn at(&self, place: usize) -> &'a Declared {
        self.resources[place]
    }

    /// The number of declarations.
    pub(crate) fn len(&self) -> usize {
        self.resources.len()
    }

    /// The declarations that the one at `place` refers to.
    pub(crate) fn of(&self, place: usize) -> &BTreeSet<usize> {
        &self.targets[place]
    }

    /// The declarations that the one at `place` refers to in deferred fields only.
    pub(crate) fn deferred(&self, kind: &dyn Model, place: usize) -> BTreeSet<usize> {
        let is_late = |name: &str| kind.fields().iter().any(|field| field.deferred && field.name == name);
        if !kind.fields().iter().any(|field| field.deferred) {
            return BTreeSet::new();
        }
        let early = self.places_in(self.resources[place], |field| !is_late(field));
        self.of(place).difference(&early).copied().collect()
    }

    /// The declarations that `declared` refers to: by reference, in text with placeholders, or in `depends_on`.
    fn places_in(&self, declared: &Declared, looked_at: impl Fn(&str) -> bool) -> BTreeSet<usize> {
        let fields = declared.spec.as_object().into_iter().flatten();
        let fields = fields.filter(|(field, _)| looked_at(field)).map(|(_, value)| value);
        let mut places = BTreeSet::new();
        fields.for_each(|value| visit_named(value, &mut |address| places.extend(self.places.get(address))));
        places.extend(declared.depends_on.iter().filter_map(|address| self.places.get(&address.text())));
        places
    }

    /// The cycles among the declarations.
    pub(crate) fn cycles(&self) -> &Cycles {
        &self.cycles
    }

    /// The places of all declarations, each after those that it refers to.
    pub(crate) fn targets_first(&self) -> Vec<usize> {
        self.cycles.cycles.iter().flatten().copied().collect()
    }
}

/// The cycles of a graph, sorted so that targets come before the nodes that refer to them. A node in no cycle is a
/// group of its own.
#[derive(Default)]
pub(crate) struct Cycles {
    cycles: Vec<Vec<usize>>,
    /// For each node, the index of its group.
    places: Vec<usize>,
}

impl Cycles {
    /// Finds the cycles of a graph with `nodes` nodes, whose edges lead from a node to one that it refers to.
    pub(crate) fn among(nodes: usize, edges: &[(usize, usize)]) -> Self {
        let cycles = groups(nodes, edges);
        let mut places = vec![0; nodes];
        for (place, cycle) in cycles.iter().enumerate() {
            cycle.iter().for_each(|&node| places[node] = place);
        }
        Self { cycles, places }
    }

    /// All nodes of the node's cycle, the node itself included.
    pub(crate) fn around(&self, node: usize) -> &[usize] {
        &self.cycles[self.places[node]]
    }

    /// True if the two are different nodes of one cycle.
    pub(crate) fn join(&self, one: usize, other: usize) -> bool {
        one != other && self.places[one] == self.places[other]
    }
}

/// The strongly connected components of a graph, targets before the nodes that refer to them.
fn groups(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), (), usize>::with_capacity(nodes, edges.len());
    (0..nodes).for_each(|_| {
        graph.add_node(());
    });
    graph.extend_with_edges(edges);
    let sorted = |group: Vec<NodeIndex<usize>>| {
        let mut group: Vec<_> = group.into_iter().map(NodeIndex::index).collect();
        group.sort_unstable();
        group
    };
    tarjan_scc(&graph).into_iter().map(sorted).collect()
}

/// Orders the steps by their pairs; where the order is free, the step written first comes first. If `targets` are
/// given, only their steps and the steps that these need are kept. Cycles of steps are refused.
pub(crate) fn ordered(draft: Draft, targets: &BTreeSet<Address>) -> (Vec<Step>, Vec<Refusal>) {
    let Draft { steps, before, mut refusals } = draft;
    let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); steps.len()];
    let mut blocks: Vec<Vec<usize>> = vec![vec![]; steps.len()];
    for &(first, then) in &before {
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
    if order.len() < steps.len() {
        refusals.extend(cycles(&steps, &before));
    }
    order.retain(|step| kept.contains(step));
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, &step)| (step, place)).collect();
    let mut steps: Vec<_> = steps.into_iter().map(Some).collect();
    let placed = order.iter().map(|&index| {
        let mut step = steps[index].take().expect("each step has one place");
        step.after = waits[index].iter().filter_map(|before| place.get(before).copied()).collect();
        step.after.sort_unstable();
        step
    });
    (placed.collect(), refusals)
}

/// Returns a refusal for each cycle of steps.
fn cycles(steps: &[Step], before: &BTreeSet<(usize, usize)>) -> Vec<Refusal> {
    let edges: Vec<_> = before.iter().copied().collect();
    let cycles = Cycles::among(steps.len(), &edges).cycles.into_iter().filter(|cycle| cycle.len() > 1);
    let refusal = |cycle: Vec<usize>| {
        let is_made = |step: &&usize| matches!(steps[**step].action, Action::Create { .. });
        let address = &steps[*cycle.iter().find(is_made).unwrap_or(&cycle[0])].address;
        let words = cycle.iter().map(|&step| {
            format!(
                "{} {}",
                steps[step].verb().unwrap_or(match steps[step].action {
                    Action::Delete { .. } => "delete",
                    _ => "complete",
                }),
                steps[step].address
            )
        });
        let words = words.collect::<Vec<_>>().join(", ");
        let message = format!(
            "dependency cycle between these steps: {words}; apply twice: first without {address}, then with it"
        );
        Refusal { address: address.clone(), message }
    };
    cycles.map(refusal).collect()
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
