//! Tests of valid and invalid graphs.

use super::{AttachedScript, Dag, DagBuilder, EdgeKind, Side};
use crate::{GraphNode, NodeKind};

fn model(name: &str, parents: &[&str]) -> GraphNode {
    GraphNode {
        unique_id: format!("model.shop.{name}"),
        resource_type: "model".to_owned(),
        package_name: "shop".to_owned(),
        depends_on: parents
            .iter()
            .map(|parent| format!("model.shop.{parent}"))
            .collect(),
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
    let lines = |(id, _)| {
        dag.children(id)
            .map(move |(child, kind)| format!("{} {kind:?} {}", name(id), name(child)))
    };
    dag.nodes().flat_map(lines).collect()
}

#[test]
fn a_parent_named_twice_gives_one_edge_and_one_that_is_missing_none() -> Result<(), String> {
    let dag = build(|_| {})?;
    assert_eq!(edges(&dag), ["model.shop.a Data model.shop.b"]);
    let incomplete: Vec<_> = dag.nodes().filter(|(_, node)| node.incomplete).collect();
    let names: Vec<_> = incomplete
        .iter()
        .map(|(_, node)| node.unique_id())
        .collect();
    assert_eq!(names, ["model.shop.b"]);
    Ok(())
}

#[test]
fn edges_of_our_own_stand_beside_those_of_the_data() -> Result<(), String> {
    let script = GraphNode {
        unique_id: "script.b.AFTER.x.py".to_owned(),
        ..GraphNode::default()
    };
    let dag = build(|builder| {
        builder.nodes([script]);
        builder.edge("model.shop.b", EdgeKind::Order, "script.b.AFTER.x.py");
        builder.edge("model.shop.a", EdgeKind::Order, "model.shop.b");
    })?;
    assert_eq!(
        edges(&dag),
        [
            "model.shop.a Data model.shop.b",
            "model.shop.b Order script.b.AFTER.x.py"
        ]
    );
    Ok(())
}

fn script(model: &str, side: Side, file: &str) -> AttachedScript {
    let id = format!("script.{model}.{file}");
    AttachedScript {
        id,
        model: format!("model.shop.{model}"),
        side,
        file: format!("scripts/{file}"),
    }
}

#[test]
fn a_script_is_a_node_in_the_package_of_its_model() -> Result<(), String> {
    let dag = build(|builder| _ = builder.script(script("b", Side::After, "x.py")))?;
    let node = dag.node(dag.find("script.b.x.py").ok_or("it is there")?);
    assert_eq!(
        (node.name(), node.kind(), node.resource_type()),
        ("script.b.x.py", NodeKind::Script, "script")
    );
    assert_eq!(
        (node.file(), node.spec().package_name.as_str()),
        ("scripts/x.py", "shop")
    );
    Ok(())
}

#[test]
fn a_test_that_a_model_waits_for_is_waited_for_by_its_scripts_too() -> Result<(), String> {
    let test = GraphNode {
        unique_id: "test.shop.t".to_owned(),
        resource_type: "test".to_owned(),
        depends_on: vec!["model.shop.a".to_owned()],
        ..GraphNode::default()
    };
    let dag = build(|builder| {
        builder
            .nodes([test])
            .edge("test.shop.t", EdgeKind::Test, "model.shop.b");
        builder
            .script(script("b", Side::Before, "x.py"))
            .script(script("a", Side::After, "y.py"));
    })?;
    let mut edges = edges(&dag);
    edges.sort();
    assert_eq!(
        edges,
        [
            "model.shop.a Data model.shop.b",
            "model.shop.a Data test.shop.t",
            "model.shop.a Order script.a.y.py",
            "model.shop.a Order script.b.x.py",
            "script.a.y.py Order model.shop.b",
            "script.a.y.py Order script.b.x.py",
            "script.b.x.py Order model.shop.b",
            "test.shop.t Test model.shop.b",
            "test.shop.t Test script.b.x.py",
        ]
    );
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
    insta::assert_snapshot!(
        error(|builder| _ = builder.script(script("c", Side::Before, "x.py"))),
        @"no node has the unique id 'model.shop.c' (needed by scripts/x.py)"
    );
    insta::assert_snapshot!(
        error(|builder| {
            builder.script(script("a", Side::Before, "x.py")).script(script("a", Side::After, "x.py"));
        }),
        @"two nodes have the unique id 'script.a.x.py'"
    );
    insta::assert_snapshot!(
        error(|builder| {
            builder.edge("model.shop.b", EdgeKind::Order, "model.shop.a").script(script("a", Side::After, "x.py"));
        }),
        @"found a cycle: model.shop.a -> model.shop.b -> model.shop.a"
    );
}
