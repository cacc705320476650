//! The example as the README shows it: its stubs are current, it runs, its data tests pass, and
//! dbt's own commands work.
//!
//! Needs `FAL_TEST_HOST`, a fal-host with its plugins, and for what runs dbt `FAL_TEST_DBT_PYTHON`;
//! `cargo xtask test` sets both.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Copies the example without the files that runs leave behind.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/jaffle_shop");
    copy_folder(&example, folder.path());
    folder
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let left_behind = ["target", "logs"].iter().any(|left| name == *left)
            || name.to_string_lossy().contains("duckdb");
        if left_behind {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

fn variable(name: &str) -> PathBuf {
    PathBuf::from(
        env::var_os(name)
            .unwrap_or_else(|| panic!("{name} is not set; `cargo xtask test` sets it")),
    )
}

fn run(program: &Path, args: &[&str], folder: &Path) -> String {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(folder)
        .env("PYTHONUTF8", "1")
        .env_remove("VIRTUAL_ENV");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success(),
        "{} {args:?}: {}\n{text}",
        program.display(),
        output.status
    );
    text
}

fn dbt(args: &[&str], folder: &Path) -> String {
    run(
        &variable("FAL_TEST_DBT_PYTHON").with_file_name("dbt"),
        args,
        folder,
    )
}

fn fal_host(args: &[&str], folder: &Path) -> String {
    let python = variable("FAL_TEST_DBT_PYTHON");
    run(
        &variable("FAL_TEST_HOST"),
        &[args, &["--python", python.to_str().unwrap()]].concat(),
        folder,
    )
}

fn rows(query: &str, folder: &Path) -> String {
    let code = format!(
        "import duckdb; print(duckdb.connect('jaffle_shop.duckdb', read_only=True).sql({query:?}).fetchall())"
    );
    run(&variable("FAL_TEST_DBT_PYTHON"), &["-c", &code], folder)
        .trim()
        .to_owned()
}

#[test]
#[ignore = "needs FAL_TEST_HOST"]
fn its_stubs_are_current() {
    run(
        &variable("FAL_TEST_HOST"),
        &["generate", "--check"],
        copy().path(),
    );
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn it_runs_and_its_data_tests_pass() {
    let folder = copy();
    let folder = folder.path();
    dbt(&["--quiet", "seed"], folder);
    let output = fal_host(&["run"], folder);
    assert!(output.contains("PASS=10 WARN=0 ERROR=0 SKIP=0"), "{output}");
    let tested = dbt(&["test"], folder);
    assert!(
        tested.contains("ERROR=0") && tested.contains("SKIP=0"),
        "{tested}"
    );
    let segments = rows(
        "select segment, customers from segment_summary order by segment",
        folder,
    );
    assert_eq!(
        segments,
        "[('feaster', 27), ('occasional', 110), ('regular', 52)]"
    );
    let outlook = "select count(*), count(distinct week), count(distinct segment), sum(expected_orders) > 50 from segment_outlook";
    assert_eq!(rows(outlook, folder), "[(15, 5, 3, True)]");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn plain_dbt_works_on_it() {
    let folder = copy();
    let folder = folder.path();
    dbt(&["--quiet", "parse", "--no-partial-parse"], folder);
    let listed = dbt(
        &[
            "--quiet",
            "ls",
            "--select",
            "+segment_outlook",
            "--resource-type",
            "model",
        ],
        folder,
    );
    assert!(
        listed.contains("jaffle_shop.fal.ml.order_forecast"),
        "{listed}"
    );
    dbt(&["--quiet", "seed"], folder);
    fal_host(&["run", "--quiet"], folder);
    dbt(&["--quiet", "run"], folder);
    dbt(&["--quiet", "docs", "generate"], folder);
}
