//! Format, lints and documentation.

use std::{fs, process::Command};

use crate::{
    error::{At, Result},
    layout,
    program::{self, cargo, tell},
    venv::Venv,
};

/// Runs all checks, the quickest first.
pub(super) fn run(venv: &Venv) -> Result<()> {
    program::run(&mut cargo("fmt --all --check"))?;
    program::run(templates()?.args(["--check", "--edition", "2021"]))?;
    python(venv)?;
    program::run(&mut cargo(
        "clippy --quiet --workspace --all-targets -- -D warnings",
    ))?;
    program::run(cargo("doc --quiet --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"))?;
    licences()
}

/// Makes a command of rustfmt over the templates of `plugin new`, as `cargo fmt` of the author's
/// crate would run it.
fn templates() -> Result<Command> {
    let mut command = program::program("rustfmt", layout::root());
    let folder = layout::root().join("crates/fal-scaffold/templates");
    for template in fs::read_dir(&folder).at(&folder)?.flatten() {
        let files = ["src/lib.rs", "tests/contract.rs"].map(|file| template.path().join(file));
        command.args(files.iter().filter(|file| file.exists()));
    }
    Ok(command)
}

/// Rules, format and types of our Python; `ruff.toml` and `mypy.ini` say of which files.
fn python(venv: &Venv) -> Result<()> {
    for (name, args) in [
        ("ruff", &["check", "--quiet"][..]),
        ("ruff", &["format", "--check", "--quiet"]),
        ("mypy", &["--no-error-summary"]),
    ] {
        program::run(program::program(venv.program(name), layout::root()).args(args))?;
    }
    Ok(())
}

/// Checks licences and sources of dependencies. The advisories need the network and are not
/// checked.
fn licences() -> Result<()> {
    if !program::works(program::program("cargo-deny", layout::root()).arg("--version")) {
        tell("cargo-deny is not installed: licences of dependencies are not checked");
        return Ok(());
    }
    program::run(&mut cargo(
        "deny --offline --log-level error check bans licenses sources",
    ))
}
