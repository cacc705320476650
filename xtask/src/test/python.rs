//! Tests of the dbt backend's Python side.

use crate::{error::Result, layout, program, venv::Venv};

/// Runs pytest in the worker's folder, which is where `fal_worker` is imported from.
pub(super) fn run(venv: &Venv) -> Result<()> {
    let mut command = program::program(venv.python(), &layout::worker());
    program::run(command.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]))
}
