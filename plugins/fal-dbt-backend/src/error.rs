//! The supervisor's errors, and the stable codes that users see.

use std::{io, path::PathBuf};

use fal_plugin::PluginError;

/// The configuration is wrong.
pub(crate) const CONFIG: &str = "dbt::config";
/// A process could not be started.
pub(crate) const START: &str = "dbt::start";
/// The dbt session ended by itself.
pub(crate) const SESSION_DIED: &str = "dbt::session_died";
/// The process from which models are forked ended by itself.
pub(crate) const ZYGOTE_DIED: &str = "python::zygote_died";
/// A process sent a message that the protocol does not define.
pub(crate) const PROTOCOL: &str = "dbt::protocol";
/// A node cannot be lent to a runner.
pub(crate) const LEASE: &str = "dbt::lease";
/// The user stopped the run.
pub(crate) const INTERRUPTED: &str = "dbt::interrupted";

/// Why nothing could start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The worker's files could not be written.
    #[error("the worker's files cannot be written to {}: {cause}", .folder.display())]
    Unpack {
        /// The last folder that was tried.
        folder: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// No private folder for sockets.
    #[error("no private folder can be made in {}: {cause}", .folder.display())]
    RunDir {
        /// Where.
        folder: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The interpreter did not start.
    #[error("{what} cannot be started with {}: {cause}", .python.display())]
    Spawn {
        /// Which process.
        what: &'static str,
        /// The interpreter.
        python: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The `dbt` program did not start.
    #[error("{} did not start: {cause}", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The system refused a thread, a socket or a random number.
    #[error("the system refused {what}: {cause}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// Too late.
    #[error("the session is closed")]
    Closed,
}

impl StartError {
    /// Returns a function for `map_err` that turns an error of the operating system into this one.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}

impl From<StartError> for PluginError {
    fn from(error: StartError) -> Self {
        let plain = Self::new(START, error.to_string());
        match error {
            StartError::Unpack { .. } => {
                plain.with_help("set FAL_HOST_CACHE_DIR to a folder that can be written")
            }
            StartError::RunDir { .. } => {
                plain.with_help("set TMPDIR to a folder that can be written")
            }
            StartError::Spawn { .. } => plain.with_help("name another interpreter with --python"),
            StartError::Program { .. } => plain.with_help("name another `dbt` in FAL_HOST_DBT"),
            StartError::System { .. } | StartError::Closed => plain,
        }
    }
}

/// Why a request to a process failed.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The process answered with an error. It still runs, and the message is for the user.
    Answered(PluginError),
    /// There is no answer and there will be none: the process is gone or the run was interrupted.
    Lost(PluginError),
}

impl From<AskError> for PluginError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Answered(error) | AskError::Lost(error) => error,
        }
    }
}
