//! Which ready node goes first: the one with the longest way still ahead of it.

use crate::graph::Dag;
use crate::set::NodeId;

/// For each node its own weight plus the heaviest way from it to the end.
pub(crate) fn remaining(dag: &Dag, weight: impl Fn(NodeId) -> f64) -> Vec<f64> {
    let mut remaining = vec![0.0_f64; dag.len()];
    for &node in dag.order().iter().rev() {
        let ahead = dag.children(node).map(|(child, _)| remaining[child.index()]).fold(0.0, f64::max);
        remaining[node.index()] = weight(node) + ahead;
    }
    remaining
}

/// The weight of a node of which nothing is known: the mean of the known ones, or 1.
pub(crate) fn default_weight(known: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = known.fold((0.0, 0_u32), |(sum, count), weight| (sum + weight, count + 1));
    if count == 0 { 1.0 } else { sum / f64::from(count) }
}
