//! The order in which ready nodes start.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use crate::set::NodeId;

/// A node in the heap. Nodes with the longest remaining path come first, then the order of the
/// graph counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) priority: f64,
    pub(super) node: NodeId,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority
            .total_cmp(&other.priority)
            .then_with(|| Reverse(self.node).cmp(&Reverse(other.node)))
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

/// The ready nodes, in one heap for each class of slots, so that a class without a free slot does
/// not delay the others.
#[derive(Debug, Default)]
pub(super) struct Heaps(Vec<BinaryHeap<Ready>>);

impl Heaps {
    pub(super) fn push(&mut self, class: usize, ready: Ready) {
        if self.0.len() <= class {
            self.0.resize_with(class + 1, BinaryHeap::new);
        }
        self.0[class].push(ready);
    }

    /// Removes the most urgent node of the classes with a free slot, and returns it with its class.
    pub(super) fn pop(&mut self, free: impl Fn(usize) -> bool) -> Option<(usize, NodeId)> {
        let tops = self.0.iter().enumerate().filter(|(class, _)| free(*class));
        let (_, class) = tops
            .filter_map(|(class, heap)| Some((*heap.peek()?, class)))
            .max()?;
        self.0[class].pop().map(|ready| (class, ready.node))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
