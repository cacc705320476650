//! The content of every rendering: nodes in the order of the data, and edges between them.

use crate::graph::{Dag, EdgeKind};
use crate::node::Node;
use crate::set::{NodeId, NodeSet};

/// How two shown nodes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Direct(EdgeKind),
    /// Only through nodes that are not shown.
    Through,
}

impl Link {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Direct(EdgeKind::Data) => "data",
            Self::Direct(EdgeKind::Order) => "order",
            Self::Direct(EdgeKind::Test) => "test",
            Self::Direct(EdgeKind::Sequence) => "sequence",
            Self::Through => "through",
        }
    }

    pub(super) fn is_dashed(self) -> bool {
        self != Self::Direct(EdgeKind::Data)
    }
}

pub(super) struct Picture<'a> {
    /// Parents before children.
    pub(super) nodes: Vec<&'a Node>,
    /// Positions in `nodes`.
    pub(super) edges: Vec<(usize, usize, Link)>,
}

impl<'a> Picture<'a> {
    pub(super) fn of(dag: &'a Dag, shown: &NodeSet) -> Self {
        let order: Vec<NodeId> = dag
            .order()
            .iter()
            .copied()
            .filter(|node| shown.contains(*node))
            .collect();
        let mut position = vec![usize::MAX; dag.len()];
        for (at, node) in order.iter().enumerate() {
            position[node.index()] = at;
        }
        let mut edges = Vec::new();
        for (at, &node) in order.iter().enumerate() {
            let mut links: Vec<_> = links(dag, shown, node)
                .into_iter()
                .map(|(to, link)| (at, position[to.index()], link))
                .collect();
            links.sort_by_key(|(_, to, _)| *to);
            edges.append(&mut links);
        }
        Self {
            nodes: order.iter().map(|node| dag.node(*node)).collect(),
            edges,
        }
    }
}

/// Returns the next shown nodes after this one.
fn links(dag: &Dag, shown: &NodeSet, node: NodeId) -> Vec<(NodeId, Link)> {
    let mut seen = dag.empty_set();
    let mut links = Vec::new();
    let mut hidden = Vec::new();
    for (child, kind) in dag.children(node) {
        if !seen.insert(child) {
            continue;
        }
        if shown.contains(child) {
            links.push((child, Link::Direct(kind)))
        } else {
            hidden.push(child)
        }
    }
    while let Some(through) = hidden.pop() {
        for (child, _) in dag.children(through) {
            if !seen.insert(child) {
                continue;
            }
            if shown.contains(child) {
                links.push((child, Link::Through))
            } else {
                hidden.push(child)
            }
        }
    }
    links
}
