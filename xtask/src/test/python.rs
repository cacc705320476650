//! Tests of the dbt backend's Python side.

use super::postgres::Server;
use crate::{error::Result, layout, program, venv::Venv};

/// Runs pytest in the worker's folder, which is where `fal_worker` is imported from.
pub(super) fn run(venv: &Venv) -> Result<()> {
    let server = Server::start(venv)?;
    let mut command = program::program(venv.python(), &layout::worker());
    command.env("FAL_TEST_POSTGRES", server.address());
    program::run(command.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]))
}
