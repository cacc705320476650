//! Graphs of numbered models for property tests.

pub(crate) mod edges;

use fal_graph::{Dag, DagBuilder, DagError, GraphNode, NodeSet};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

type Edges = Vec<(usize, usize)>;

/// Any edges, also from a node to itself.
pub(crate) fn edges_of_any(nodes: usize) -> impl Strategy<Value = Edges> {
    prop::collection::btree_set((0..nodes, 0..nodes), 0..nodes * 2)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// Models `m0`, `m1`, ... with edges from parent to child.
pub(crate) fn build(nodes: usize, edges: &Edges) -> Result<Dag, DagError> {
    let mut builder = DagBuilder::new("p");
    builder.nodes((0..nodes).map(|at| {
        GraphNode {
            unique_id: format!("model.p.m{at}"),
            name: format!("m{at}"),
            resource_type: "model".to_owned(),
            package_name: "p".to_owned(),
            fqn: vec!["p".to_owned(), format!("m{at}")],
            depends_on: edges
                .iter()
                .filter(|(_, to)| *to == at)
                .map(|(from, _)| format!("model.p.m{from}"))
                .collect(),
            ..GraphNode::default()
        }
    }));
    builder.build()
}

pub(crate) fn dag_of(nodes: usize, edges: &Edges) -> Result<Dag, TestCaseError> {
    build(nodes, edges).map_err(|error| TestCaseError::fail(error.to_string()))
}

/// The number in `model.p.m7`.
pub(crate) fn number(id: &str) -> usize {
    id.trim_start_matches("model.p.m")
        .parse()
        .expect("ids end with a number")
}

/// Numbers of the nodes, sorted.
pub(crate) fn ids(dag: &Dag, nodes: &NodeSet) -> Vec<usize> {
    let mut ids: Vec<usize> = nodes
        .iter()
        .map(|node| number(dag.node(node).unique_id()))
        .collect();
    ids.sort_unstable();
    ids
}
