//! The errors of this program.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

use crate::args::Part;

/// A result of this program.
pub(crate) type Result<T> = std::result::Result<T, XtaskError>;

/// The errors of this program.
#[derive(Debug, Error)]
pub(crate) enum XtaskError {
    /// A program could not be started.
    #[error("`{command}` did not start: {source}")]
    Start { command: String, source: io::Error },
    /// A program ended badly.
    #[error("`{command}` failed ({status}){}", text_of(output))]
    Failed {
        command: String,
        status: ExitStatus,
        output: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// No suitable Python.
    #[error(
        "no Python 3.11 or newer was found (tried {})\n  Install one, on Debian and Ubuntu with `apt-get install python3 python3-venv`, \
         or name one: FAL_HOST_BASE_PYTHON=/path/to/python",
        tried.join(", ")
    )]
    NoPython { tried: Vec<String> },
    /// Python exists, but cannot make virtual environments.
    #[error(
        "{} cannot make a virtual environment:\n{output}\n  On Debian and Ubuntu: `apt-get install python3-venv`. Or install uv, which needs no more.",
        python.display()
    )]
    NoVenv { python: PathBuf, output: String },
    /// dbt 2 does not run here.
    #[error("dbt 2 cannot be installed here: {why}")]
    NoDbt2 { why: &'static str },
    /// A wheel is not what it must be.
    #[error("{}: {why}", wheel.display())]
    Wheel { wheel: PathBuf, why: String },
    /// Something that a release needs is not there.
    #[error("{0}")]
    Unready(String),
    /// A test was left out where none may be.
    #[error("with --no-skips all tests must run; install what the list above names")]
    Skipped,
    /// Some parts of the tests.
    #[error("failed: {failed:?}")]
    Parts { failed: Vec<Part> },
}

fn text_of(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!("\n{output}")
    }
}

/// Names the path that an IO error is about.
pub(crate) trait At<T> {
    /// Adds the path.
    fn at(self, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| XtaskError::Io {
            path: path.into(),
            source,
        })
    }
}
