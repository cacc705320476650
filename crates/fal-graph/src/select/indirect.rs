//! How tests follow the nodes that they test.

use petgraph::Direction;

use super::criterion::Reach;
use super::spec::IndirectSelection;
use super::walk::reach;
use crate::graph::{Dag, EdgeKind};
use crate::set::{NodeId, NodeSet};

/// The nodes that a part of a selection selects.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    /// Nodes that are selected in any case.
    pub(super) direct: NodeSet,
    /// Tests that are selected if their other parents are.
    pub(super) indirect: NodeSet,
}

/// Adds the tests of selected nodes.
pub(super) fn expand(
    dag: &Dag,
    members: &NodeSet,
    selected: NodeSet,
    mode: IndirectSelection,
) -> Picked {
    let mut picked = Picked {
        direct: selected.clone(),
        indirect: dag.empty_set(),
    };
    if mode == IndirectSelection::Empty {
        return picked;
    }
    let buildable = (mode == IndirectSelection::Buildable).then(|| {
        let mut set = with_ancestors(dag, members, &selected);
        // dbt counts every source as selected.
        dag.nodes()
            .filter(|(_, node)| node.resource_type() == "source")
            .for_each(|(id, _)| {
                set.insert(id);
            });
        set
    });
    for node in selected.iter() {
        for (test, _) in dag.children(node) {
            if !members.contains(test) || !dag.node(test).is_test() {
                continue;
            }
            let comes = mode == IndirectSelection::Eager
                || has_all_parents(dag, test, &selected)
                || buildable
                    .as_ref()
                    .is_some_and(|set| has_all_parents(dag, test, set));
            if comes {
                picked.direct.insert(test)
            } else {
                picked.indirect.insert(test)
            };
        }
    }
    picked
}

/// Adds the tests whose other parents were selected by other parts of the selection.
pub(super) fn incorporate(
    dag: &Dag,
    members: &NodeSet,
    direct: &NodeSet,
    indirect: &NodeSet,
    mode: IndirectSelection,
) -> NodeSet {
    let mut selected = direct.clone();
    let present = match mode {
        IndirectSelection::Cautious => direct.clone(),
        IndirectSelection::Buildable => with_ancestors(dag, members, direct),
        IndirectSelection::Eager | IndirectSelection::Empty => return selected,
    };
    for node in indirect.iter() {
        if dag.node(node).is_manifest_node() && has_all_parents(dag, node, &present) {
            selected.insert(node);
        }
    }
    selected
}

fn with_ancestors(dag: &Dag, members: &NodeSet, selected: &NodeSet) -> NodeSet {
    let mut set = reach(
        dag,
        members,
        selected,
        Direction::Incoming,
        Reach::Everything,
    );
    set.union_with(selected);
    set
}

fn has_all_parents(dag: &Dag, node: NodeId, set: &NodeSet) -> bool {
    !dag.node(node).incomplete
        && dag
            .parents(node)
            .filter(|(_, kind)| *kind == EdgeKind::Data)
            .all(|(parent, _)| set.contains(parent))
}
