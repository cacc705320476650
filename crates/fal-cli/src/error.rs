//! What a command says when it cannot go on.

use fal_host::{HostError, plugins::PluginDoorError};
use fal_project::GenerateError;

use crate::{exit::Ended, output::Output};

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Anything behind the command line.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The command line makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// An outside program failed.
    #[error("{message}")]
    Program {
        /// What was tried and what happened.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Output cannot be written.
    #[error("cannot write output")]
    Output(#[from] std::io::Error),
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: None }
    }

    /// Shows the error, and says how the command ends.
    pub(crate) fn show(&self, output: &Output) -> Ended {
        match self {
            Self::Host(HostError::Interrupted) => {
                output.status("Interrupted");
                Ended::Interrupted
            }
            Self::Host(HostError::Generate(GenerateError::Files(files))) => {
                let problems: Vec<_> = files.iter().flat_map(fal_host::source_problems).collect();
                output.problems(&problems);
                Ended::Wrong
            }
            error => {
                output.error(error, error.help().as_deref());
                Ended::Wrong
            }
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Host(error) => error.help(),
            Self::Usage { help, .. } | Self::Program { help, .. } => help.clone(),
            Self::Output(_) => None,
        }
    }
}

impl From<PluginDoorError> for CliError {
    fn from(error: PluginDoorError) -> Self {
        Self::Host(error.into())
    }
}

impl From<fal_project::ProjectError> for CliError {
    fn from(error: fal_project::ProjectError) -> Self {
        Self::Host(error.into())
    }
}
