//! What Python models say of the place where they run.

use std::{collections::HashMap, path::Path};

use fal_graph::{Dag, Node, NodeId, NodeKind};
use fal_project::{Placement, node_placement};

use crate::faults::{About, Fault};

/// Whether a node is a model that Python code makes: only those go to runners.
pub(crate) fn is_python(node: &Node) -> bool {
    matches!(node.kind(), NodeKind::Python | NodeKind::Notebook)
}

/// What the `meta` of all Python models says, and what is wrong with it; those that say nothing are left out.
pub(crate) fn placements(
    dag: &Dag,
    keyword: &str,
    root: &Path,
) -> (HashMap<NodeId, Placement>, Vec<Fault>) {
    let (mut found, mut faults) = (HashMap::new(), Vec::new());
    for (id, node) in dag.nodes().filter(|(_, node)| is_python(node)) {
        match node_placement(node.spec(), keyword, root) {
            Ok(placement) if placement == Placement::default() => {}
            Ok(placement) => _ = found.insert(id, placement),
            Err(problems) => faults.push(Fault {
                about: About::Placement(node.unique_id().to_owned()),
                problems,
            }),
        }
    }
    (found, faults)
}
