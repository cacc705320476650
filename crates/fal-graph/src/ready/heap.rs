//! The order in which ready nodes start.

use std::cmp::{Ordering, Reverse};

use crate::set::NodeId;

/// A node in the heap: the longest way first, then the order of the graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) priority: f64,
    pub(super) node: NodeId,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then_with(|| Reverse(self.node).cmp(&Reverse(other.node)))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ready {}
