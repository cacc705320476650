//! Why there is nothing to retry.

use std::path::PathBuf;

/// What is wrong with what the last command left.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// Nothing ran yet.
    #[error("there is no run to try again: `{}` does not exist", .path.display())]
    NoLastRun {
        /// Where its results should be.
        path: PathBuf,
    },
    /// The artifact of the last run cannot be understood.
    #[error("`{}` cannot be read: {message}", .path.display())]
    BadLastRun {
        /// The artifact.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The last command has no results, and the one before left nothing to do.
    #[error("the last command ended before it had results: there is nothing to try again")]
    EndedEarly,
    /// The last command is none that `retry` repeats.
    #[error("the last command was `dbt {command}`, which cannot be tried again here")]
    Command {
        /// As dbt calls it.
        command: String,
    },
}

impl RetryError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoLastRun { .. } => "retry::no_last_run",
            Self::BadLastRun { .. } => "retry::bad_last_run",
            Self::EndedEarly => "retry::ended_early",
            Self::Command { .. } => "retry::command",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoLastRun { .. } => {
                "run something first (`fal-host build`), or name the folder with `--state`"
            }
            Self::BadLastRun { .. } => "run the command itself again: it writes the file anew",
            Self::EndedEarly => "run the command itself again: `retry` only knows nodes that ran",
            Self::Command { .. } => {
                "`retry` knows run, build, test, seed and snapshot; `dbt retry` may know it"
            }
        }
        .to_owned()
    }
}
