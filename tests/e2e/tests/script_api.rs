//! What scripts and hooks of models see and do: every name in their scope.

use fal_e2e::Project;
use serde_json::{Value, json};

/// The project, its stubs and its seed in place.
fn project() -> Project {
    let project = Project::copy_of("script_api");
    project.run_host("generate").expect(0);
    project.dbt("seed").expect(0);
    project
}

/// What the scripts of this name noted, in order.
fn notes(project: &Project, script: &str) -> Value {
    let lines = project.read("target/notes.jsonl");
    let notes = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let wanted = notes.filter(|note| note["script"] == script);
    wanted
        .map(|note| without_script(note.as_object().unwrap()))
        .collect()
}

fn without_script(note: &serde_json::Map<String, Value>) -> Value {
    note.iter()
        .filter(|(key, _)| *key != "script")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn scripts_and_hooks_read_write_and_know_their_model() {
    let project = project();
    let ended = project.run("run");
    ended.expect(1);

    assert_eq!(
        notes(&project, "before"),
        json!([{"status": "skipped", "response": null, "name": "__main__", "package": "api",
        "text": "a module beside the scripts"}])
    );
    assert_eq!(
        notes(&project, "pre of orders"),
        json!([{"status": "skipped", "numbers": [1, 2]}])
    );
    assert_eq!(
        notes(&project, "post of orders"),
        json!([{"status": "success", "numbers": [3]}])
    );
    assert_eq!(
        notes(&project, "post of broken"),
        json!([{"status": "error", "numbers": []}])
    );
    assert_eq!(
        notes(&project, "global"),
        json!([]),
        "a run has no global scripts"
    );

    let tests = json!([
        ["not_null", "orders", "id", "skipped"],
        ["unique", "orders", "id", "skipped"]
    ]);
    let seen = &notes(&project, "reads")[0];
    assert_eq!(
        (&seen["refs"], &seen["source"], &seen["names"]),
        (&json!([3, 3, 7, 2]), &json!(3), &json!(true))
    );
    assert_eq!(
        seen["sql"],
        json!([{"a": 8, "b": "red", "c": "dev", "d": true, "n": 3}])
    );
    assert_eq!(
        seen["model"],
        json!(["orders", "orders", "success", {"owner": "ann"}, "What was paid."])
    );
    assert_eq!(
        (&seen["tests"], &seen["ids"], &seen["arguments"]),
        (&tests, &json!("success"), &json!(false))
    );
    assert_eq!(seen["response"], json!([true, true, true]));
    let models = json!({"orders": ["orders", "success"], "below": ["below", "skipped"], "renamed": ["shown_as", "success"]});
    assert_eq!(seen["models"]["orders"], models["orders"]);
    assert_eq!(
        seen["models"]["below"], models["below"],
        "after-scripts come ahead of what is below their model"
    );
    assert_eq!(
        seen["sources"],
        json!([
            ["files", "people", []],
            ["out", "log", ["not_null"]],
            ["out", "typed", []]
        ])
    );
    assert_eq!(
        seen["all_tests"][0],
        json!(["not_null", "log", "line", "skipped"])
    );
    assert_eq!(
        seen["features"],
        json!([{"model": "orders", "column": "amount", "entity_column": "id",
        "timestamp_column": "at", "description": "What was paid."}])
    );

    assert_eq!(
        project.query("select id, amount from orders order by id"),
        json!([[1, 10], [2, 20], [4, 5]])
    );
    assert_eq!(
        project.query("select * from below"),
        json!([[3, 35]]),
        "it read what the scripts had left"
    );
    assert_eq!(
        project.query("select line from written.log order by line"),
        json!([["after"], ["before"], ["forecast began"]])
    );
    assert_eq!(
        project.query("select typeof(n), typeof(\"at\"), n from written.typed"),
        json!([["BIGINT", "DATE", 1]])
    );
    assert_eq!(
        project.query("select typeof(id), count(*) from forecast group by 1"),
        json!([["SMALLINT", 3]])
    );
    ended.says("old.py (after orders) | shop (3, 2) 3 1");
    ended.says("\"shop\".\"written\".\"log\" has no column `new`");
    ended
        .says("fal: write_to_source cannot be called in a post-hook")
        .says("Make it a Python model");
    ended.says("FalError: fal: write_to_model cannot be called in a post-hook");
    assert_eq!(
        project.statuses_for_dbt(),
        "error: broken; success: below dim.v1 dim.v2 forecast orders renamed \
         shop-on-run-start-0"
    );

    // The Python model appends to what is there; its source too.
    project.run("run --select forecast").expect(0);
    assert_eq!(project.query("select count(*) from forecast"), json!([[6]]));
    assert_eq!(
        project.query("select count(*) from written.log"),
        json!([[4]])
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn scripts_of_the_last_run_see_how_it_ended() {
    let project = project();
    project.run("run").expect(1);
    project.remove("target/notes.jsonl");
    let results = project.read("target/run_results.json");
    let started = "select count(*) from started";
    assert_eq!(project.query(started), json!([[1]]));

    project
        .run("hooks")
        .expect(1)
        .says("wrote 1 row to written.log");
    let global = &notes(&project, "global")[0];
    assert_eq!(
        global["statuses"],
        json!({"orders": "success", "broken": "error"})
    );
    assert_eq!(global["model"], Value::Null);
    assert_eq!(
        notes(&project, "post of broken"),
        json!([{"status": "error", "numbers": []}])
    );
    assert_eq!(notes(&project, "reads")[0]["model"][2], json!("success"));
    assert_eq!(
        project.read("target/run_results.json"),
        results,
        "scripts leave the artifact alone"
    );

    project.dbt("test --select orders").expect(0);
    project.remove("target/notes.jsonl");
    project.run("hooks --scripts api/reads.py").expect(0);
    let seen = &notes(&project, "reads")[0];
    assert_eq!(seen["model"][2], json!("tested"));
    assert_eq!(
        seen["tests"],
        json!([
            ["not_null", "orders", "id", "pass"],
            ["unique", "orders", "id", "pass"]
        ])
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_run_of_scripts_alone_touches_nothing_else() {
    let project = project();
    project.dbt("run --exclude broken").expect(0);
    let results = project.read("target/run_results.json");
    project.run("run --select reads.py").expect(0);
    assert_eq!(
        notes(&project, "reads")[0]["model"][2],
        json!("skipped"),
        "no model ran"
    );
    assert_eq!(project.read("target/run_results.json"), results);
}
