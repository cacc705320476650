//! `ls`, `graph`, `check` and the flags of `run`.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, thread};

use fal_e2e::{Project, dbt_python, redact};
use serde_json::{Value, json};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn ls_and_graph_show_the_whole_graph_and_selections_of_it() {
    let project = Project::copy_of("shop");
    insta::assert_snapshot!(project.run("ls").expect(0).stdout, @r"
    shop.doubled
    shop.fal.ranks
    shop.fal.totals
    shop.marts.report
    shop.not_null_report_customer
    shop.not_null_stg_orders_id
    shop.not_null_totals_customer
    shop.raw_orders
    shop.staging.stg_orders
    shop.unique_ranks_place
    shop.unique_stg_orders_id
    shop.unique_totals_customer
    source:shop.raw.raw_orders
    ");
    insta::assert_snapshot!(project.run("ls --resource-type model --output path").expect(0).stdout, @r"
    models/doubled.py
    models/marts/report.sql
    models/ranks.ipynb
    models/staging/stg_orders.sql
    models/totals.py
    ");
    insta::assert_snapshot!(project.run("ls -s +ranks --exclude tag:staging --output name").expect(0).stdout, @r"
    not_null_totals_customer
    ranks
    raw_orders
    totals
    unique_ranks_place
    unique_totals_customer
    ");
    insta::assert_snapshot!(project.run("graph --select config.materialized:table+ raw_orders+ --exclude resource_type:test").expect(0).stdout, @r#"
    flowchart LR
      n0[("raw_orders")]:::data
      n1["doubled"]:::python
      n2["totals"]:::python
      n3[["ranks"]]:::notebook
      n4["report"]:::sql
      n1 --> n4
      n2 --> n3
      n2 --> n4
      n3 --> n4
      classDef sql fill:#cfe2ff
      classDef python fill:#fff3bf
      classDef notebook fill:#ffe0cc
      classDef data fill:#d8f5d0
      classDef test fill:#eeeeee
      classDef use fill:#f3d9fa
      classDef other fill:#ffffff
    "#);
    let json = project.run("graph --format json");
    let graph: Value = serde_json::from_str(&json.expect(0).stdout).unwrap();
    assert!(graph.is_object(), "{graph:#}");
    project
        .run("graph --format dot --select totals")
        .expect(0)
        .says("digraph")
        .says("totals");
    assert!(!project.has("shop.duckdb"), "nothing was run");
    let wrong = project.run("ls --select no_such_method:x");
    wrong.expect(2);
    insta::assert_snapshot!(redact(&wrong.stderr, &project), @"error: 'no_such_method' is not a selection method, in 'no_such_method:x' [selection::invalid]");
}

#[test]
fn check_of_named_files_shows_their_problems_only() {
    let project = Project::bare();
    project.write("models/twice.py", "write_to_model(1)\nwrite_to_model(2)\n");
    project.write("models/good.py", "write_to_model(1)\n");
    project.write("models/deep/other.sql", "select 1");
    project
        .run_host("check models/twice.py models/good.py")
        .expect(2)
        .says("models/twice.py");
    project
        .run_host("check models/good.py models/deep/other.sql no_such_file.py")
        .expect(0);
    project
        .run_host("check --strict ./models/deep/../good.py")
        .expect(0)
        .says("1 Python and notebook models, nothing to complain of");
}

#[test]
fn check_reports_in_every_form() {
    let project = Project::bare();
    project.write(
        "models/twice.py",
        "rows = ref('orders')\nwrite_to_model(rows)\nwrite_to_model(rows)\n",
    );
    project.write(
        "models/broken.py",
        "rows = ref('orders'\nwrite_to_model(rows)\n",
    );
    project.write(
        "models/guesses.py",
        "import sys\nwrite_to_model(ref(sys.argv[0]))\n",
    );
    insta::assert_snapshot!(project.run_host("check").expect(2).stdout, @r"
    python::syntax

      × this is not valid Python: this `(` is never closed
       ╭─[models/broken.py:1:11]
     1 │ rows = ref('orders'
       ·           ┬
       ·           ╰── here
     2 │ write_to_model(rows)
       ╰────

    dependency::unresolved

      ⚠ what this `ref` reads is not known before the run
       ╭─[models/guesses.py:2:16]
     1 │ import sys
     2 │ write_to_model(ref(sys.argv[0]))
       ·                ────────┬───────
       ·                        ╰── not a literal, nor a name bound once to one
       ╰────
      help: name what it reads in the module docstring, in a line such as `- ref('model_name')`

    write::twice

      × `write_to_model` is called twice on one path
       ╭─[models/twice.py:3:1]
     1 │ rows = ref('orders')
     2 │ write_to_model(rows)
       · ──────────┬─────────
       ·           ╰── the first call
     3 │ write_to_model(rows)
       · ──────────┬─────────
       ·           ╰── the second call
       ╰────
      help: a model has one table: join the data and call `write_to_model` once, or make two models

    2 errors, 1 warning
    ");
    insta::assert_snapshot!(project.run_host("check --format github").expect(2).stdout, @r"
    ::error file=models/broken.py,line=1,endLine=1,col=11,endColumn=12,title=python%3A%3Asyntax::this is not valid Python: this `(` is never closed
    ::warning file=models/guesses.py,line=2,endLine=2,col=16,endColumn=32,title=dependency%3A%3Aunresolved::what this `ref` reads is not known before the run%0Ahelp: name what it reads in the module docstring, in a line such as `- ref('model_name')`
    ::error file=models/twice.py,line=3,endLine=3,col=1,endColumn=21,title=write%3A%3Atwice::`write_to_model` is called twice on one path%0Ahelp: a model has one table: join the data and call `write_to_model` once, or make two models
    ");
    for format in ["json", "sarif"] {
        let ended = project.run_host(&["check", "--format", format]);
        let report: Value = serde_json::from_str(&ended.expect(2).stdout).unwrap();
        assert!(report.to_string().contains("write::twice"), "{report:#}");
    }
    project.remove("models/twice.py").remove("models/broken.py");
    project.run_host("check").expect(0);
    project.run_host("check --strict").expect(2);
    assert!(!project.has("models/fal"), "`check` writes nothing");
}

#[test]
fn a_configuration_that_is_wrong_is_shown_with_its_line_by_every_command() {
    let project = Project::bare();
    project.write(
        "fal_project.yml",
        "environments:\n  - type: venv\n    name:\n",
    );
    for command in ["check", "generate", "ls", "run", "hooks"] {
        project
            .run_host(&[command])
            .expect(2)
            .says("[fal_project.yml:3:");
    }
    let report = project.run_host("check --format json");
    let report: Value = serde_json::from_str(&report.expect(2).stdout).unwrap();
    assert!(report.to_string().contains("fal_project.yml"), "{report:#}");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn runs_of_one_project_in_text_in_json_and_on_another_target() {
    let project = Project::copy_of("shop");
    project.run_host("generate").expect(0);
    project.dbt("seed").expect(0);
    // First: no table is in the default target's schema yet.
    target_vars_select_and_exclude_reach_dbt_and_python(&project);
    // The durations of earlier runs decide what starts first.
    project.remove("target/fal/durations.json");
    looks_like_dbt_s(&project);
    prints_json_of_every_node(&project);
}

fn looks_like_dbt_s(project: &Project) {
    let ended = project.run("flow run --experimental-models --threads 1");
    ended.expect(0);
    let shown = redact(&ended.stdout, project);
    let versions = shown.lines().next().unwrap().to_owned();
    assert!(
        versions.starts_with("TIME  Running with fal-host ") && versions.contains(", dbt 1."),
        "{versions}"
    );
    let rest: String = shown
        .lines()
        .skip(1)
        .filter(|line| !line.contains("Finished running"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(rest, @r"
    TIME  Found 2 models, 1 notebook model, 2 python models, 1 seed, 1 source, 6 tests
    TIME  Concurrency: 1 thread (target='dev')

    TIME  1 of 5 START sql view model main.stg_orders .................................... [RUN]
    TIME  1 of 5 OK created sql view model main.stg_orders ............................... [OK in SECONDS]
    TIME  2 of 5 START python table model main.totals .................................... [RUN]
    TIME  totals | 3 customers
    TIME  2 of 5 OK created python table model main.totals ............................... [3 rows in SECONDS]
    TIME  3 of 5 START notebook table model main.ranks ................................... [RUN]
    TIME  3 of 5 OK created notebook table model main.ranks .............................. [3 rows in SECONDS]
    TIME  4 of 5 START python table model main.doubled ................................... [RUN]
    TIME  4 of 5 OK created python table model main.doubled .............................. [3 rows in SECONDS]
    TIME  5 of 5 START sql table model main.report ....................................... [RUN]
    TIME  5 of 5 OK created sql table model main.report .................................. [OK in SECONDS]


    TIME  Completed successfully

    TIME  Done. PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=5
    ");
    assert_eq!(ended.stderr, "");
}

fn prints_json_of_every_node(project: &Project) {
    let ended = project.run("--log-format json run");
    ended.expect(0);
    let lines: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text = Value::Array(lines).to_string();
    for node in ["stg_orders", "totals", "ranks", "doubled", "report"] {
        assert!(
            text.contains(&format!("model.shop.{node}")),
            "{node}\n{ended}"
        );
    }
    assert!(text.contains("\"3 customers\""), "{ended}");
    let events = project.read("target/fal/events.jsonl");
    assert!(
        events
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
            && events.lines().count() > 10
    );
}

fn target_vars_select_and_exclude_reach_dbt_and_python(project: &Project) {
    let vars = "{factor: 100}";
    let ended = project.run(&[
        "run",
        "--target",
        "prod",
        "--vars",
        vars,
        "--select",
        "+report",
        "--exclude",
        "stg_orders",
    ]);
    ended
        .expect(1)
        .says("target='prod'")
        .says("Concurrency: 1 thread");
    let ended = project.run(&["run", "-t", "prod", "--vars", vars, "--select", "+report"]);
    ended.expect(0);
    assert_eq!(
        project.query("select scaled from prod.report order by place"),
        json!([[4000], [2000], [1500]])
    );
    project.run("run -t prod --select totals").expect(0);
    assert_eq!(project.statuses(), "success: totals");
    assert_eq!(
        project.query("select max(scaled) from prod.totals"),
        json!([[400]])
    );
    let tables = project.query(
        "select distinct table_schema from information_schema.tables where table_name = 'totals'",
    );
    assert_eq!(tables, json!([["prod"]]));
    project
        .run("run --select nothing_of_that_name")
        .expect(0)
        .says("Nothing to do");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn fail_fast_starts_nothing_more() {
    let project = Project::bare();
    project.write(
        "models/a_bad.py",
        "print('bad')\nif list_models():\n    raise RuntimeError('no')\nwrite_to_model(None)\n",
    );
    // What others wait for goes first.
    project.write("models/below.sql", "select * from {{ ref('a_bad') }}");
    for name in ["b", "c", "d"] {
        project.write(&format!("models/{name}.sql"), "select 1 as id");
    }
    let ended = project.run("run --fail-fast --threads 1");
    ended.expect(1).says("a_bad | bad").never_says("START sql");
    assert_eq!(project.statuses(), "error: a_bad; skipped: b below c d");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn runs_of_two_projects_at_the_same_time_do_not_disturb_each_other() {
    let projects = [Project::copy_of("shop"), Project::copy_of("shop")];
    let factors = [3, 7];
    projects[0].run("seed").expect(0);
    projects[1].write(
        "shop.duckdb",
        fs::read(projects[0].path("shop.duckdb")).unwrap(),
    );
    for (project, factor) in projects.iter().zip(factors) {
        let settings = project
            .read("dbt_project.yml")
            .replace("factor: 10", &format!("factor: {factor}"));
        project.write("dbt_project.yml", settings);
    }
    thread::scope(|scope| {
        let runs: Vec<_> = projects
            .iter()
            .map(|project| scope.spawn(|| project.run("run")))
            .collect();
        for run in runs {
            run.join().unwrap().expect(0);
        }
    });
    for (project, factor) in projects.iter().zip(factors) {
        assert_eq!(
            project.query("select max(scaled) from report"),
            json!([[40 * factor]])
        );
        project.nothing_is_left();
    }
}

/// What all processes of a run import, with a Python that notes it.
fn imported(project: &Project, words: &str) -> HashSet<String> {
    let folder = project.home().join("noting");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let python = folder.join("python");
    let script = format!(
        "#!/bin/sh\nexec '{}' -X importtime \"$@\" 2>> '{}'/$$.notes\n",
        dbt_python().display(),
        folder.display()
    );
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = project.host(words);
    command.env("FAL_HOST_PYTHON", &python);
    project.finish(command).expect(0);
    let notes = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let notes = notes.filter(|path| path.extension().is_some());
    let text: String = notes
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let names = text.lines().filter_map(|line| line.rsplit_once("| "));
    names.map(|(_, name)| name.trim().to_owned()).collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn sql_alone_starts_no_process_for_python_and_imports_no_frames() {
    let of_python = |imported: &HashSet<String>| {
        let all = ["fal_worker.zygote", "pandas", "pyarrow"];
        all.into_iter()
            .filter(|name| imported.contains(*name))
            .collect::<Vec<_>>()
    };
    let project = Project::bare();
    project
        .write("models/a.sql", "select 1 as id")
        .write("models/b.sql", "select * from {{ ref('a') }}")
        .write("seeds/raw.csv", "id\n1\n");
    let imported = |words| imported(&project, words);
    let modules = imported("build");
    assert!(modules.contains("dbt.cli.main"), "the Python notes nothing");
    assert_eq!(of_python(&modules), [""; 0]);
    project.write("models/p.py", "import pandas\nwrite_to_model(ref('b'))\n");
    for words in [
        "run --select a b",
        "run --exclude p",
        "seed",
        "build --select raw +b",
    ] {
        assert_eq!(of_python(&imported(words)), [""; 0], "{words}");
    }
    for words in ["run --select p", "build --select b+", "run"] {
        assert!(imported(words).contains("fal_worker.zygote"), "{words}");
    }
}
