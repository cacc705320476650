//! What a command says when it cannot go on.

use fal_host::{HostError, plugins::PluginChoiceError};

use crate::{exit::Ended, output::Output};

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Anything behind the command line.
    #[error(transparent)]
    Host(Box<HostError>),
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
        Self::Usage {
            message: message.into(),
            help: None,
        }
    }

    /// Shows the error, and says how the command ends.
    pub(crate) fn show(&self, output: &Output) -> Ended {
        let Self::Host(host) = self else {
            output.error(self, self.code(), self.help().as_deref());
            return Ended::Wrong;
        };
        if matches!(**host, HostError::Interrupted) {
            output.status("Interrupted");
            return Ended::Interrupted;
        }
        match host.files() {
            Some(files) => output.problems(
                &files
                    .iter()
                    .flat_map(fal_host::source_problems)
                    .collect::<Vec<_>>(),
            ),
            None => output.error(self, self.code(), self.help().as_deref()),
        }
        Ended::Wrong
    }

    /// Mistakes in the command line have none: their messages are for people.
    fn code(&self) -> Option<&str> {
        match self {
            Self::Host(error) => Some(error.code()),
            Self::Usage { .. } | Self::Program { .. } | Self::Output(_) => None,
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

impl From<HostError> for CliError {
    fn from(error: HostError) -> Self {
        Self::Host(Box::new(error))
    }
}

impl From<PluginChoiceError> for CliError {
    fn from(error: PluginChoiceError) -> Self {
        HostError::from(error).into()
    }
}

impl From<fal_scaffold::ScaffoldError> for CliError {
    fn from(error: fal_scaffold::ScaffoldError) -> Self {
        Self::Usage {
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<fal_project::ProjectError> for CliError {
    fn from(error: fal_project::ProjectError) -> Self {
        HostError::from(error).into()
    }
}
