//! Resources that wait for each other in a circle.

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::fast::RandomState;
use petgraph::{algo::tarjan_scc, graph::DiGraph};

use crate::{
    declare::{Checked, Edge},
    diagnostic::Complaint,
    world::World,
};

impl World {
    /// Reports each circle once, as the shortest way round, with every edge of it.
    pub(crate) fn check_circles(&self, all: &[Checked]) {
        let by_address: HashMap<_, _, RandomState> =
            all.iter().enumerate().map(|(index, checked)| (checked.declared.address.text(), index)).collect();
        let mut graph = DiGraph::<usize, &Edge>::with_capacity(all.len(), all.len());
        let nodes: Vec<_> = (0..all.len()).map(|index| graph.add_node(index)).collect();
        for (from, checked) in all.iter().enumerate() {
            for edge in &checked.edges {
                if let Some(to) = by_address.get(&edge.to) {
                    graph.add_edge(nodes[from], nodes[*to], edge);
                }
            }
        }
        for group in tarjan_scc(&graph) {
            let is_circle = group.len() > 1 || graph.contains_edge(group[0], group[0]);
            let first = group.into_iter().min_by_key(|node| &all[node.index()].declared.address);
            if let Some(first) = first.filter(|_| is_circle) {
                self.circle_of(all, &way_round(&graph, first.index()));
            }
        }
    }

    fn circle_of(&self, all: &[Checked], edges: &[(usize, &Edge)]) {
        let Some((first, edge)) = edges.first() else { return };
        let names = edges.iter().map(|(from, _)| all[*from].declared.address.text());
        let chain: Vec<_> = names.chain([all[*first].declared.address.text()]).collect();
        let label = |edge: &Edge| format!("`{}` needs {}", edge.field, edge.to);
        let message = format!("these resources need each other in a circle: {}", chain.join(" → "));
        let complaint = Complaint::new(edge.place, message).label(label(edge));
        let complaint =
            edges[1..].iter().fold(complaint, |complaint, (_, edge)| complaint.also(edge.place, label(edge)));
        let hint = "take one of these references away; none of them can be made first".to_owned();
        self.complain(complaint.hint(hint));
    }
}

/// The shortest way from a node back to itself. It stays in the node's circle by itself: no other way leads back.
fn way_round<'a>(graph: &DiGraph<usize, &'a Edge>, start: usize) -> Vec<(usize, &'a Edge)> {
    use petgraph::{graph::NodeIndex, visit::EdgeRef};
    let mut came: BTreeMap<usize, (usize, &Edge)> = BTreeMap::new();
    let mut todo = VecDeque::from([start]);
    while let Some(at) = todo.pop_front() {
        // petgraph hands out the edge added last first.
        let mut edges: Vec<_> = graph.edges(NodeIndex::new(at)).collect();
        edges.reverse();
        for edge in edges {
            let to = edge.target().index();
            if came.contains_key(&to) {
                continue;
            }
            came.insert(to, (at, *edge.weight()));
            if to == start {
                todo.clear();
                break;
            }
            todo.push_back(to);
        }
    }
    let mut way = vec![];
    let mut at = start;
    while let Some((from, edge)) = came.get(&at) {
        way.push((*from, *edge));
        at = *from;
        if at == start {
            break;
        }
    }
    way.reverse();
    way
}
