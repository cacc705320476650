//! Priorities of ready nodes: the node with the longest remaining path starts first.

use super::outcome::Duration;
use crate::graph::Dag;
use crate::set::NodeId;

/// Returns the priority of each node: its own duration plus that of the longest path after it. Only
/// nodes for which `runs` is true take time.
pub(super) fn priorities(
    dag: &Dag,
    runs: impl Fn(NodeId) -> bool,
    duration: Option<&Duration<'_>>,
) -> Vec<f64> {
    let measured = |(id, node)| {
        let seconds = duration.filter(|_| runs(id)).and_then(|of| of(node));
        seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
    };
    let known: Vec<Option<f64>> = dag.nodes().map(measured).collect();
    let default = default_weight(known.iter().copied().flatten());
    remaining(dag, |node| {
        if runs(node) {
            known[node.index()].unwrap_or(default)
        } else {
            0.0
        }
    })
}

/// Returns for each node its own weight plus that of the heaviest path from it to the end.
fn remaining(dag: &Dag, weight: impl Fn(NodeId) -> f64) -> Vec<f64> {
    let mut remaining = vec![0.0_f64; dag.len()];
    for &node in dag.order().iter().rev() {
        let ahead = dag
            .children(node)
            .map(|(child, _)| remaining[child.index()])
            .fold(0.0, f64::max);
        remaining[node.index()] = weight(node) + ahead;
    }
    remaining
}

/// Returns the weight of a node without a known duration: the mean of the known ones, or 1.
fn default_weight(known: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = known.fold((0.0, 0_u32), |(sum, count), weight| {
        (sum + weight, count + 1)
    });
    if count == 0 {
        1.0
    } else {
        sum / f64::from(count)
    }
}
