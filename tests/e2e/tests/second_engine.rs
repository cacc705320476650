//! The engine that drives the `dbt` program: as few calls as the graph allows, and nothing of dbt but its command line.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use fal_e2e::{Project, dbt_python};
use serde_json::json;

/// Notes its command, and is dbt otherwise. Of what hides dbt from the session it knows nothing.
const PROGRAM: &str = "#!/bin/sh
echo \"$1\" >> <calls>
unset PYTHONPATH
exec <python> -c 'from dbt.cli.main import cli; cli()' \"$@\"
";
/// No Python that reads this can import dbt.
const HIDES_DBT: &str = "
import sys

class NoDbt:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('dbt', 'dbt_common', 'dbt_adapters', 'psycopg2', 'agate'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)

sys.meta_path.insert(0, NoDbt())
";

/// SQL, Python and notebooks in turn.
fn alternating() -> Project {
    let project = Project::bare();
    project.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\nvars: {factor: 2}\n",
    );
    project.write("seeds/raw.csv", "id,amount\n1,10\n2,20\n3,30\n");
    project.write("models/a.sql", "select id, amount from {{ ref('raw') }}");
    project.write(
        "models/half.sql",
        "{{ config(materialized='ephemeral') }} select id, amount / 2 as half from {{ ref('a') }}",
    );
    project.write("models/p.py", PYTHON);
    project.write(
        "models/b.sql",
        "select id, amount + 1 as amount from {{ ref('p') }}",
    );
    project.write(
        "models/n.ipynb",
        notebook("b = ref('b')\nwrite_to_model(b[b['id'] > 1])"),
    );
    project.write(
        "models/c.sql",
        "select sum(amount) as total from {{ ref('n') }}",
    );
    project.write("models/schema.yml", SCHEMA);
    project.write(
        "hooks/tell.py",
        "print('p ended:', context.current_model.status)",
    );
    project
}

const PYTHON: &str = "
a, half, sums = ref('a'), ref('half'), execute_sql(\"select sum(amount) * {{ var('factor') }} as s from {{ ref('a') }}\")
a['amount'] = a['amount'] + half['half'].astype(int) + int(sums['s'][0])
write_to_model(a)
";
const SCHEMA: &str = "
models:
  - name: p
    columns: [{name: id, data_tests: [unique]}]
  - name: c
    columns: [{name: total, data_tests: [not_null]}]
";

fn notebook(code: &str) -> String {
    let cell = json!({ "cell_type": "code", "source": [code], "metadata": {}, "outputs": [], "execution_count": null });
    json!({ "cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5 }).to_string()
}

/// The `dbt` program of a test, and what it was called for.
struct Program {
    path: PathBuf,
    calls: PathBuf,
}

impl Program {
    fn of(project: &Project) -> Self {
        let (path, calls) = (project.home().join("bin/dbt"), project.home().join("calls"));
        fs::create_dir_all(project.home().join("bin")).unwrap();
        let text = PROGRAM.replace("<calls>", &calls.display().to_string());
        fs::write(
            &path,
            text.replace("<python>", &dbt_python().display().to_string()),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path, calls }
    }

    /// Since the last look.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.calls).unwrap_or_default();
        let _ = fs::remove_file(&self.calls);
        text.lines().map(str::to_owned).collect()
    }
}

/// Names and statuses; of tests' names without the hash at their end.
fn statuses(project: &Project) -> Vec<String> {
    let plain = |line: String| {
        let (name, status) = line.split_once(' ').unwrap_or((&line, ""));
        format!("{} {status}", name.split('.').next().unwrap_or_default())
    };
    project.results().into_iter().map(plain).collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_dbt_without_python_runs_sql_python_and_notebooks_in_three_calls_and_skips_only_below_what_failed()
 {
    let project = alternating();
    project.write("models/wrong.sql", "select nothing from {{ ref('a') }}");
    project.write("models/below.sql", "select * from {{ ref('wrong') }}");
    project.write("models/below_py.py", "write_to_model(ref('below'))");
    let program = Program::of(&project);
    let hidden = project.home().join("hidden");
    fs::create_dir_all(&hidden).unwrap();
    fs::write(hidden.join("sitecustomize.py"), HIDES_DBT).unwrap();
    let mut command = project.host_with_dbt("build");
    command
        .env("PYTHONPATH", &hidden)
        .env("FAL_HOST_DBT", &program.path);
    let ended = project.finish(command);
    ended
        .expect(1)
        .says("runs as a program")
        .says("dbt is not installed in")
        .says("below_py");
    assert_eq!(program.calls(), ["parse", "build", "build", "build"]);
    assert_eq!(project.query("select * from c"), json!([[317]]));
    assert_eq!(
        statuses(&project),
        [
            "a success",
            "b success",
            "below skipped",
            "below_py skipped",
            "c success",
            "n success",
            "not_null_c_total pass",
            "p success",
            "raw success",
            "unique_p_id pass",
            "wrong error"
        ]
    );
    assert!(
        project.message("wrong").contains("nothing"),
        "{}",
        project.message("wrong")
    );
    project.nothing_is_left();
}

/// dbt's own reader of profiles makes numbers of texts.
const PROFILE: &str = "shop:
  target: dev
  outputs:
    dev:
      type: postgres
      host: \"{{ env_var('PGHOST') }}\"
      port: \"{{ env_var('PGPORT') | as_number }}\"
      user: \"{{ env_var('PGUSER') }}\"
      password: unused
      dbname: \"{{ env_var('PGDATABASE') }}\"
      schema: shop
      threads: 3
";

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn postgres_is_read_and_written_between_the_calls_and_hooks_of_a_model_are_waited_for() {
    let project = alternating().on_postgres();
    let program = Program::of(&project);
    project.write("profiles.yml", PROFILE);
    project.write(
        "fal_project.yml",
        format!(
            "plugins: {{config: {{fal-dbt-backend: {{engine: commands, dbt: {}}}}}}}\n",
            program.path.display()
        ),
    );
    project.write("models/d.sql", "select * from {{ ref('a') }}");
    project.write(
        "models/d.yml",
        "models: [{name: d, config: {meta: {fal: {post-hook: [hooks/tell.py]}}}}]",
    );
    project.write("models/e.sql", "select count(*) as n from {{ ref('d') }}");
    let ended = project.run("build");
    ended.expect(0).says("p ended: success");
    let calls = program.calls();
    assert_eq!(calls[0], "parse");
    // d and what is behind it wait for the host, which may be one call more each.
    assert!((4..=6).contains(&calls.len()), "{calls:?}");
    assert_eq!(
        project.query("select total::int, (select n::int from shop.e) from shop.c"),
        json!([[317, 3]])
    );
    let statuses = statuses(&project);
    assert_eq!(statuses.len(), 10, "{statuses:?}");
    let ended_well = |line: &String| line.ends_with(" success") || line.ends_with(" pass");
    assert!(statuses.iter().all(ended_well), "{statuses:?}");
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn fail_fast_counts_within_a_call() {
    let project = Project::bare();
    project.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
    );
    project.write("models/a.sql", "select nothing_like_it");
    // dbt begins with what most others wait for.
    project.write("models/below.sql", "select * from {{ ref('a') }}");
    project.write("models/y.sql", "select 1 as id");
    project.write("models/z.sql", "select 1 as id");
    project.write("models/p.py", "write_to_model(ref('y'))");
    let run = |args: &str| {
        let mut command = project.host_with_dbt(args);
        command.env("FAL_HOST_DBT_ENGINE", "commands");
        project.finish(command)
    };
    run("build --fail-fast --threads 1")
        .expect(1)
        .says("nothing_like_it");
    let results = project.json("target/run_results.json");
    assert_eq!(results["args"]["fail_fast"], json!(true));
    let expected = "error: a; skipped: below p y z";
    assert_eq!(project.statuses(), expected);
    // The next command tries again what is left, with the same flag.
    project.write("models/a.sql", "select 1 as id");
    run("retry").expect(0);
    assert_eq!(project.query("select count(*) from p"), json!([[1]]));
    project.nothing_is_left();
}

/// Ends when there is the table `second`, or with an error after a time in which that could have
/// been made many times over.
const AWAIT_SECOND: &str = "
create function public.await_second() returns int language plpgsql as $$
begin
  for i in 1..2400 loop
    perform from pg_tables where schemaname = 'main' and tablename = 'second';
    if found then return i; end if;
    perform pg_sleep(0.05);
  end loop;
  raise exception 'second did not run beside this';
end $$";

/// A project on PostgreSQL whose model `waits` ends only after `second`, which is behind a Python
/// model.
pub(crate) fn waiting() -> Project {
    let project = Project::bare().on_postgres();
    project.query(AWAIT_SECOND);
    project.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
    );
    for (name, text) in [
        ("a.sql", "select 1 as id"),
        ("waits.sql", "select public.await_second() as n"),
        ("p.py", "write_to_model(ref('a'))"),
        ("second.sql", "select id from {{ ref('p') }}"),
        (
            "both.sql",
            "select id from {{ ref('second') }}, {{ ref('waits') }}",
        ),
    ] {
        project.write(&format!("models/{name}"), text);
    }
    project
}

/// Checks what a run of that project left.
#[track_caller]
pub(crate) fn ran_beside_each_other(project: &Project) {
    assert_eq!(project.statuses(), "success: a both p second waits");
    assert_eq!(project.query("select id from main.both"), json!([[1]]));
    let run_results = project.json("target/run_results.json");
    let time = |name: &str, end: &str| {
        let rows = run_results["results"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["unique_id"] == format!("model.shop.{name}"));
        let timings = row.unwrap()["timing"].as_array().unwrap();
        let execute = timings.iter().find(|timing| timing["name"] == "execute");
        execute.unwrap()[end].as_str().unwrap().to_owned()
    };
    let starts = ["waits", "second"].map(|name| time(name, "started_at"));
    let ends = ["waits", "second"].map(|name| time(name, "completed_at"));
    assert!(
        starts[0] < ends[1] && starts[1] < ends[0],
        "{starts:?} {ends:?}"
    );
    for name in ["a", "both", "second", "waits"] {
        assert!(
            project.has(&format!("target/compiled/shop/models/{name}.sql")),
            "{name}"
        );
    }
    assert_eq!(run_results["args"]["target_path"].as_str(), None);
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_postgres_a_call_starts_beside_one_that_still_runs_and_all_results_are_in_one_file() {
    let project = waiting();
    let program = Program::of(&project);
    let mut command = project.host_with_dbt("run");
    command
        .env("FAL_HOST_DBT_ENGINE", "commands")
        .env("FAL_HOST_DBT", &program.path);
    project.finish(command).expect(0);
    assert_eq!(program.calls(), ["parse", "run", "run", "run"]);
    ran_beside_each_other(&project);
}
