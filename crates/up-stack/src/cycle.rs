//! Dependency cycles between resources.

use std::collections::{BTreeMap, HashMap, VecDeque};

use petgraph::{algo::tarjan_scc, graph::DiGraph};

use crate::{
    declare::{CheckedResource, Edge},
    diagnostic::NewDiagnostic,
    loader::Loader,
};

impl Loader {
    /// Reports each dependency cycle once: a shortest one, with all of its references.
    pub(crate) fn check_cycles(&self, all: &[CheckedResource]) {
        let by_address: HashMap<_, _> =
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
            let is_cycle = group.len() > 1 || graph.contains_edge(group[0], group[0]);
            let first = group.into_iter().min_by_key(|node| &all[node.index()].declared.address);
            if let Some(first) = first.filter(|_| is_cycle) {
                self.report_resource_cycle(all, &shortest_cycle(&graph, first.index()));
            }
        }
    }

    fn report_resource_cycle(&self, all: &[CheckedResource], edges: &[(usize, &Edge)]) {
        let Some((first, edge)) = edges.first() else { return };
        let names = edges.iter().map(|(from, _)| all[*from].declared.address.text());
        let chain: Vec<_> = names.chain([all[*first].declared.address.text()]).collect();
        let label = |edge: &Edge| format!("`{}` depends on {}", edge.field, edge.to);
        let message = format!("dependency cycle: {}", chain.join(" → "));
        let diagnostic = NewDiagnostic::new(edge.span, message).label(label(edge));
        let diagnostic =
            edges[1..].iter().fold(diagnostic, |diagnostic, (_, edge)| diagnostic.also(edge.span, label(edge)));
        let hint = "remove one of these references: none of the resources can be created first".to_owned();
        self.report(diagnostic.hint(hint));
    }
}

/// The shortest path from a node back to itself.
fn shortest_cycle<'a>(graph: &DiGraph<usize, &'a Edge>, start: usize) -> Vec<(usize, &'a Edge)> {
    use petgraph::{graph::NodeIndex, visit::EdgeRef};
    let mut reached_from: BTreeMap<usize, (usize, &Edge)> = BTreeMap::new();
    let mut todo = VecDeque::from([start]);
    while let Some(at) = todo.pop_front() {
        // petgraph iterates over the edges in reverse order.
        let mut edges: Vec<_> = graph.edges(NodeIndex::new(at)).collect();
        edges.reverse();
        for edge in edges {
            let to = edge.target().index();
            if reached_from.contains_key(&to) {
                continue;
            }
            reached_from.insert(to, (at, *edge.weight()));
            if to == start {
                todo.clear();
                break;
            }
            todo.push_back(to);
        }
    }
    let mut path = vec![];
    let mut at = start;
    while let Some((from, edge)) = reached_from.get(&at) {
        path.push((*from, *edge));
        at = *from;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}
