//! Tests a whole run: a seed, SQL, a script, a dbt-native model, SQL that reads both, and a test.

use std::fs;

use fal_plugin::payload::{CloseRequest, LoadRequest, NodeResult, NodeStatus, SelectRequest};
use serde_json::{json, Value};

use crate::project;

fn assert_status(result: &NodeResult, status: NodeStatus) {
    assert_eq!(result.status, status, "{result:#?}");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn sql_and_python_models_feed_each_other() {
    let project = project::open();
    let ids = project.begin();
    let test = ids.iter().find(|id| id.starts_with("test.")).unwrap();
    let method = SelectRequest {
        method: "package".into(),
        value: "shop".into(),
    };
    assert!(project.session.select(&method).unwrap().contains(test));

    assert_status(&project.dbt("seed.shop.payments"), NodeStatus::Success);
    assert_status(&project.dbt("model.shop.paid"), NodeStatus::Success);
    let totals = project.python("totals");
    assert_status(&totals, NodeStatus::Success);
    assert_eq!(
        (totals.rows_affected, totals.relation_name.as_deref()),
        (Some(2), Some(r#""shop"."main"."totals""#))
    );
    let misfits = project.python("misfits");
    assert_status(&misfits, NodeStatus::Error);
    let message = misfits.message.unwrap();
    assert!(
        message.contains("misfits.py\", line 2") && message.contains("no misfits here"),
        "{message}"
    );
    assert_status(&project.dbt("model.shop.doubled"), NodeStatus::Success);
    assert_status(&project.dbt("model.shop.largest"), NodeStatus::Success);
    assert_status(&project.dbt(test), NodeStatus::Pass);

    let closed = project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
    assert!(
        closed.artifacts_written && closed.failed_hooks.is_empty(),
        "{closed:?}"
    );
    let results =
        fs::read_to_string(project.folder.path().join("target/run_results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    let status = |name: &str| {
        let results = results["results"].as_array().unwrap();
        let found = results
            .iter()
            .find(|result| result["unique_id"] == format!("model.shop.{name}"))
            .unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["totals", "misfits", "doubled"].map(status),
        ["success", "error", "success"]
    );
    assert_eq!(
        project.output(),
        [("model.shop.totals".to_owned(), "rows: 3".to_owned())]
    );
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_dbt_native_model_reads_what_a_script_wrote() {
    let project = project::open();
    project.begin();
    project.dbt("seed.shop.payments");
    project.dbt("model.shop.paid");
    assert_status(&project.python("totals"), NodeStatus::Success);
    assert_status(&project.dbt("model.shop.counted"), NodeStatus::Success);
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_look_at_the_graph_touches_no_database() {
    let project = project::open_with(json!({ "command": "ls", "execute": false }));
    let graph = project.load();
    let totals = graph
        .nodes
        .iter()
        .find(|node| node.name == "totals")
        .unwrap();
    assert_eq!(totals.depends_on, ["model.shop.paid"]);
    project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
    assert!(!project.folder.path().join("shop.duckdb").exists());
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn an_error_of_the_project_is_told_as_dbt_tells_it() {
    let project = project::open_with(json!({ "target": "nowhere" }));
    let error = project.session.load(&LoadRequest::default()).unwrap_err();
    assert!(error.message.contains("nowhere"), "{error:?}");
}
