//! fal-host in the place of dbt: commands that dbt itself runs, `fal-host dbt ...`, and fal-host linked
//! as `dbt`.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use fal_e2e::{Ended, Project, dbt_python, host};
use serde_json::json;

/// A folder for programs beside the project, with fal-host as `dbt`.
fn linked(project: &Project) -> PathBuf {
    let folder = project.home().join("linked");
    fs::create_dir(&folder).unwrap();
    symlink(host(), folder.join("dbt")).unwrap();
    folder
}

/// A script of the project, with this folder first on the path.
fn script(project: &Project, text: &str, first: &Path) -> Ended {
    let mut command = project.shell(text);
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(folders).unwrap());
    project.finish(command)
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_job_of_a_project_in_sql_ends_as_with_dbt() {
    let [by_dbt, by_host] = [(), ()].map(|()| Project::copy_of("jobs"));
    let python = dbt_python();
    let folders = [python.parent().unwrap().to_owned(), linked(&by_host)];
    let codes = |project: &Project, folder: &Path| -> Vec<(String, i32)> {
        let job = project.read("ci.sh");
        let lines = job.lines().filter(|line| !line.starts_with('#'));
        let run = |line: &str| (line.to_owned(), script(project, line, folder).code());
        lines.map(run).collect()
    };
    let of_host = codes(&by_host, &folders[1]);
    assert_eq!(of_host, codes(&by_dbt, &folders[0]));
    let failed = of_host.iter().filter(|(_, code)| *code != 0);
    let failed: Vec<i32> = failed.map(|(_, code)| *code).collect();
    assert_eq!(
        failed,
        [1, 2],
        "the broken model, and a command that is none"
    );
    let tables = "main.raw main.orders main.totals main.broken main.note prod.orders copy.totals";
    assert_eq!(by_host.differences(&by_dbt, tables), json!({}));
    by_host.nothing_is_left();
}

/// The columns of a table in the catalog.
fn columns(project: &Project, unique_id: &str) -> Vec<String> {
    let catalog = project.json("target/catalog.json");
    let columns = catalog["nodes"][unique_id]["columns"].as_object();
    columns
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn python_models_are_tables_in_commands_that_dbt_runs() {
    let project = Project::copy_of("shop");
    project.write(
        "macros/grown.sql",
        "{% macro grown() %}{{ log('rows: ' ~ run_query('select count(*) from ' ~ ref('totals')).columns[0].values()[0], info=true) }}{% endmacro %}",
    );
    project.run("dbt seed").expect(0);
    project
        .run("dbt run --select stg_orders totals ranks")
        .expect(0);
    project
        .run("compile --select report")
        .expect(0)
        .says("from \"shop\".\"main\".\"totals\" totals");
    project
        .run("--no-use-colors show --inline \"select customer from {{ ref('totals') }} order by 1\" --limit 1")
        .expect(0)
        .says("| ann");
    project
        .run("show --select totals --output json --limit 5")
        .expect(0)
        .says("\"customer\": \"cid\"");
    project
        .run("compile --select totals")
        .expect(0)
        .says("Compiled node 'totals' is:")
        .says("write_to_model(")
        .never_says("select");
    assert_eq!(
        project.read("target/compiled/shop/models/fal/totals.py"),
        project.read("models/totals.py")
    );
    project.run("run-operation grown").expect(0).says("rows: 3");
    project.run("docs generate").expect(0);
    assert_eq!(
        columns(&project, "model.shop.totals"),
        ["customer", "amount", "scaled"]
    );
    let node = &project.json("target/manifest.json")["nodes"]["model.shop.totals"];
    assert_eq!(node["config"]["materialized"], "table");
    assert!(
        node["raw_code"]
            .as_str()
            .unwrap()
            .contains("write_to_model")
    );
    let of_dbt = &project.json("target/fal/dbt/manifest.json")["nodes"]["model.shop.totals"];
    assert_eq!(of_dbt["config"]["materialized"], "ephemeral");

    fs::rename(project.path("target"), project.path("state")).unwrap();
    project
        .run("clone --state state --target prod --select totals")
        .expect(0);
    assert_eq!(
        project.query("select count(*) from prod.totals"),
        json!([[3]])
    );
    project.run("run-operation nowhere").expect(2);
    project.dbt("run --select stg_orders").expect(0);
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_project_without_python_models_gets_files_in_target_and_logs_alone() {
    let project = Project::copy_of("jobs");
    project.run("deps").expect(0);
    // The project's folder itself is not looked at: new folders in it change its time.
    let looked_at = |path: &Path| {
        !["target", "logs", "shop.duckdb"]
            .iter()
            .any(|own| path.starts_with(own))
            && path != Path::new("")
    };
    let before = project.tree();
    let linked = linked(&project);
    script(
        &project,
        "dbt seed && dbt compile && dbt run --select orders",
        &linked,
    )
    .expect(0);
    let after = project.tree();
    let changed = after
        .keys()
        .chain(before.keys())
        .filter(|path| looked_at(path) && after.get(*path) != before.get(*path));
    let changed: Vec<_> = changed.collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn stubs_that_are_current_are_not_written_again() {
    let project = Project::copy_of("shop");
    project.run_host("generate").expect(0);
    let files = [
        "models/fal/totals.sql",
        ".dbtignore",
        "models/fal",
        "models",
    ];
    let times = || {
        files.map(|file| {
            fs::metadata(project.path(file))
                .unwrap()
                .modified()
                .unwrap()
        })
    };
    let before = times();
    project.run("dbt seed").expect(0);
    project.run("dbt compile").expect(0);
    assert_eq!(times(), before);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_engine_never_starts_fal_host_as_dbt() {
    let project = Project::copy_of("shop");
    // A virtual environment whose `dbt` is fal-host, and first on the path.
    let environment = project.home().join("venv");
    let programs = environment.join("bin");
    fs::create_dir_all(&programs).unwrap();
    let python = dbt_python();
    symlink(&python, programs.join("python")).unwrap();
    symlink(host(), programs.join("dbt")).unwrap();
    let of_dbt = python.ancestors().nth(2).unwrap();
    symlink(of_dbt.join("lib"), environment.join("lib")).unwrap();
    fs::copy(of_dbt.join("pyvenv.cfg"), environment.join("pyvenv.cfg")).unwrap();
    let run = |words: &str| {
        let line = format!(
            "unset FAL_HOST_PYTHON; PATH={}:/usr/bin:/bin {words}",
            programs.display()
        );
        project.finish(project.shell(&line))
    };
    // The Python beside the link has dbt.
    run("dbt seed").expect(0);
    run("dbt --version").expect(0).says("installed: 1.");
    run("FAL_HOST_DBT_ENGINE=commands dbt seed")
        .expect(2)
        .says("there is no `dbt` program");
    // A program that leads back to fal-host.
    let wrapper = project.home().join("dbt.sh");
    fs::write(
        &wrapper,
        format!("#!/bin/sh\nexec {}/dbt \"$@\"\n", programs.display()),
    )
    .unwrap();
    let named = format!(
        "chmod +x {0}; FAL_HOST_DBT={0} FAL_HOST_DBT_ENGINE=commands dbt seed",
        wrapper.display()
    );
    run(&format!("sh -c '{named}'"))
        .expect(2)
        .says("fal-host started itself as `dbt`");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn args_of_a_run_keep_what_the_host_reads_of_the_command_line() {
    let project = Project::copy_of("shop");
    project
        .run("build --select raw_orders stg_orders+ --exclude report --fail-fast --resource-type seed model")
        .code();
    let expected = json!({
        "select": ["raw_orders", "stg_orders+"], "exclude": ["report"], "fail_fast": true,
        "resource_types": ["seed", "model"], "which": "build",
    });
    let args = || project.json("target/run_results.json")["args"].clone();
    let kept = |args: serde_json::Value| {
        let names = expected.as_object().unwrap().keys();
        let kept = names.map(|name| (name.clone(), args[name].clone()));
        serde_json::Value::Object(kept.collect())
    };
    assert_eq!(kept(args()), expected);
    project.run("retry").expect(0);
    assert_eq!(
        kept(args()),
        expected,
        "and so does the run that tries again"
    );
}
