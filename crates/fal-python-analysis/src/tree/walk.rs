//! The order in which CPython's `ast.walk` visits nodes.

use super::{NodeId, Tree};

/// All nodes, breadth first.
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
