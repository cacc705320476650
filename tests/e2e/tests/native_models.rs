//! Models as dbt defines them, `def model(dbt, session)`, on DuckDB and on PostgreSQL.

use fal_e2e::Project;
use serde_json::json;

/// Models of `tests/projects/native` that run on any warehouse, and how they end first.
const ANYWHERE: [&str; 8] = [
    "exits error",
    "growing_anywhere success",
    "hooked success",
    "orders success",
    "packaged success",
    "parts success",
    "script success",
    "wrong error",
];
const ON_DUCKDB: [&str; 4] = [
    "below_native success",
    "below_script success",
    "doubled success",
    "growing success",
];

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_duckdb_dbts_own_materialization_and_its_session() {
    let project = Project::copy_of("native");
    let ended = project.run("run");
    ended.expect(1).says("doubled | native models print too");
    let mut all = [&ANYWHERE[..], &ON_DUCKDB].concat();
    all.sort_unstable();
    assert_eq!(project.results(), all, "{ended}");
    assert_eq!(project.query("from doubled order by id"), json!([[2], [4]]));
    assert_eq!(
        project.query("from below_native order by id"),
        json!([[2], [4]])
    );
    assert_eq!(project.query("from below_script"), json!([[12]]));
    assert_eq!(project.query("from growing order by id"), json!([[1], [2]]));
    what_runs_anywhere(&project, "growing growing_anywhere");
    assert_eq!(
        project.query("from growing order by id"),
        json!([[0], [2], [3]])
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_postgres_staged_rows_and_dbts_sql_materialization() {
    on_postgres(&Project::copy_of("native").on_postgres());
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn where_the_program_dbt_runs_none_the_host_runs_them_with_the_same_tables() {
    let project = Project::copy_of("native").on_postgres();
    let commands = "plugins: {config: {fal-dbt-backend: {engine: commands}}}\n";
    project.write("fal_project.yml", commands);
    project.write(
        "models/above.sql",
        "select count(*)::int as n from {{ ref('growing_anywhere') }}",
    );
    on_postgres(&project);
    assert_eq!(project.query("select n from main.above"), json!([[3]]));
}

/// Runs what runs anywhere.
#[track_caller]
fn on_postgres(project: &Project) {
    for name in ["below_native", "below_script", "doubled", "growing"] {
        // Written with DuckDB's relations and its session.
        project.remove(&format!("models/duckdb/{name}.py"));
    }
    let ended = project.run("run");
    ended.expect(1);
    let mut results = project.results();
    results.retain(|line| !line.starts_with("above "));
    assert_eq!(results, ANYWHERE, "{ended}");
    what_runs_anywhere(project, "growing_anywhere");
    let left = "select relname from pg_class where relname like '%fal\\_%'";
    assert_eq!(project.query(left), json!([]), "tables of a write are left");
    project.nothing_is_left();
}

/// After the first run: its tables and errors, and what a second and a third one make of `growing`.
#[track_caller]
fn what_runs_anywhere(project: &Project, growing: &str) {
    assert_eq!(
        project.query("select * from main.growing_anywhere order by id"),
        json!([[1], [2]])
    );
    assert_eq!(
        project.query("select id, kind from main.parts order by id"),
        json!([[1, "polars"], [2, "1"], [100, "2"]])
    );
    assert_eq!(
        project.query("select id, version from main.packaged order by id"),
        json!([[1, "1.1.1"], [2, "1.1.1"]])
    );
    assert_eq!(
        project.query("select (select n from main.hooked), (select n from hooked_rows)"),
        json!([[7, 1]])
    );
    let message = project.message("wrong");
    assert!(
        message.contains("Python model failed: KeyError: 'nothing'"),
        "{message}"
    );
    assert!(
        message.contains("File \"models/wrong.py\", line 10, in model"),
        "{message}"
    );
    assert!(
        message.contains("File \"models/wrong.py\", line 5, in helper"),
        "{message}"
    );

    for gone in ["models/exits.py", "models/wrong.py"] {
        project.remove(gone);
    }
    project.write(
        "models/orders.sql",
        "select 0 as id union all select 2 union all select 3",
    );
    project.run("run --exclude packaged").expect(0);
    let grown = project.query("select * from main.growing_anywhere order by id");
    assert_eq!(
        grown,
        json!([[1], [2], [3]]),
        "only what is newer was added"
    );
    let select: Vec<&str> = growing.split(' ').collect();
    project
        .run(&[&["run", "--full-refresh", "--select"], &select[..]].concat())
        .expect(0);
    assert_eq!(
        project.query("select * from main.growing_anywhere order by id"),
        json!([[0], [2], [3]])
    );
}
