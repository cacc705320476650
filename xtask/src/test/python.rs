//! Tests of the dbt backend's Python side, and of the plugins that are programs in Python.

use crate::{error::Result, layout, program, venv::Venv};

/// Runs pytest in the folder of each, from which its modules are imported. The worker has the most
/// tests and comes last.
pub(super) fn run(venv: &Venv) -> Result<()> {
    let plugins = layout::PROGRAMS.map(|name| layout::root().join("plugins").join(name));
    for folder in plugins.iter().chain([&layout::worker()]) {
        let mut command = program::program(venv.python(), folder);
        program::run(command.args([
            "-B",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            // A process for each core; each takes whole files, whose tests share sessions.
            "-n",
            "auto",
            "--dist",
            "loadfile",
            "tests",
        ]))?;
    }
    Ok(())
}
