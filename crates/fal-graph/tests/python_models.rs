//! What selection does beyond dbt: Python models by their own file, methods of others, selectors among expressions,
//! empty files, advice.

use fal_graph::{
    Criteria, Dag, DagBuilder, GraphNode, IndirectSelection, NodeKind, ResourceTypes, SelectError,
    Selection, Selector,
};
use serde_json::{Map, Value, json};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn dag() -> Outcome<Dag> {
    let nodes: Result<Vec<GraphNode>, _> = include_str!("fixtures/selection_nodes.jsonl")
        .lines()
        .map(serde_json::from_str)
        .collect();
    let mut builder = DagBuilder::new("shop");
    builder.nodes(nodes?);
    builder.python_model("model.shop.clusters", "models/ml/clusters.py");
    Ok(builder.build()?)
}

fn run(select: &[&str]) -> Criteria {
    Criteria {
        select: select.iter().map(|&word| word.to_owned()).collect(),
        resource_types: ResourceTypes::of_command("run"),
        ..Criteria::default()
    }
}

fn names(dag: &Dag, selection: &Selection) -> String {
    selection.ids(dag).join(" ").replace("model.shop.", "")
}

fn selected(expression: &str) -> Outcome<String> {
    let dag = dag()?;
    Ok(names(
        &dag,
        &Selector::new(&dag).select(&run(&[expression]))?,
    ))
}

#[test]
fn a_python_model_is_found_by_its_own_file_and_folder() -> Outcome {
    for expression in [
        "clusters",
        "path:models/ml",
        "models/ml/clusters.py",
        "models/ml/*.py",
        "models/**/*.py",
        "clusters.py",
        "file:clusters.*",
        "shop.ml",
        "ml.clusters",
        "shop.ml.clusters",
        "models/ml/ml.yml",
    ] {
        assert_eq!(selected(expression)?, "clusters", "{expression}");
    }
    Ok(())
}

#[test]
fn a_python_model_is_still_found_by_its_stub() -> Outcome {
    for expression in [
        "models/fal",
        "models/fal/ml/clusters.sql",
        "clusters.sql",
        "shop.fal.ml",
        "fal.*",
    ] {
        assert_eq!(selected(expression)?, "clusters", "{expression}");
    }
    Ok(())
}

#[test]
fn a_python_model_shows_its_own_file() -> Outcome {
    let dag = dag()?;
    let node = dag.node(dag.find("model.shop.clusters").ok_or("it is there")?);
    assert_eq!(
        (node.kind(), node.file()),
        (NodeKind::Python, "models/ml/clusters.py")
    );
    Ok(())
}

#[test]
fn graph_operators_go_through_python_models() -> Outcome {
    assert_eq!(selected("models/ml/clusters.py+")?, "board clusters");
    assert_eq!(selected("1+clusters.py")?, "clusters customers");
    Ok(())
}

#[test]
fn a_dbt_native_python_model_needs_no_stub() -> Outcome {
    let native = GraphNode {
        unique_id: "model.shop.native".into(),
        resource_type: "model".into(),
        language: Some("python".into()),
        original_file_path: "models/native.py".into(),
        ..GraphNode::default()
    };
    let mut builder = DagBuilder::new("shop");
    builder
        .nodes([native])
        .python_model("model.shop.native", "models/native.py");
    let dag = builder.build()?;
    let (_, node) = dag.nodes().next().ok_or("it is there")?;
    assert_eq!(
        (node.kind(), node.file()),
        (NodeKind::Python, "models/native.py")
    );
    Ok(())
}

#[test]
fn methods_that_need_more_than_the_graph_are_asked_for() -> Outcome {
    let dag = dag()?;
    let external = |method: &str, value: &str| match (method, value) {
        ("state", "modified") => Ok(vec![
            "model.shop.orders".to_owned(),
            "model.shop.not_there".to_owned(),
        ]),
        ("state.body", "modified") => Ok(Vec::new()),
        _ => Err(format!("no state to compare with for {method}:{value}").into()),
    };
    let selector = Selector::new(&dag).with_external(&external);
    assert_eq!(
        names(
            &dag,
            &selector.select(&run(&["state:modified+1,resource_type:model"]))?
        ),
        "orders revenue"
    );
    let nothing = selector.select(&run(&["state.body:modified"]))?;
    assert_eq!(nothing.warnings.len(), 1);
    match selector.select(&run(&["orders", "1+state:new"])) {
        Err(SelectError::External { expression, source }) => {
            assert_eq!(expression, "1+state:new");
            assert_eq!(source.to_string(), "no state to compare with for state:new");
        }
        other => panic!("{other:?}"),
    }
    let unasked = Selector::new(&dag).select(&run(&["result:error"]));
    assert!(matches!(unasked, Err(SelectError::External { .. })));
    Ok(())
}

fn definitions() -> Map<String, Value> {
    let definitions = json!({
        "core": {"definition": {"union": ["tag:core", {"exclude": ["customers"]}]}},
        "usual": {"default": true, "definition": {"method": "selector", "value": "core"}},
    });
    definitions.as_object().cloned().unwrap_or_default()
}

#[test]
fn a_selector_stands_among_expressions() -> Outcome {
    let (dag, definitions) = (dag()?, definitions());
    let selector = Selector::new(&dag).with_definitions(&definitions);
    assert_eq!(
        names(
            &dag,
            &selector.select(&run(&["selector:core+1", "clusters"]))?
        ),
        "clusters orders revenue"
    );
    let error = selector
        .select(&run(&["selector:cor"]))
        .err()
        .map(|error| error.to_string());
    insta::assert_snapshot!(error.unwrap_or_default(), @"no selector is called 'cor' in selectors.yml; did you mean 'core'?");
    Ok(())
}

#[test]
fn the_default_selector_counts_only_when_nothing_is_selected() -> Outcome {
    let (dag, definitions) = (dag()?, definitions());
    let selector = Selector::new(&dag).with_definitions(&definitions);
    assert_eq!(names(&dag, &selector.select(&run(&[]))?), "orders");
    assert_eq!(
        names(&dag, &selector.select(&run(&["clusters"]))?),
        "clusters"
    );
    Ok(())
}

#[test]
fn run_leaves_out_empty_files_and_ls_does_not() -> Outcome {
    let dag = dag()?;
    let selector = Selector::new(&dag);
    let criteria = run(&["empty_model"]);
    assert_eq!(names(&dag, &selector.select(&criteria)?), "");
    let listed = Criteria {
        include_empty: true,
        ..criteria
    };
    assert_eq!(names(&dag, &selector.select(&listed)?), "empty_model");
    Ok(())
}

#[test]
fn a_name_that_matches_nothing_gets_advice() -> Outcome {
    let dag = dag()?;
    let warnings = Selector::new(&dag)
        .select(&run(&["custommers+", "zzz"]))?
        .warnings;
    let text: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    The selection criterion 'custommers+' does not match any enabled nodes; did you mean 'customers'?
    The selection criterion 'zzz' does not match any enabled nodes
    ");
    Ok(())
}

#[test]
fn a_mode_of_indirect_selection_that_does_not_exist_is_refused() {
    let error = "cautios"
        .parse::<IndirectSelection>()
        .err()
        .map(|error| error.to_string());
    insta::assert_snapshot!(error.unwrap_or_default(), @"'cautios' is not a selector: indirect selection is eager, cautious, buildable or empty; did you mean cautious?");
}
