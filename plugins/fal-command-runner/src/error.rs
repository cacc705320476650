//! The errors of the runner, with the stable codes that users see.

use std::{io, path::PathBuf};

use fal_plugin::PluginError;

/// The configuration is wrong.
pub(crate) const CONFIG: &str = "command::config";
/// A node came without a lease.
pub(crate) const NO_LEASE: &str = "command::no_lease";
/// The program of the command does not exist.
pub(crate) const NOT_FOUND: &str = "command::not_found";
/// The system could not start the command.
pub(crate) const START: &str = "command::start";
/// The script could not be made ready.
pub(crate) const BUNDLE: &str = "command::bundle";
/// The session is closed.
pub(crate) const CLOSED: &str = "command::closed";
/// This backend runs no SQL.
pub(crate) const NO_SQL: &str = "command::no_sql";

/// Why a command could not be started. The other nodes would fail in the same way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The program does not exist.
    #[error("there is no program `{program}` for the command: {command}")]
    NotFound {
        /// The first word of the command.
        program: String,
        /// All words.
        command: String,
    },
    /// The system could not start the command.
    #[error("the command cannot be started: {cause}\nThe command: {command}")]
    Spawn {
        /// All words.
        command: String,
        /// Why not.
        cause: io::Error,
    },
    /// A file could not be written or read.
    #[error("{} cannot be {what}: {cause}", .path.display())]
    Bundle {
        /// The operation as a participle, such as `written`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
}

impl From<StartError> for PluginError {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match error {
            StartError::NotFound { program, .. } if program.contains('/') => Self::new(NOT_FOUND, message)
                .with_help("the first word of `command` is a file that must exist; it is looked for in the project's folder"),
            StartError::NotFound { .. } => Self::new(NOT_FOUND, message).with_help(
                "install it, give its whole path as the first word of `command`, or put its folder on PATH; functions and aliases of a shell \
                 are no programs, and shell syntax needs `shell: true`",
            ),
            StartError::Spawn { .. } => Self::new(START, message)
                .with_help("the first word of `command` must be a program that may be executed (chmod +x, a #! line)"),
            StartError::Bundle { .. } => Self::new(BUNDLE, message)
                .with_help("`folder` in the configuration of the command runner is where models get their folders"),
        }
    }
}
