//! Why the command `hooks` cannot tell what to run.

use std::path::PathBuf;

/// What is wrong with the command line, or with what the last run left.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// `--all` and a selection.
    #[error(
        "`--all` and a selection (`--select`, `--models`, `--exclude`, `--selector`) exclude each other"
    )]
    AllWithSelection,
    /// Nothing says which models.
    #[error("there was no run to take the scripts of: `{}` does not exist", .path.display())]
    NoLastRun {
        /// Where it should be.
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
}

impl HooksError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::AllWithSelection => "give one of them".to_owned(),
            Self::NoLastRun { .. } => {
                "run the models first (`fal-host run`), or say which with `--all`, `--select` or `--before`".to_owned()
            }
            Self::BadLastRun { .. } => {
                "run the models again, or say which with `--all` or `--select` and remove the file".to_owned()
            }
        }
    }
}
