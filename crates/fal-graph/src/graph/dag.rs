//! The finished graph: nodes by unique id, edges from parents to children.

use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::node::Node;
use crate::set::{NodeId, NodeSet};

/// Why a node waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgeKind {
    /// The child reads the parent.
    Data,
    /// It runs after it (scripts before and after a model). Graph operators follow such an edge between a script and its
    /// own model.
    Order,
    /// It waits for a test of what it reads, as in `dbt build`. Graph operators do not follow such edges.
    Test,
    /// It is listed behind it (scripts on one side of a model): it starts when that one has ended, however it ended.
    /// Graph operators do not follow such edges, and failures do not pass along them.
    Sequence,
}

impl EdgeKind {
    /// Whether graph operators follow it.
    pub(crate) fn is_followed(self) -> bool {
        matches!(self, Self::Data | Self::Order)
    }

    /// Whether a failure at its start dooms its end.
    pub(crate) fn passes_failures(self) -> bool {
        self != Self::Sequence
    }
}

/// Nodes by unique id.
pub(super) type Nodes = IndexMap<Box<str>, Node>;

/// Nodes and edges, known to have no cycle.
#[derive(Clone, Debug)]
pub struct Dag {
    pub(super) project: String,
    pub(super) nodes: Nodes,
    pub(super) graph: DiGraph<(), EdgeKind>,
    /// Parents before children.
    pub(super) order: Vec<NodeId>,
}

impl Dag {
    /// Name of the root project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the node with a unique id.
    pub fn find(&self, unique_id: &str) -> Option<NodeId> {
        self.nodes
            .get_index_of(unique_id)
            .map(|at| NodeIndex::new(at).into())
    }

    /// Returns a node. The id must come from this graph.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    /// Returns all nodes, in the order of insertion.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes
            .values()
            .enumerate()
            .map(|(at, node)| (NodeIndex::new(at).into(), node))
    }

    /// Returns all nodes, parents before children.
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// Returns the nodes that a node waits for.
    pub fn parents(&self, node: NodeId) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        self.neighbors(node, Direction::Incoming)
    }

    /// Returns the nodes that wait for a node.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        self.neighbors(node, Direction::Outgoing)
    }

    /// An empty set of nodes of this graph.
    pub fn empty_set(&self) -> NodeSet {
        NodeSet::with_len(self.len())
    }

    pub(crate) fn neighbors(
        &self,
        node: NodeId,
        direction: Direction,
    ) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        use petgraph::visit::EdgeRef;
        self.graph
            .edges_directed(node.petgraph(), direction)
            .map(move |edge| {
                let other = if direction == Direction::Outgoing {
                    edge.target()
                } else {
                    edge.source()
                };
                (other.into(), *edge.weight())
            })
    }
}
