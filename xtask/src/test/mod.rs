//! `cargo xtask test`: every test, in parts.
//!
//! pytest runs last, so that the last line shows the number of tests, whatever runs the Rust tests.

mod lint;
mod postgres;
mod rust;

pub(crate) use postgres::Server;

use std::time::Instant;

use crate::{
    args::{Part, TestArgs},
    error::{Result, XtaskError},
    layout, program, site,
    venv::{self, Venv},
};

/// The requirements of the tests: those of the example and more.
pub(crate) const REQUIREMENTS: &str = "tests/requirements.txt";
const ALL: [Part; 8] = [
    Part::Lint,
    Part::Rust,
    Part::E2e,
    Part::Dbt2,
    Part::Ecosystem,
    Part::Site,
    Part::Wheel,
    Part::Python,
];

/// Runs all selected parts even if one fails, so that one run shows every failure.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let (mut failed, started) = (Vec::new(), Instant::now());
    for part in ALL
        .into_iter()
        .filter(|part| args.only.is_empty() || args.only.contains(part))
    {
        program::tell(&format!(
            "\n==> {part:?} (after {} s)",
            started.elapsed().as_secs()
        ));
        if let Err(error) = run_part(part) {
            program::tell(&format!("error: {error}"));
            failed.push(part);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(XtaskError::Parts { failed })
    }
}

fn run_part(part: Part) -> Result<()> {
    match part {
        Part::Lint => lint::run(&environment()?),
        Part::Rust => rust::run(&environment()?),
        Part::E2e => rust::run_with_dbt(&environment()?),
        Part::Dbt2 => rust::run_with_dbt2(&environment()?),
        Part::Ecosystem => rust::run_with_tools(&environment()?),
        Part::Site => site::build().map(drop),
        Part::Wheel => rust::run_with_wheel(&environment()?),
        Part::Python => python(&environment()?),
    }
}

fn environment() -> Result<Venv> {
    venv::with(REQUIREMENTS)
}

/// Runs pytest in the folder of each, from which its modules are imported. The worker has the most
/// tests and comes last.
fn python(venv: &Venv) -> Result<()> {
    let plugins = layout::PROGRAMS.map(|name| layout::root().join("plugins").join(name));
    let own = ["xtask", "python"].map(|name| layout::root().join(name));
    for folder in own.iter().chain(&plugins).chain([&layout::worker()]) {
        let mut command = program::program(venv.python(), folder);
        // A process for each core; each takes whole files, in order, since files share sessions.
        let options = "-B -m pytest -q -p no:cacheprovider -n auto --dist loadfile --no-loadscope-reorder tests";
        program::run(command.args(options.split(' ')))?;
    }
    Ok(())
}
