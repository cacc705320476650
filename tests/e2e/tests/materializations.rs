//! Python models that are incremental, have SQL hooks, or a contract.

use fal_e2e::Project;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn incremental_models_grow_over_runs_and_a_full_refresh_begins_anew() {
    let project = Project::copy_of("materializations");
    let ended = project.run("build --vars 'round: 1'");
    ended
        .expect(0)
        .never_says("WARNING")
        .says("events | whole from 0")
        .says("START python incremental model main.events");
    ended
        .says("totals | heard last: before the code")
        .says("OK created notebook table model main.totals");
    ended.says("OK created python incremental model main.chosen");
    let heard = [
        "events has 2",
        "before the code",
        "before the table",
        "behind the table",
    ];
    assert_eq!(
        project.query("select t from heard"),
        json!(heard.map(|line| [line]))
    );

    project
        .run("run --vars 'round: 2'")
        .expect(0)
        .says("events | incremental from 1");
    assert_eq!(
        project.query("from events order by id"),
        json!([[0, "a", 1], [1, "a", 2], [2, "a", 2]])
    );
    assert_eq!(
        project.query("from chosen"),
        json!([[1, 1], [1, 2]]),
        "mode='append'"
    );

    project
        .run("run --vars 'round: 3'")
        .expect(0)
        .says("events | incremental from 2");
    let events = json!([
        [0, "a", 1, null],
        [1, "a", 2, null],
        [2, "a", 3, true],
        [3, "a", 3, true]
    ]);
    assert_eq!(
        project.query("from events order by id"),
        events,
        "on_schema_change: append_new_columns"
    );
    assert_eq!(
        project.query("from chosen"),
        json!([[1, 3]]),
        "mode='overwrite'"
    );
    assert_eq!(project.query("from below"), json!([["a", 8]]));
    let log = "select round, count(*), max(batch) from log group by round order by round";
    assert_eq!(project.query(log), json!([[1, 3, 2], [2, 3, 2], [3, 3, 2]]));

    let ended = project
        .run("run --full-refresh --select config.materialized:incremental --vars 'round: 1'");
    ended
        .expect(0)
        .says("events | whole from 0")
        .says("PASS=3 WARN=0 ERROR=0 SKIP=0");
    assert_eq!(
        project.statuses(),
        "success: chosen events log shop-on-run-start-0"
    );
    assert_eq!(
        project.query("from events order by id"),
        json!([[0, "a", 1], [1, "a", 1]])
    );
    assert_eq!(project.query("select count(*) from log"), json!([[3]]));
    let staged =
        "select table_name from information_schema.tables where table_name like '%fal_stage%'";
    assert_eq!(project.query(staged), json!([]));
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_breaks_a_contract_or_cannot_be_is_an_error_in_dbts_words_and_the_old_table_stays() {
    let project = Project::copy_of("materializations");
    project.run("run").expect(0);
    let batches = "materialized: incremental, incremental_strategy: microbatch, event_time: id, batch_size: day, begin: '2024-01-01'";
    project.write("models/batched.py", "write_to_model(ref('events'))");
    project.write(
        "models/batched.yml",
        format!("models: [{{name: batched, config: {{{batches}}}}}]"),
    );
    let ended = project.run("run --vars '{round: 2, wrong: true}' --exclude chosen");
    ended
        .expect(1)
        .says("This model has an enforced contract that failed.")
        .says("data type mismatch");
    ended.says("microbatch cuts SQL into batches: it cannot be its incremental_strategy");
    assert_eq!(
        project.statuses(),
        "error: batched totals; skipped: below; success: events log shop-on-run-start-0"
    );
    assert_eq!(project.query("from totals"), json!([["a", 2]]));
    let comment = "select comment from duckdb_tables() where table_name = 'totals'";
    assert_eq!(
        project.query(comment),
        json!([["What there was; per kind."]])
    );
    project.nothing_is_left();
}
