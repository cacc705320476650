//! `cargo xtask test`: every test, in parts.
//!
//! The part that ends last is pytest's, so that the last line says how many tests ran, whatever runs the Rust tests.

mod lint;
mod namespaces;
pub(crate) mod postgres;
mod python;
pub(crate) mod rust;

pub(crate) use postgres::Server;

use std::time::Instant;

use crate::{
    args::{Part, TestArgs},
    error::{Result, XtaskError},
    program,
    venv::{self, Venv},
};

/// What the tests import: the example's requirements and more.
pub(crate) const REQUIREMENTS: &str = "tests/requirements.txt";
const ALL: [Part; 4] = [Part::Lint, Part::Rust, Part::E2e, Part::Python];

/// Runs the parts that were asked for, all of them, so that one run tells everything that fails.
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
        Part::E2e => {
            namespaces::announce();
            rust::run_with_dbt(&environment()?)
        }
        Part::Python => python::run(&environment()?),
    }
}

fn environment() -> Result<Venv> {
    venv::with(REQUIREMENTS)
}
