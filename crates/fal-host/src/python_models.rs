//! Python models among the nodes of a graph: which nodes they are, and where their `meta` wants to run.

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

/// For a unit test of a Python model: the model.
pub(crate) fn tested_python<'a>(dag: &'a Dag, node: &Node) -> Option<&'a Node> {
    if node.kind() != NodeKind::UnitTest {
        return None;
    }
    let model = node
        .spec()
        .depends_on
        .first()
        .and_then(|model| dag.find(model))
        .map(|model| dag.node(model));
    model.filter(|model| is_python(model))
}

/// Ephemeral SQL is compiled into what reads it, and a source is only read.
pub(crate) fn does_nothing(node: &Node) -> bool {
    !is_python(node)
        && node.resource_type() == "model"
        && node.spec().materialized() == Some("ephemeral")
}

#[cfg(test)]
mod tests {
    use fal_graph::{DagBuilder, GraphNode};

    use super::*;

    #[test]
    fn unit_tests_of_python_models_are_told_from_those_of_sql() {
        let node = |id: &str, kind: &str, parents: &[&str]| GraphNode {
            unique_id: id.to_owned(),
            name: id.to_owned(),
            resource_type: kind.to_owned(),
            depends_on: parents.iter().map(|name| (*name).to_owned()).collect(),
            ..GraphNode::default()
        };
        let mut native = node("native", "model", &[]);
        native.language = Some("python".to_owned());
        let mut builder = DagBuilder::new("shop");
        builder.nodes([
            node("sql", "model", &[]),
            node("script", "model", &["sql"]),
            native,
        ]);
        builder.python_model("script".to_owned(), "models/script.py".to_owned());
        builder.nodes(
            ["sql", "script", "native"]
                .map(|model| node(&format!("of {model}"), "unit_test", &[model])),
        );
        let dag = builder.build().unwrap();
        let mut found: Vec<_> = dag
            .nodes()
            .filter_map(|(_, node)| Some((node.name(), tested_python(&dag, node)?.name())))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [("of native", "native"), ("of script", "script")]);
    }
}
