//! What a graph is made of, and what is wrong with one.

use super::{Dag, DagBuilder, EdgeKind, MissingParent};
use crate::GraphNode;

fn model(name: &str, parents: &[&str]) -> GraphNode {
    GraphNode {
        unique_id: format!("model.shop.{name}"),
        resource_type: "model".to_owned(),
        depends_on: parents.iter().map(|parent| format!("model.shop.{parent}")).collect(),
        ..GraphNode::default()
    }
}

fn build(change: impl FnOnce(&mut DagBuilder)) -> Result<Dag, String> {
    let mut builder = DagBuilder::new("shop");
    builder.nodes([model("a", &[]), model("b", &["a", "a", "gone"])]);
    change(&mut builder);
    builder.build().map_err(|error| error.to_string())
}

fn edges(dag: &Dag) -> Vec<String> {
    let name = |id| dag.node(id).unique_id();
    let lines = |(id, _)| dag.children(id).map(move |(child, kind)| format!("{} {kind:?} {}", name(id), name(child)));
    dag.nodes().flat_map(lines).collect()
}

#[test]
fn a_parent_named_twice_gives_one_edge_and_a_missing_one_is_told() -> Result<(), String> {
    let dag = build(|_| {})?;
    assert_eq!(edges(&dag), ["model.shop.a Data model.shop.b"]);
    let b = dag.find("model.shop.b").ok_or("b is there")?;
    assert_eq!(dag.missing_parents(), [MissingParent { node: b, parent: "model.shop.gone".to_owned() }]);
    Ok(())
}

#[test]
fn edges_of_our_own_stand_beside_those_of_the_data() -> Result<(), String> {
    let script = GraphNode { unique_id: "script.b.AFTER.x.py".to_owned(), ..GraphNode::default() };
    let dag = build(|builder| {
        builder.nodes([script]);
        builder.edge("model.shop.b", EdgeKind::Order, "script.b.AFTER.x.py");
        builder.edge("model.shop.a", EdgeKind::Order, "model.shop.b");
    })?;
    assert_eq!(edges(&dag), ["model.shop.a Data model.shop.b", "model.shop.b Order script.b.AFTER.x.py"]);
    Ok(())
}

#[test]
fn what_is_wrong_is_named() {
    let error = |change: fn(&mut DagBuilder)| build(change).err().unwrap_or_default();
    insta::assert_snapshot!(
        error(|builder| { builder.nodes([model("a", &[])]); }),
        @"two nodes have the unique id 'model.shop.a'"
    );
    insta::assert_snapshot!(
        error(|builder| { builder.python_model("model.shop.x", "models/x.py"); }),
        @"no node has the unique id 'model.shop.x' (needed by models/x.py)"
    );
    insta::assert_snapshot!(
        error(|builder| { builder.edge("model.shop.b", EdgeKind::Order, "model.shop.a"); }),
        @"found a cycle: model.shop.a -> model.shop.b -> model.shop.a"
    );
}
