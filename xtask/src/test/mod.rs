//! `cargo xtask test`: every test, in parts.
//!
//! pytest runs last, so that the last line shows the number of tests, whatever runs the Rust tests.

mod lint;
mod postgres;
mod rust;
mod skips;

pub(crate) use lint::{documentation, licences};
pub(crate) use postgres::Server;

use std::time::Instant;

use skips::Skips;

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

/// Runs all selected parts even if one fails, so that one run shows every failure. The last lines
/// name what this machine cannot test.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let (mut failed, mut skips, started) = (Vec::new(), Skips::default(), Instant::now());
    for part in ALL
        .into_iter()
        .filter(|part| args.only.is_empty() || args.only.contains(part))
    {
        program::tell(&format!(
            "\n==> {part:?} (after {} s)",
            started.elapsed().as_secs()
        ));
        if let Err(error) = run_part(part, args.full, &mut skips) {
            program::tell(&format!("error: {error}"));
            failed.push(part);
        }
    }
    skips.show();
    if !failed.is_empty() {
        Err(XtaskError::Parts { failed })
    } else if args.no_skips && !skips.is_empty() {
        Err(XtaskError::Skipped)
    } else {
        Ok(())
    }
}

fn run_part(part: Part, full: bool, skips: &mut Skips) -> Result<()> {
    match part {
        Part::Lint => lint::run(&environment()?, skips),
        Part::Rust => rust::run(&environment()?, skips),
        Part::E2e => rust::run_with_dbt(&environment()?, skips, full),
        Part::Dbt2 => rust::run_with_dbt2(&environment()?, skips),
        Part::Ecosystem => rust::run_with_tools(&environment()?, skips),
        Part::Site => site::build().map(drop),
        Part::Wheel => rust::run_with_wheel(&environment()?),
        Part::Python => python(&environment()?, skips),
    }
}

fn environment() -> Result<Venv> {
    venv::with(REQUIREMENTS)
}

/// Runs pytest in the folder of each, from which its modules are imported. The worker has the most
/// tests and comes last.
fn python(venv: &Venv, skips: &mut Skips) -> Result<()> {
    let plugins = layout::PROGRAMS.map(|name| layout::root().join("plugins").join(name));
    if !postgres::is_installed(venv) {
        let why = "the PostgreSQL of PyPI is built without libxml, Debian's `postgresql` with it";
        skips.add("reads of PostgreSQL's type xml", why);
    }
    let server = Server::start(venv)?;
    let own = ["xtask", "python"].map(|name| layout::root().join(name));
    for folder in own.iter().chain(&plugins).chain([&layout::worker()]) {
        let mut command = program::program(venv.python(), folder);
        // A process for each core; each takes whole files, in order, since files share sessions.
        let options = "-B -m pytest -q -p no:cacheprovider -n auto --dist loadfile --no-loadscope-reorder tests";
        command.args(options.split(' '));
        program::run(command.env("FAL_TEST_POSTGRES", server.address()))?;
    }
    Ok(())
}
