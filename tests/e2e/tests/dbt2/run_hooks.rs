//! on-run-start and on-run-end once a run, ahead of everything and behind it, on every engine.

use fal_e2e::{Ended, Project};
use serde_json::json;

use super::Engine::{self, Commands, Dbt2, Inside};

const PROJECT: &str = "name: shop
profile: shop
# Its hooks note the order of the run.
on-run-start:
- create table if not exists heard (t varchar)
- \"{% if true %}insert into heard values ('start'){% endif %} -- a comment\"
vars: {day: 2024-01-01}
on-run-end: \"insert into heard select 'end of ' || count(*) from {{ ref('a') }}\"
models:
  +materialized: table
  +post-hook: \"insert into heard values ('{{ this.name }}')\"
";
const PACKAGE: &str = "name: other
version: '1.0'
config-version: 2
on-run-start: [\"create table if not exists of_other as select 0 as n\", \"insert into of_other select 1\"]
";

/// Python, SQL and Python in turn.
fn project(files: &[(&str, &str)]) -> Project {
    let project = Project::bare();
    let usual = [
        ("dbt_project.yml", PROJECT),
        ("dbt_packages/other/dbt_project.yml", PACKAGE),
        (
            "models/first.py",
            "import pandas as pd\nwrite_to_model(pd.DataFrame({'id': [1, 2]}))",
        ),
        ("models/a.sql", "select * from {{ ref('first') }}"),
        ("models/p.py", "write_to_model(ref('a'))"),
        ("models/b.sql", "select * from {{ ref('p') }}"),
    ];
    for (path, text) in usual.iter().chain(files) {
        project.write(path, text);
    }
    project
}

fn run(engine: Engine, project: &Project, args: &str) -> Ended {
    project.finish(engine.host(project, args))
}

/// Returns what was noted since the last look.
fn heard(project: &Project) -> String {
    let rows = project.query("select string_agg(t, ', ' order by rowid) from heard");
    project.query("delete from heard returning t");
    rows[0][0].as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn hooks_of_the_run_come_once_and_around_all_of_it() {
    for engine in [Inside, Commands, Dbt2] {
        let project = project(&[]);
        run(engine, &project, "build").expect(0);
        let all = "start, first, a, p, b, end of 2";
        assert_eq!(heard(&project), all, "{engine:?}");
        assert_eq!(project.query("select sum(n) from of_other"), json!([[1]]));
        run(engine, &project, "run --select first").expect(0);
        assert_eq!(heard(&project), "start, first, end of 2", "{engine:?}");
        assert_eq!(project.query("select sum(n) from of_other"), json!([[2]]));
        // No artifact knows what the calls needed.
        assert!(
            !project
                .read("target/manifest.json")
                .contains("model.shop.fal_host")
        );
        project.nothing_is_left();
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn on_run_end_comes_after_failures() {
    for engine in [Inside, Commands, Dbt2] {
        let project = project(&[
            (
                "models/p.py",
                "write_to_model(ref('a'))\nraise ValueError('no more')",
            ),
            ("models/c.sql", "select 1 as id"),
        ]);
        run(engine, &project, "run --threads 1")
            .expect(1)
            .says("no more");
        let heard = heard(&project);
        let (first, last) = (heard.starts_with("start, "), heard.ends_with(", end of 2"));
        assert!(
            first && last && heard.matches("start").count() == 1,
            "{engine:?}: {heard}"
        );
        assert_eq!(heard.matches("end of").count(), 1, "{engine:?}: {heard}");
        assert!(
            project
                .statuses()
                .starts_with("error: p; skipped: b; success: a c first")
        );
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn an_on_run_start_that_fails_ahead_of_python_ends_the_run_where_dbt_says_so() {
    let fails = "name: shop\nprofile: shop\non-run-start: [\"select nothing_like_it\"]\n";
    let with_flag = format!("{fails}flags: {{skip_nodes_if_on_run_start_fails: true}}\n");
    for (engine, settings) in [
        (Inside, &*with_flag),
        (Commands, &*with_flag),
        (Dbt2, fails),
    ] {
        let project = project(&[("dbt_project.yml", settings)]);
        run(engine, &project, "run")
            .expect(2)
            .says("nothing_like_it");
        let tables = "select table_name from duckdb_tables() where table_name in ('first', 'a')";
        assert_eq!(project.query(tables), json!([]), "{engine:?}");
    }
    for engine in [Inside, Commands] {
        let project = project(&[("dbt_project.yml", fails)]);
        run(engine, &project, "run")
            .expect(1)
            .says("nothing_like_it");
        let statuses = project.statuses();
        let expected = "error: shop-on-run-start-0; skipped: other-on-run-start-0 other-on-run-start-1; success: a b first p";
        assert_eq!(statuses, expected, "{engine:?}");
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn the_schema_is_there_for_hooks_ahead_of_python() {
    let settings = PROJECT.replace("heard", "{{ target.schema }}.heard");
    let profile =
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: mine}}}";
    for engine in [Inside, Commands, Dbt2] {
        let project = project(&[("dbt_project.yml", &settings), ("profiles.yml", profile)]);
        run(engine, &project, "run").expect(0);
        let rows = project.query("select count(*) from mine.heard");
        assert_eq!(rows, json!([[6]]), "{engine:?}");
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn a_project_that_cannot_be_copied_runs_its_hooks_in_each_call_and_says_so() {
    let settings = format!("{PROJECT}macro-paths: [../macros]\n");
    let project = project(&[("dbt_project.yml", &settings)]);
    project.query("create table heard (t varchar)");
    run(Commands, &project, "run")
        .expect(0)
        .says("on-run-start and on-run-end run in every call of dbt")
        .says("folders that are not below its own");
    assert_eq!(heard(&project).matches("start").count(), 2);
}
