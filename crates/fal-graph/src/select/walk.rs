//! Graph operators: ancestors and descendants up to a number of levels.

use petgraph::Direction;

use super::criterion::{Criterion, Reach};
use crate::graph::{Dag, Side};
use crate::set::{NodeId, NodeSet};

/// Returns the nodes that the operators of a criterion add to its matches.
pub(super) fn neighbors(
    dag: &Dag,
    members: &NodeSet,
    criterion: &Criterion,
    matched: &NodeSet,
) -> NodeSet {
    let above = |from: &NodeSet, how| reach(dag, members, from, Direction::Incoming, how);
    let below = |from: &NodeSet, how| reach(dag, members, from, Direction::Outgoing, how);
    let mut added = dag.empty_set();
    if criterion.childrens_parents {
        let mut children = below(matched, Reach::Everything);
        children.union_with(matched);
        added.union_with(&above(&children, Reach::Everything));
        added.union_with(&children);
    }
    added.union_with(&above(matched, criterion.parents));
    added.union_with(&below(matched, criterion.children));
    added
}

/// Returns the nodes in one direction, without the starting nodes unless others lead to them.
pub(super) fn reach(
    dag: &Dag,
    members: &NodeSet,
    from: &NodeSet,
    direction: Direction,
    reach: Reach,
) -> NodeSet {
    let levels = match reach {
        Reach::Nowhere => 0,
        Reach::Levels(levels) => levels,
        Reach::Everything => usize::MAX,
    };
    let mut found = dag.empty_set();
    let mut layer: Vec<NodeId> = if levels == 0 {
        Vec::new()
    } else {
        from.iter().collect()
    };
    let mut depth = 0;
    while !layer.is_empty() && depth < levels {
        let mut next = Vec::new();
        for node in layer {
            for other in linked(dag, node, direction) {
                if members.contains(other) && found.insert(other) {
                    next.push(other);
                }
            }
        }
        layer = next;
        depth += 1;
    }
    found
}

/// Returns the neighbours that operators see, as in legacy fal: a before-script has no parents and
/// an after-script no children. Their other edges only order the run; following them would select
/// scripts of models that the user did not select.
fn linked(dag: &Dag, node: NodeId, direction: Direction) -> impl Iterator<Item = NodeId> {
    let side = |id: NodeId| dag.node(id).side;
    let is_link = move |other: NodeId| {
        let (parent, child) = if direction == Direction::Incoming {
            (other, node)
        } else {
            (node, other)
        };
        side(child) != Some(Side::Before) && side(parent) != Some(Side::After)
    };
    let neighbors = dag
        .neighbors(node, direction)
        .filter(|(_, kind)| kind.is_followed())
        .map(|(other, _)| other);
    neighbors.filter(move |other| is_link(*other))
}
