//! `cargo xtask site`: builds the site over docs/ into target/site. Warnings are errors, and pages
//! load nothing from other hosts. `cargo xtask pictures` makes the pictures in docs/pictures.

use std::path::PathBuf;

use crate::{
    demo,
    error::Result,
    layout,
    program::{self, cargo},
    venv::{self, Venv},
};

const REQUIREMENTS: &str = "xtask/web/requirements.txt";

/// Builds the site and says how to read it.
pub(crate) fn run() -> Result<()> {
    let folder = build()?;
    let serve = "python3 -m http.server --directory";
    program::say(&format!("To read it: {serve} {}", folder.display()));
    Ok(())
}

/// Builds the site and returns its folder.
pub(crate) fn build() -> Result<PathBuf> {
    let folder = layout::target().join("site");
    let mut command = program::program(environment()?.program("mkdocs"), layout::root());
    command.args(["build", "--strict", "--site-dir"]);
    // Python's cache would be written beside the hook, and the theme advertises its next version.
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_MKDOCS_2_WARNING", "1");
    program::run(command.arg(&folder))?;
    Ok(folder)
}

/// Runs the example of `fal-host init`, and makes the pictures of its output and its graph.
pub(crate) fn pictures() -> Result<()> {
    program::run(&mut cargo("build --workspace"))?;
    let dbt = venv::with(demo::REQUIREMENTS)?;
    let mut command = program::program(environment()?.python(), layout::root());
    command.args(["-B", "xtask/web/pictures.py", "--host"]);
    command.arg(layout::target().join("debug/fal-host"));
    command.arg("--python").arg(dbt.python());
    program::run(command.args(["--into", "docs/pictures"]))
}

/// Makes the environment of the site and its pictures, or updates it.
fn environment() -> Result<Venv> {
    venv::within(layout::target().join("site-venv"), REQUIREMENTS)
}
