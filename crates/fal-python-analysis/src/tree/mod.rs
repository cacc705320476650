//! The syntax tree that is independent of the parser: only what the analysis needs, in an arena.

mod build;
mod kind;

pub use build::Builder;
pub use kind::{Binary, Context, Kind, Unary};

use crate::cost;

/// Index of a node in its tree. Children have smaller ids than their parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
struct Node<'a> {
    kind: Kind<'a>,
    start: u32,
    end: u32,
    first: u32,
    count: u32,
}

/// A file's syntax tree. Children are in the order of CPython's `ast.iter_child_nodes`.
#[derive(Debug)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    links: Vec<NodeId>,
}

impl<'a> Tree<'a> {
    /// Returns the module's node.
    pub(crate) fn root(&self) -> NodeId {
        NodeId(self.nodes.len() as u32 - 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    pub(crate) fn kind(&self, id: NodeId) -> &Kind<'a> {
        cost::step();
        &self.nodes[id.index()].kind
    }

    pub(crate) fn kids(&self, id: NodeId) -> &[NodeId] {
        let node = &self.nodes[id.index()];
        &self.links[node.first as usize..(node.first + node.count) as usize]
    }

    pub(crate) fn range(&self, id: NodeId) -> (u32, u32) {
        let node = &self.nodes[id.index()];
        (node.start, node.end)
    }

    /// Whether `inner` lies within `outer` in the text.
    pub(crate) fn encloses(&self, outer: NodeId, inner: NodeId) -> bool {
        cost::step();
        let (outer, inner) = (self.range(outer), self.range(inner));
        outer.0 <= inner.0 && inner.1 <= outer.1
    }
}

/// Returns all nodes in the order in which CPython's `ast.walk` visits them.
pub(crate) fn breadth_first(tree: &Tree<'_>) -> Vec<NodeId> {
    let mut order = Vec::with_capacity(tree.len());
    order.push(tree.root());
    let mut next = 0;
    while next < order.len() {
        let id = order[next];
        order.extend_from_slice(tree.kids(id));
        next += 1;
    }
    order
}
