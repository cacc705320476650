//! `cargo xtask matrix`: tests over several versions of dbt, and the table of their results.
//!
//! The last results of a version are stored beside its environment, so that the table can be filled
//! version by version.

mod counts;
mod environment;
mod table;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use self::{counts::Counts, environment::Environment};
use crate::{
    args::{MatrixArgs, MatrixPart},
    error::{At, Result, XtaskError},
    layout, program,
    test::{postgres::Server, rust},
};

/// The minor versions of dbt-core that fal-host drives from the inside.
const VERSIONS: [&str; 5] = ["1.8", "1.9", "1.10", "1.11", "1.12"];
/// Test programs of `tests/e2e` that say most about dbt. `--all` runs every one.
const E2E: [&str; 6] = [
    "artifacts",
    "hooks",
    "native_models",
    "postgres",
    "scripts",
    "verbs",
];
/// Folders of the Python tests that start dbt.
const FOLDERS: [&str; 3] = ["gateway", "postgres", "session"];

/// Makes the environments, runs the tests, writes the table.
pub(crate) fn run(args: &MatrixArgs) -> Result<()> {
    if args.wants(MatrixPart::E2e) {
        program::run(&mut program::cargo(["build", "--workspace"]))?;
    }
    let named: Vec<&str> = args.dbt.iter().map(String::as_str).collect();
    let mut failed = Vec::new();
    let versions = if named.is_empty() {
        VERSIONS.to_vec()
    } else {
        named
    };
    for version in versions.into_iter().filter(|_| !args.table) {
        program::tell(&format!("\n==> dbt {version}"));
        let Some(environment) = Environment::make(version)? else {
            continue;
        };
        if !test(&environment, args, version)? {
            failed.push(version.to_owned());
        }
    }
    let known = VERSIONS
        .iter()
        .filter_map(|version| known(version))
        .collect::<Vec<_>>();
    table::write(&known, &E2E, &FOLDERS)?;
    program::say(&table::render(&known));
    if failed.is_empty() {
        Ok(())
    } else {
        Err(XtaskError::Versions { failed })
    }
}

/// Returns the last results of a version.
fn known(version: &str) -> Option<Value> {
    let text = fs::read_to_string(environment::folder_of(version).join("matrix.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Runs the selected parts, stores their results beside the last results of the others, and returns
/// whether all passed.
fn test(environment: &Environment, args: &MatrixArgs, version: &str) -> Result<bool> {
    let mut results = known(version).unwrap_or_else(|| json!({}));
    results["installed"] = environment.installed()?;
    let mut passed = true;
    if args.wants(MatrixPart::Python) {
        let counts = attempt(
            &mut pytest(environment),
            &environment.folder().join("python.log"),
        )?;
        results["python"] = counts.to_json();
        passed &= counts.failed == 0;
    }
    if args.wants(MatrixPart::E2e) {
        let server = Server::start(environment.venv())?;
        let mut command = e2e(args.all);
        let command = rust::in_environment(&mut command, environment.venv())?
            .env("FAL_TEST_POSTGRES", server.address());
        let counts = attempt(command, &environment.folder().join("e2e.log"))?;
        results["e2e"] = counts.to_json();
        results["all"] = args.all.into();
        passed &= counts.failed == 0;
    }
    let file = environment.folder().join("matrix.json");
    fs::write(&file, results.to_string()).at(&file)?;
    Ok(passed)
}

fn pytest(environment: &Environment) -> Command {
    let mut command = program::program(environment.venv().python(), &layout::worker());
    command.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    command.args(FOLDERS.map(|folder| format!("tests/{folder}")));
    command
}

fn e2e(all: bool) -> Command {
    let programs = || E2E.iter().flat_map(|name| ["--test", name]);
    if rust::nextest() {
        let mut command = program::cargo([
            "nextest",
            "run",
            "-p",
            "fal-e2e",
            "--no-fail-fast",
            "--run-ignored",
            "only",
        ]);
        if !all {
            command.args(programs());
        }
        return command;
    }
    let mut command = program::cargo(["test", "-p", "fal-e2e", "--no-fail-fast"]);
    if all {
        command.arg("--tests")
    } else {
        command.args(programs())
    };
    command.args(["--", "--ignored"]);
    command
}

/// Runs tests to their end; their output goes into a file.
fn attempt(command: &mut Command, log: &Path) -> Result<Counts> {
    program::tell(&format!(
        "$ {} > {}",
        program::shown(command),
        log.display()
    ));
    let output = program::attempt(command)?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    fs::write(log, &text).at(log)?;
    let counts = counts::parse(&text).ok_or_else(|| XtaskError::Answer {
        command: program::shown(command),
        output: format!("no numbers of tests; see {}", log.display()),
    })?;
    program::tell(&format!("{counts}"));
    Ok(counts)
}
