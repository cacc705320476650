//! Tests of scripts and hooks of models, through the whole backend.

use fal_plugin::payload::{BeginRequest, CloseRequest, NodeResult, NodeStatus, ScriptRole};
use serde_json::json;

use crate::project;

/// The names of a node's timed steps.
fn steps(result: &NodeResult) -> String {
    let names = result.timing.iter().map(|step| &*step.name);
    names.collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn scripts_read_write_and_see_their_model() {
    let project = project::open();
    project.begin();
    project.dbt("seed.shop.payments");
    let code = "print(context.current_model.status, context.arguments.greeting)";
    let before = project.script(ScriptRole::PreHook, Some("paid"), code);
    assert_eq!(
        (before.status, steps(&before)),
        (NodeStatus::Success, "execute compute".to_owned()),
        "{before:?}"
    );
    project.dbt("model.shop.paid");
    let code = "print(context.current_model.status, __name__)\nwrite_to_model(ref('paid'))";
    let after = project.script(ScriptRole::After, Some("paid"), code);
    assert_eq!(after.unique_id, "script.paid.AFTER.s.py");
    assert!(
        after
            .message
            .as_deref()
            .is_some_and(|text| text.starts_with("wrote 3 rows to main.paid")),
        "{after:?}"
    );
    let failed = project.script(
        ScriptRole::PostHook,
        Some("paid"),
        "x = 1\nwrite_to_model(ref('paid'))",
    );
    assert_eq!(failed.status, NodeStatus::Error);
    let message = failed.message.unwrap();
    assert!(
        message.contains("scripts/s.py\", line 2")
            && message.contains("cannot be called in a post-hook"),
        "{message}"
    );
    project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
    let lines: Vec<_> = project.output().into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["skipped hello", "success __main__"]);
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn scripts_of_the_last_run_write_no_artifacts() {
    let project = project::open_with(json!({ "command": "hooks" }));
    project.load();
    let scripts = vec!["script.GLOBAL.AFTER.s.py".to_owned()];
    project
        .session
        .begin(&BeginRequest {
            scripts,
            ..BeginRequest::default()
        })
        .unwrap();
    let result = project.script(
        ScriptRole::Global,
        None,
        "print(len(list_models()), context.current_model)",
    );
    assert_eq!(result.status, NodeStatus::Success, "{result:?}");
    let closed = project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
    assert!(
        closed.artifacts_written
            && !project
                .folder
                .path()
                .join("target/run_results.json")
                .exists()
    );
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_script_that_crashes_is_told_as_a_script() {
    let project = project::open();
    project.begin();
    let crashed = project.script(ScriptRole::Before, Some("paid"), "import os\nos.abort()");
    let message = crashed.message.unwrap();
    assert!(
        message.starts_with("the script's process was killed by signal 6 (SIGABRT)"),
        "{message}"
    );
}
