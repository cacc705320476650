//! Hooks are part of their model, whether it succeeds or fails.

use fal_e2e::{Project, Running};
use rustix::process::Signal;
use serde_json::json;

const NOTE: &str = "import pathlib\nmodel = context.current_model\n\
    with pathlib.Path(__file__).with_name('journal.txt').open('a') as file:\n    \
    file.write(f'{model.name} {model.status}\\n')\n";

/// `orders` with these hooks, `report` below it, and `note.py`, which writes down its model and the status.
fn project(hooks: &str) -> Project {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write("models/report.sql", "select * from {{ ref('orders') }}");
    project.write(
        "models/schema.yml",
        format!("models:\n  - name: orders\n    config: {{meta: {{fal: {{{hooks}}}}}}}\n"),
    );
    project.write("note.py", NOTE);
    project
}

#[track_caller]
fn tables(project: &Project) -> serde_json::Value {
    project.query("select table_name from duckdb_tables() order by all")
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn behind_a_pre_hook_that_fails_the_model_does_not_run_its_post_hooks_do() {
    let project = project("pre-hook: wrong.py, post-hook: note.py, scripts: [note.py]");
    project.write(
        "wrong.py",
        "print('looking')\nraise ValueError('too few rows')\n",
    );
    let ended = project.run("run");
    ended
        .expect(1)
        .says("wrong.py (pre-hook of orders) | looking")
        .says("ERROR script wrong.py (pre-hook of orders)");
    ended
        .says("SKIP relation main.report (because of orders)")
        .says("SKIP script note.py (after orders)");
    assert_eq!(project.statuses_for_dbt(), "error: orders; skipped: report");
    assert_eq!(project.read("journal.txt"), "orders error\n");
    insta::assert_snapshot!(project.message("orders"), @r#"
    The pre-hook wrong.py failed, so the model did not run
    Traceback (most recent call last):
      File "wrong.py", line 2, in <module>
        raise ValueError('too few rows')
    ValueError: too few rows
    "#);
    assert_eq!(tables(&project), json!([]));
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn post_hooks_run_behind_a_model_that_fails_and_see_it() {
    let project = project("post-hook: [note.py, wrong.py]");
    project.write("wrong.py", "1 / 0\n");
    project.write("models/orders.sql", "select nothing_of_the_kind as id");
    project
        .run("run")
        .expect(1)
        .says("The post-hook wrong.py failed too");
    assert_eq!(project.read("journal.txt"), "orders error\n");
    assert_eq!(project.statuses(), "error: orders; skipped: report");
    let message = project.message("orders");
    assert!(
        message.contains("nothing_of_the_kind") && message.contains("ZeroDivisionError"),
        "{message}"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_post_hook_that_fails_makes_an_error_of_a_model_whose_table_is_there() {
    let project = project("post-hook: [wrong.py, note.py]");
    project.write("wrong.py", "write_to_model(ref('orders'))\n");
    let ended = project.run("run --log-format json");
    ended.expect(1);
    assert_eq!(project.statuses(), "error: orders; skipped: report");
    let message = project.message("orders");
    assert!(
        message.starts_with(
            "The post-hook wrong.py failed; the model had run, and its table was written\n"
        ),
        "{message}"
    );
    assert!(
        message.contains("write_to_model") && message.contains("wrong.py"),
        "{message}"
    );
    assert_eq!(project.query("from orders"), json!([[1]]));
    assert_eq!(
        project.read("journal.txt"),
        "orders success\n",
        "the others run"
    );
    let hook = ended
        .stdout
        .lines()
        .find(|line| line.contains("\"hook_finished\""))
        .expect("the hook is an event");
    let event: serde_json::Value = serde_json::from_str(hook).unwrap();
    assert_eq!(event["info"]["level"], "error");
    let node = &event["data"]["node"];
    assert_eq!(
        (&node["model"], &node["path"], &node["role"]),
        (&json!("orders"), &json!("wrong.py"), &json!("post_hook"))
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_notebook_that_fails_as_a_hook_names_cell_and_line() {
    let project = project("pre-hook: {path: look.ipynb, with: {least: 5}}");
    let cell = |kind: &str, source: &str| {
        let mut cell = json!({"cell_type": kind, "metadata": {}, "source": source});
        if kind == "code" {
            (cell["outputs"], cell["execution_count"]) = (json!([]), json!(null));
        }
        cell
    };
    let cells = [
        cell("markdown", "# A look"),
        cell(
            "code",
            "%matplotlib inline\nfrom faldbt.magics import init_fal\n%init_fal project_dir=. profiles_dir=.",
        ),
        cell(
            "code",
            "least = context.arguments['least']\n\nassert least < 3, least",
        ),
    ];
    project.write(
        "look.ipynb",
        json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).to_string(),
    );
    project.run("run --select orders").expect(1);
    insta::assert_snapshot!(project.message("orders"), @r#"
    The pre-hook look.ipynb failed, so the model did not run
    Traceback (most recent call last):
      File "look.ipynb", Cell 3, line 3, in <module>
        assert least < 3, least
    AssertionError: 5
    "#);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_environment_that_nothing_defines_stops_the_run_before_it_begins() {
    let project = project(
        "environment: forcasting, pre-hook: {path: note.py, environment: local}, post-hook: note.py",
    );
    project.write(
        "fal_project.yml",
        "environments:\n- {name: forecasting, type: venv, requirements: [six]}\n",
    );
    let ended = project.run("run");
    ended
        .expect(2)
        .says("the model `orders`: the script `note.py` wants the environment `forcasting`");
    ended
        .says("did you mean `forecasting`?")
        .says("models/schema.yml:3");
    assert!(!project.has("shop.duckdb") && !project.has("journal.txt"));
    project
        .run("run --select report --exclude orders")
        .never_says("forcasting");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn ctrl_c_during_a_pre_hook_ends_the_run_and_the_model_does_not_begin() {
    let project = project("pre-hook: asleep.py, post-hook: note.py");
    project.write(
        "asleep.py",
        "import time\nprint('asleep', flush=True)\ntime.sleep(600)\n",
    );
    let mut running: Running = project.start("run");
    running.wait_for("asleep.py (pre-hook of orders) | asleep");
    running.signal(Signal::INT);
    running.wait().expect(130);
    project.nothing_is_left();
    assert_eq!(project.statuses(), "error: orders; skipped: report");
    assert!(!project.has("journal.txt"), "nothing more is begun");
    assert_eq!(tables(&project), json!([]));
}
