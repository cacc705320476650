//! Ids of nodes within a graph, and sets of nodes.

use fixedbitset::FixedBitSet;
use petgraph::graph::NodeIndex;

/// A node of one [`Dag`](crate::Dag): its position in the order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in the graph, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn petgraph(self) -> NodeIndex {
        NodeIndex::new(self.index())
    }
}

impl From<NodeIndex> for NodeId {
    fn from(index: NodeIndex) -> Self {
        Self(u32::try_from(index.index()).unwrap_or(u32::MAX))
    }
}

/// A set of nodes, iterated in the order of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(FixedBitSet);

impl NodeSet {
    /// An empty set for a graph of `len` nodes.
    pub fn with_len(len: usize) -> Self {
        Self(FixedBitSet::with_capacity(len))
    }

    /// Adds a node. Returns whether it was new.
    pub fn insert(&mut self, node: NodeId) -> bool {
        self.0.grow(node.index() + 1);
        !self.0.put(node.index())
    }

    /// Returns whether the node is in the set.
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.contains(node.index())
    }

    /// Iterates over the nodes.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0
            .ones()
            .map(|index| NodeId::from(NodeIndex::new(index)))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.0.count_ones(..)
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_clear()
    }

    /// Adds all of `other`.
    pub fn union_with(&mut self, other: &Self) {
        self.0.union_with(&other.0);
    }

    /// Keeps what is also in `other`.
    pub fn intersect_with(&mut self, other: &Self) {
        self.0.intersect_with(&other.0);
    }

    /// Removes all of `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.0.difference_with(&other.0);
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = Self::default();
        for node in nodes {
            set.insert(node);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_different_length_combine() {
        let mut long: NodeSet = [NodeId(1), NodeId(200)].into_iter().collect();
        let short: NodeSet = [NodeId(1)].into_iter().collect();
        let mut united = short.clone();
        united.union_with(&long);
        assert_eq!(united.iter().collect::<Vec<_>>(), [NodeId(1), NodeId(200)]);
        long.intersect_with(&short);
        assert_eq!(long.iter().collect::<Vec<_>>(), [NodeId(1)]);
        long.subtract(&united);
        assert!(long.is_empty());
        assert_eq!(united.len(), 2);
    }
}
