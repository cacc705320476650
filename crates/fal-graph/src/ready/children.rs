//! A compact copy of the edges that is fast to walk.

use crate::graph::Dag;
use crate::set::NodeId;

/// All edges in one list, the children of a node next to each other.
#[derive(Debug)]
pub(super) struct Children {
    starts: Vec<usize>,
    pub(super) targets: Vec<NodeId>,
    /// For each entry of `targets`, whether that node must not run when the parent fails.
    pub(super) doomed: Vec<bool>,
}

impl Children {
    pub(super) fn of(dag: &Dag) -> Self {
        let mut starts = Vec::with_capacity(dag.len() + 1);
        let (mut targets, mut doomed) = (Vec::new(), Vec::new());
        for (id, _) in dag.nodes() {
            starts.push(targets.len());
            for (child, kind) in dag.children(id) {
                targets.push(child);
                doomed.push(kind.passes_failures());
            }
        }
        starts.push(targets.len());
        Self {
            starts,
            targets,
            doomed,
        }
    }

    /// The range of the node's children in `targets`.
    pub(super) fn range(&self, node: NodeId) -> std::ops::Range<usize> {
        self.starts[node.index()]..self.starts[node.index() + 1]
    }
}
