//! Which ready node goes first: the one with the longest way still ahead of it.

use super::outcome::Duration;
use crate::graph::Dag;
use crate::set::NodeId;

/// For each node how urgent it is: its own duration and the longest way behind it. Only nodes that `runs` take time.
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

/// For each node its own weight plus the heaviest way from it to the end.
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

/// The weight of a node of which nothing is known: the mean of the known ones, or 1.
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
