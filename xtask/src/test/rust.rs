//! Tests of the workspace, with nextest where it is installed.

use std::{env, process::Command};

use super::{
    postgres::Server,
    skips::{Skips, leave_out_the_longest},
};
use crate::{
    args::Part,
    dbt2,
    error::Result,
    layout,
    program::{self, cargo},
    venv::{self, Venv},
    wheel,
};

/// The requirements of the Ray cluster in the tests.
const RAY: &str = "tests/ray-requirements.txt";

/// The end-to-end tests that run dbt 2: one module.
const DBT2: &str = "dbt2::";
/// The end-to-end tests of tools around dbt, and the environments that they need.
const ECOSYSTEM: &str = "ecosystem::";
const TOOLS: [&str; 5] = ["dagster", "cosmos", "prefect", "telemetry", "tools"];

/// The end-to-end tests that install the wheel, and the requirements of the installers besides uv.
const WHEEL: &str = "wheel::";
const INSTALLERS: &str = "tests/wheel.txt";

/// Runs all tests that need no dbt, then the doctests.
pub(super) fn run(venv: &Venv, skips: &mut Skips) -> Result<()> {
    build()?;
    let mut command = if nextest() {
        cargo("nextest run --workspace --no-fail-fast")
    } else {
        plain()
    };
    skips.leave_out(Part::Rust, &mut command);
    program::run(in_environment(&mut command, venv)?)?;
    program::run(&mut cargo("test --quiet --workspace --doc"))
}

/// Runs the tests that run dbt, all of them if `full`. They are marked as ignored, so that a plain
/// `cargo test` works without Python.
pub(super) fn run_with_dbt(venv: &Venv, skips: &mut Skips, full: bool) -> Result<()> {
    build()?;
    let mut command = if nextest() {
        cargo("nextest run --workspace --no-fail-fast --run-ignored only")
    } else {
        plain()
    };
    if nextest() {
        command.args(["-E", &format!("not test(/^({DBT2}|{ECOSYSTEM}|{WHEEL})/)")]);
    } else {
        command.args(["--", "--ignored"]);
        command.args([DBT2, ECOSYSTEM, WHEEL].map(|module| format!("--skip={module}")));
    }
    skips.leave_out(Part::E2e, &mut command);
    if !full {
        leave_out_the_longest(&mut command);
    }
    // Ray has a separate environment: it is large, and models on Ray have no dbt.
    let ray = venv::within(layout::target().join("ray-venv"), RAY)?;
    let server = Server::start(venv)?;
    let command = in_environment(&mut command, venv)?.env("FAL_TEST_RAY_PYTHON", ray.python());
    program::run(command.env("FAL_TEST_POSTGRES", server.address()))
}

/// Runs the tests that compare dbt 2 with dbt-core 1.11, each in its environment.
pub(super) fn run_with_dbt2(venv: &Venv, skips: &mut Skips) -> Result<()> {
    if let Some(why) = dbt2::missing() {
        skips.add("dbt 2", why);
        return Ok(());
    }
    build()?;
    let mut command = end_to_end();
    let dbt2 = dbt2::environment()?;
    command.arg(DBT2);
    skips.leave_out(Part::Dbt2, &mut command);
    // PostgreSQL 18, and the machine's, which may be too old for dbt 2.
    let (server, other) = (Server::start_newest()?, Server::start_tcp(venv)?);
    let command = in_environment(&mut command, venv)?
        .env("FAL_TEST_POSTGRES", server.address())
        .env("FAL_TEST_OTHER_POSTGRES", other.address());
    program::run(command.env("FAL_TEST_DBT2_PYTHON", dbt2.python()))
}

/// Runs the tests of tools around dbt, each in an environment of its requirements.
pub(super) fn run_with_tools(venv: &Venv, skips: &mut Skips) -> Result<()> {
    build()?;
    for tool in TOOLS {
        let folder = layout::target().join(format!("ecosystem-{tool}-venv"));
        venv::within(folder, &format!("tests/ecosystem/{tool}.txt"))?;
    }
    let mut command = end_to_end();
    command.arg(ECOSYSTEM);
    skips.leave_out(Part::Ecosystem, &mut command);
    let command = in_environment(&mut command, venv)?;
    program::run(command.env("FAL_TEST_ECOSYSTEM", layout::target()))
}

/// Runs the tests that install the wheels of the release build.
pub(super) fn run_with_wheel(venv: &Venv) -> Result<()> {
    let wheels = wheel::make(&layout::target().join("wheels-of-tests"))?;
    let installers = venv::within(layout::target().join("installers-venv"), INSTALLERS)?;
    let mut command = end_to_end();
    let command = in_environment(command.arg(WHEEL), venv)?
        .env("FAL_TEST_INSTALLERS", installers.python())
        .env("FAL_TEST_WHEEL", wheels.host);
    program::run(command.env("FAL_TEST_NOTEBOOK_WHEEL", wheels.notebook))
}

/// The end-to-end tests that a plain run leaves out, of which a filter follows.
fn end_to_end() -> Command {
    if nextest() {
        cargo("nextest run -p fal-e2e --no-fail-fast --run-ignored only")
    } else {
        cargo("test --quiet -p fal-e2e --no-fail-fast --tests -- --ignored")
    }
}

/// Builds fal-host and its plugins, which tests find in cargo's folder.
fn build() -> Result<()> {
    program::run(&mut cargo("build --workspace"))
}

fn plain() -> Command {
    cargo("test --quiet --workspace --no-fail-fast --lib --bins --tests")
}

/// Whether nextest is installed.
fn nextest() -> bool {
    program::works(program::program("cargo-nextest", layout::root()).args(["nextest", "--version"]))
}

/// Sets the variables that give tests their Python and their fal-host.
fn in_environment<'a>(command: &'a mut Command, venv: &Venv) -> Result<&'a mut Command> {
    let host = layout::target().join("debug/fal-host");
    let python = venv.python();
    let folders = env::var_os("PATH").unwrap_or_default();
    let path =
        env::join_paths(env::split_paths(&folders).chain([venv.tools()?])).unwrap_or(folders);
    command.env("PATH", path);
    Ok(command
        .env("FAL_TEST_PYTHON", &python)
        .env("FAL_TEST_DBT_PYTHON", &python)
        .env("FAL_TEST_HOST", host))
}
