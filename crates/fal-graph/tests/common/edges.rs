//! Edges of random graphs.

use proptest::prelude::*;

/// Edges that only lead from lower to higher numbers of a shuffled order: never a cycle.
pub(crate) fn edges_of_dag(nodes: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let order = Just((0..nodes).collect::<Vec<_>>()).prop_shuffle();
    let pairs = prop::collection::btree_set((0..nodes, 0..nodes), 0..nodes * 2);
    (order, pairs).prop_map(|(order, pairs)| {
        pairs
            .into_iter()
            .filter(|(a, b)| a < b)
            .map(|(a, b)| (order[a], order[b]))
            .collect()
    })
}
