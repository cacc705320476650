//! Edges in a form that is quick to walk and owns its memory.

use crate::graph::Dag;
use crate::set::NodeId;

/// All edges in one list: the children of a node stand together.
#[derive(Debug)]
pub(super) struct Children {
    starts: Vec<usize>,
    pub(super) targets: Vec<NodeId>,
}

impl Children {
    pub(super) fn of(dag: &Dag) -> Self {
        let mut starts = Vec::with_capacity(dag.len() + 1);
        let mut targets = Vec::new();
        for (id, _) in dag.nodes() {
            starts.push(targets.len());
            targets.extend(dag.children(id).map(|(child, _)| child));
        }
        starts.push(targets.len());
        Self { starts, targets }
    }

    /// Where in `targets` the children of the node stand.
    pub(super) fn range(&self, node: NodeId) -> std::ops::Range<usize> {
        self.starts[node.index()]..self.starts[node.index() + 1]
    }
}
