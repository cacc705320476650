//! What a user of dbt 2 sees of single runs.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use fal_e2e::{Ended, Project, Tree, dbt2_python, python};
use rustix::process::Signal;
use serde_json::json;

use super::Engine::{Dbt2, Inside, LaterDbt2};
use crate::second_engine::{ran_beside_each_other, waiting};

/// Notes its first argument, and is another program otherwise.
const NOTES: &str = "#!/bin/sh
echo \"$1\" >> <notes>
exec <program> \"$@\"
";

/// A program that notes its calls.
struct Noted {
    path: PathBuf,
    notes: PathBuf,
}

impl Noted {
    fn new(project: &Project, name: &str) -> Self {
        Self::of(project, name, NOTES)
    }

    /// Writes `script` as the program, with `<notes>` and `<program>` filled in.
    fn of(project: &Project, name: &str, script: &str) -> Self {
        let folder = project.home().join("bin");
        let (path, notes) = (folder.join(name), folder.join(format!("{name}.notes")));
        fs::create_dir_all(&folder).unwrap();
        let program = dbt2_python().with_file_name(name).display().to_string();
        let text = script.replace("<notes>", &notes.display().to_string());
        fs::write(&path, text.replace("<program>", &program)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path, notes }
    }

    /// Since the last look.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.notes).unwrap_or_default();
        let _ = fs::remove_file(&self.notes);
        text.lines().map(str::to_owned).collect()
    }
}

fn project(files: &[(&str, &str)]) -> Project {
    let project = Project::bare();
    for (path, text) in files {
        project.write(path, text);
    }
    project
}

fn run(project: &Project, args: &str) -> Ended {
    project.finish(Dbt2.host(project, args))
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn sql_alone_is_one_call_of_dbt_and_no_python() {
    let project = project(&[
        ("models/a.sql", "select 1 as id"),
        ("models/b.sql", "select * from {{ ref('a') }}"),
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\non-run-end: [\"select 1\"]\n",
        ),
    ]);
    let (dbt, python) = (Noted::new(&project, "dbt"), Noted::new(&project, "python"));
    let run = || {
        let mut command = Dbt2.host(&project, "run");
        command
            .env("FAL_HOST_DBT_ENGINE", "commands")
            .env("FAL_HOST_DBT", &dbt.path)
            .env("FAL_HOST_PYTHON", &python.path);
        project.finish(command).expect(0);
    };
    run();
    assert_eq!(dbt.calls(), ["parse", "run"]);
    run();
    assert_eq!(dbt.calls(), ["run"]);
    assert_eq!(python.calls(), [""; 0]);
    assert!(!project.has("target/fal/project"));
    assert_eq!(project.statuses(), "success: a b");
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn what_dbt_does_not_build_is_an_error_in_its_words() {
    let wrong = "{{ config(materialized='ephemeral') }} \
        {% if execute %}{{ exceptions.raise_compiler_error('no colours left') }}{% endif %} select 1 as id";
    for engine in [Dbt2, LaterDbt2] {
        let project = project(&[
            ("models/a.sql", wrong),
            ("models/b.sql", "select * from {{ ref('a') }}"),
            ("models/c.sql", "select * from {{ ref('b') }}"),
            ("models/d.sql", "select 1 as id"),
        ]);
        let ended = project.finish(engine.host(&project, "run"));
        ended.expect(1).says("no colours left");
        assert_eq!(project.statuses(), "error: b; skipped: c; success: d");
        assert!(project.message("b").contains("no colours left"));
        let results = project.json("target/run_results.json");
        let rows = results["results"].as_array().unwrap();
        let of_d = rows.iter().find(|row| row["unique_id"] == "model.shop.d");
        let thread = of_d.unwrap()["thread_id"].as_str().unwrap();
        assert_eq!(thread.ends_with(" (worker)"), engine == LaterDbt2);
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn an_error_of_on_run_start_has_its_true_text_and_nothing_is_built() {
    let project = project(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: shop\non-run-start: [\"select nothing_like_it\"]\n",
        ),
        ("models/a.sql", "select 1 as id"),
    ]);
    run(&project, "run").expect(1).says("nothing_like_it");
    assert!(
        !project.statuses().contains("success"),
        "{}",
        project.statuses()
    );
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn a_test_that_warns_is_a_warning_and_one_that_fails_skips_what_is_below() {
    let project = project(&[
        ("models/a.sql", "select 1 as id"),
        ("models/b.py", "write_to_model(ref('a'))"),
        ("models/c.sql", "select * from {{ ref('b') }}"),
        (
            "tests/warns.sql",
            "{{ config(severity='warn') }} select * from {{ ref('a') }}",
        ),
        ("tests/fails.sql", "select * from {{ ref('b') }}"),
    ]);
    run(&project, "build")
        .expect(1)
        .says("Warning in test warns")
        .says("Failure in test fails")
        .says("Got 1 result");
    assert_eq!(
        project.statuses(),
        "fail: fails; skipped: c; success: a b; warn: warns"
    );
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn with_fail_fast_results_are_still_those_of_each_node() {
    let project = project(&[
        ("models/a.sql", "select nothing_like_it"),
        ("models/below.sql", "select * from {{ ref('a') }}"),
        ("models/y.sql", "select 1 as id"),
        ("models/z.sql", "select * from {{ ref('y') }}"),
        ("models/p.py", "write_to_model(ref('z'))"),
    ]);
    let mut command = Dbt2.host(&project, "run --fail-fast");
    command.env("DBT_FAIL_FAST", "true");
    project.finish(command).expect(1).says("nothing_like_it");
    let statuses = project.statuses();
    // Python may have begun before `a` had failed.
    let expected = [
        "error: a; skipped: below p; success: y z",
        "error: a; skipped: below; success: p y z",
    ];
    assert!(expected.contains(&&*statuses), "{statuses}");
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn state_selects_what_has_changed() {
    let project = project(&[
        ("models/a.sql", "select 1 as id"),
        ("models/b.py", "write_to_model(ref('a'))"),
        ("models/c.sql", "select * from {{ ref('b') }}"),
    ]);
    run(&project, "run").expect(0);
    fs::rename(project.path("target"), project.path("before")).unwrap();
    project.write("models/a.sql", "select 2 as id");
    let listed = run(&project, "ls --select state:modified+ --state before");
    listed.expect(0);
    for name in ["shop.a", "shop.fal.b", "shop.c"] {
        listed.says(name);
    }
    let listed = run(&project, "ls --select state:modified --state before");
    listed.expect(0).says("shop.a").never_says("shop.c");
    project.write("models/b.py", "write_to_model(ref('a').head())");
    let listed = run(
        &project,
        "ls --select state:modified --state before --output name",
    );
    assert_eq!(listed.expect(0).stdout, "a\nb\n");
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn ctrl_c_ends_sql_and_python() {
    let endless = "select count(*) as n from range(10000000000) a, range(10000000000) b";
    let sleeps =
        "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('a'))\n";
    for (model, said) in [
        ("endless", "START sql table model main.endless"),
        ("sleeps", "asleep"),
    ] {
        let project = project(&[
            ("models/a.sql", "select 1 as id"),
            ("models/endless.sql", endless),
            ("models/sleeps.py", sleeps),
        ]);
        let mut running = project.spawn(Dbt2.host(&project, &format!("run --select a {model}")));
        running.wait_for(said);
        running.signal(Signal::INT);
        running.wait().expect(130);
        project.nothing_is_left();
        project.query("select 1");
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn a_database_of_a_newer_duckdb_is_an_error_with_its_remedy() {
    let project = project(&[("models/a.sql", "select 1 as id")]);
    let file = project.path("shop.duckdb").display().to_string();
    let code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table t (i int)'); print(1)";
    python(code, &[&file]);
    run(&project, "run")
        .expect(1)
        .says("created with an newer version of DuckDB");
    run(&project, "doctor")
        .expect(2)
        .says("dbt cannot open shop.duckdb")
        .says("storage_version 'v1.0.0'");
}

/// The version of the package that brings dbt 2: dbt-core, or dbt (Fusion).
fn installed_dbt() -> String {
    let code = "from importlib.metadata import distributions\n\
        found = {one.name: one.version for one in distributions()}\n\
        print(found.get('dbt-core') or found['dbt'])";
    let output = Command::new(dbt2_python())
        .args(["-c", code])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn doctor_names_the_engine_and_both_duckdbs() {
    let project = project(&[("models/a.sql", "select 1 as id")]);
    run(&project, "run").expect(0);
    run(&project, "doctor")
        .expect(0)
        .says(&format!(
            "by its commands: dbt {} is installed for",
            installed_dbt()
        ))
        .says("DuckDB 1.5.3 in dbt, DuckDB 1.5.");
    project
        .finish(Inside.host(&project, "doctor"))
        .expect(0)
        .says("driven from the inside");
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn on_postgres_calls_run_beside_each_other() {
    let project = waiting();
    run(&project, "run").expect(0);
    ran_beside_each_other(&project);
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn a_socket_of_postgres_is_an_error_with_its_remedy_before_anything_runs() {
    let project = project(&[("models/a.sql", "select 1 as id")]).on_postgres();
    for args in ["run", "doctor"] {
        let mut command = Dbt2.host(&project, args);
        command.env("PGHOST", "/var/run/postgresql");
        let ended = project.finish(command);
        ended
            .expect(2)
            .says("dbt 2 connects to PostgreSQL by TCP only")
            .says("Set `host` to a name or an address")
            .never_says("START");
    }
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn doctor_says_whether_a_postgres_is_too_old_for_dbt_2() {
    let project = project(&[("models/a.sql", "select 1 as id")]).on_postgres();
    run(&project, "doctor")
        .expect(0)
        .says("dbt 2 calls its support of PostgreSQL experimental");
    let address = env::var("FAL_TEST_OTHER_POSTGRES").expect("see CONTRIBUTING.md");
    let asks = "import psycopg2, sys; print(psycopg2.connect(sys.argv[1]).server_version // 10000)";
    let version = python(asks, &[&address]).as_u64().unwrap();
    let (_, rest) = address.split_once('@').unwrap();
    let (host, rest) = rest.split_once(':').unwrap();
    let (port, name) = rest.split_once('/').unwrap();
    let mut command = Dbt2.host(&project, "doctor");
    command.envs([("PGHOST", host), ("PGPORT", port), ("PGDATABASE", name)]);
    let ended = project.finish(command);
    if version < 16 {
        let said = format!("PostgreSQL {version} is too old for dbt 2");
        ended.expect(2).says(&said);
    } else {
        ended.expect(0);
    }
}

/// What of a project is in git.
fn of_user(project: &Project) -> Tree {
    let mut tree = project.tree();
    let made = ["target", "logs", "shop.duckdb"];
    tree.retain(|path, entry| {
        // Folders change with what is made in them.
        entry.modified = 0;
        !made.iter().any(|made| path.starts_with(made)) && !path.as_os_str().is_empty()
    });
    tree
}

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn the_files_of_a_project_are_the_same_for_every_dbt() {
    let project = Project::copy_of("flags");
    let mut before: Option<Tree> = None;
    for engine in [Inside, Dbt2, Inside] {
        // The DuckDB of one does not open the file of the other.
        let _ = fs::remove_file(project.path("shop.duckdb"));
        project.finish(engine.host(&project, "run")).expect(0);
        assert_eq!(project.query("select count(*) from report"), json!([[1]]));
        let after = of_user(&project);
        assert_eq!(
            before.get_or_insert_with(|| after.clone()),
            &after,
            "{engine:?}"
        );
    }
}

/// Runs another program. The first call that runs nodes finds half a manifest, as if one beside it
/// were writing it, for as long as Python takes to start.
const HALVES: &str = "#!/bin/sh
if [ \"$1\" = run ] && [ ! -e <notes> ]; then
    touch <notes>
    printf '{\"nodes\": {' > <manifest>
    sleep 2
fi
exec <program> \"$@\"
";

#[test]
#[ignore = "needs dbt 2: cargo xtask test"]
fn python_reads_no_manifest_that_dbt_is_writing() {
    let project = project(&[
        ("models/a.sql", "select 1 as id"),
        ("models/b.py", "write_to_model(ref('a'))\n"),
        ("models/c.sql", "select * from {{ ref('b') }}"),
    ]);
    let manifest = project.path("target/manifest.json").display().to_string();
    let noted = Noted::of(&project, "dbt", &HALVES.replace("<manifest>", &manifest));
    let run = |args| {
        let mut command = Dbt2.host(&project, args);
        command.env("FAL_HOST_DBT", &noted.path);
        project.finish(command)
    };
    run("run").expect(0).says("PASS=3");
    assert!(noted.notes.exists());
    // With the manifest of an earlier parse.
    fs::remove_file(&noted.notes).unwrap();
    run("run").expect(0).says("PASS=3");
}
