//! Python models of the engine that drives the `dbt` program end with the tables of the engine inside dbt-core.

use fal_e2e::{Ended, Project};
use serde_json::json;

/// The same project twice: on each engine.
struct Both([Project; 2]);

const ENGINES: [&str; 2] = ["session", "commands"];

impl Both {
    fn new(make: impl Fn() -> Project) -> Self {
        Self([make(), make()])
    }

    /// Runs the host on each engine, and returns how it ended on that of the program.
    #[track_caller]
    fn run(&self, args: &str, code: i32) -> Ended {
        let [_, ended] = [0, 1].map(|place| {
            let mut command = self.0[place].host_with_dbt(args);
            command.env("FAL_HOST_DBT_ENGINE", ENGINES[place]);
            let ended = self.0[place].finish(command);
            ended.expect(code);
            ended
        });
        ended
    }

    /// Compares tables, and the rows of a query.
    #[track_caller]
    fn same(&self, tables: &[&str], query: &str) {
        let [inside, program] = &self.0;
        assert_eq!(program.differences(inside, tables), json!({}));
        assert_eq!(program.query(query), inside.query(query));
        program.nothing_is_left();
    }
}

fn materializations() -> Project {
    Project::copy_of("materializations")
}

fn materialized(both: &Both, tables: &[&str]) {
    let heard = "select t from heard";
    for round in [1, 3] {
        both.run(&format!("build --vars 'round: {round}'"), 0);
        both.same(tables, heard);
    }
    let ended = both.run("run --vars '{round: 2, wrong: true}' --exclude chosen", 1);
    ended
        .says("This model has an enforced contract that failed.")
        .says("data type mismatch");
    both.same(tables, heard);
    assert_eq!(both.0[0].statuses(), both.0[1].statuses());
    let anew = "run --full-refresh --select config.materialized:incremental --exclude chosen --vars 'round: 1'";
    both.run(anew, 0)
        .says("events | whole from 0")
        .says("OK created python incremental model main.events");
    // In PostgreSQL the view `below` went with `events`: dbt's SQL of a stub names what it reads.
    both.same(&tables[..4], heard);
}

const TABLES: [&str; 5] = [
    "main.events",
    "main.log",
    "main.chosen",
    "main.totals",
    "main.below",
];

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn incremental_models_hooks_and_contracts_on_duckdb() {
    let both = Both::new(materializations);
    materialized(&both, &TABLES);
    let comment = "select comment from duckdb_tables() where table_name = 'totals'";
    both.same(&TABLES, comment);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn incremental_models_hooks_and_contracts_on_postgres() {
    materialized(&Both::new(|| materializations().on_postgres()), &TABLES);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_hook_that_needs_a_macro_ends_the_run_before_anything_runs() {
    let project = Project::bare();
    project.write("models/a.sql", "select 1 as id");
    project.write("models/p.py", "write_to_model(ref('a'))");
    let hook = "models: [{name: p, config: {post_hook: \"{{ my_macro(this) }}\"}}]";
    project.write("models/p.yml", hook);
    project.write(
        "macros/m.sql",
        "{% macro my_macro(name) %} select 1 {% endmacro %}",
    );
    let mut command = project.host_with_dbt("build");
    command.env("FAL_HOST_DBT_ENGINE", "commands");
    let ended = project.finish(command);
    ended
        .expect(2)
        .says("SQL of model.shop.p: 'my_macro' is undefined");
    assert_eq!(
        project.query("from duckdb_tables() select table_name"),
        json!([])
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn python_models_read_what_is_missing_here_in_the_deferred_state() {
    let project = Project::copy_of("flags");
    let settings = "plugins: {config: {fal-dbt-backend: {engine: commands}}}\n";
    project.write("fal_project.yml", settings);
    project.run("run --target prod").expect(0);
    project.write("state/manifest.json", project.read("target/manifest.json"));
    project
        .run("run --select total note --state state")
        .expect(1);
    let deferred = "run --select total note --defer --state state";
    project.run(deferred).expect(0);
    let from_prod = json!([["prod", "prod"]]);
    assert_eq!(project.query("from main.total"), from_prod);
    let tables = "select table_name from duckdb_tables() where schema_name = 'main' order by 1";
    assert_eq!(project.query(tables), json!([["note"], ["total"]]));
    project
        .run("run --select raw score total --defer --state state")
        .expect(0);
    assert_eq!(project.query("from main.total"), json!([["dev", "dev"]]));
}
