//! Errors that end a command.

use fal_graph::{DagError, SelectError};
use fal_plugin::PluginError;
use fal_project::{FileDiagnostic, GenerateError, ProjectError};
use fal_report::ReportError;

use crate::{hooks::HooksError, plugins::PluginChoiceError, run::RetryError, runners::RunnerError};

/// Why a command ended. All of them mean that the command, the project or a plugin is wrong, but
/// [`Interrupted`](Self::Interrupted).
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The project cannot be read.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The stubs cannot be generated.
    #[error(transparent)]
    Generate(Box<GenerateError>),
    /// A plugin cannot be used.
    #[error(transparent)]
    Plugin(#[from] PluginChoiceError),
    /// The execution backend failed.
    #[error("{error}")]
    Backend {
        /// What it said.
        error: PluginError,
    },
    /// Scripts, hooks, environments, runners or routes are wrong: all that is wrong with them.
    #[error("{} in the project's files must be mended first", count(.files))]
    Scripts {
        /// The problems, in schema files, in fal_project.yml and in the scripts themselves.
        files: Vec<FileDiagnostic>,
    },
    /// A runner cannot be used, or failed.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The command `hooks` cannot know what to run.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// There is nothing to retry.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// The nodes make no graph.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// The selection makes no sense.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The backend's graph has no node for a Python model.
    #[error("the execution backend does not know the model `{name}` ({path})")]
    UnknownModel {
        /// Name of the model.
        name: String,
        /// Its file.
        path: String,
    },
    /// There was a warning, under `--warn-error`.
    #[error("a warning ends the command under `--warn-error`: {message}")]
    Warning {
        /// The first one.
        message: String,
    },
    /// An artifact cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A folder or file of fal-host cannot be created.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The user stopped the command.
    #[error("interrupted")]
    Interrupted,
}

impl HostError {
    /// Returns the problems in the project's files, if they ended the command.
    pub fn files(&self) -> Option<&[FileDiagnostic]> {
        match self {
            Self::Scripts { files } => Some(files),
            Self::Project(ProjectError::Invalid(file)) => Some(std::slice::from_ref(&**file)),
            Self::Generate(error) => match &**error {
                GenerateError::Files(files) => Some(files),
                GenerateError::Plugin { .. } | GenerateError::Write { .. } => None,
            },
            _ => None,
        }
    }

    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Project(error) => error.code(),
            Self::Generate(error) => error.code(),
            Self::Plugin(error) => error.code(),
            Self::Backend { error } => &error.code,
            Self::Scripts { .. } => "project::files",
            Self::Runner(error) => error.code(),
            Self::Hooks(error) => error.code(),
            Self::Retry(error) => error.code(),
            Self::Dag(DagError::Cycle { .. }) => "graph::cycle",
            Self::Dag(_) => "graph::invalid",
            Self::Select(_) => "selection::invalid",
            Self::UnknownModel { .. } => "graph::unknown_model",
            Self::Warning { .. } => "host::warning",
            Self::Report(error) => error.code(),
            Self::Write { .. } => "host::write",
            Self::Interrupted => "host::interrupted",
        }
    }

    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.help(),
            Self::Plugin(error) => error.help(),
            Self::Backend { error } => error.help.clone(),
            Self::Runner(error) => error.help(),
            Self::Hooks(error) => Some(error.help()),
            Self::Retry(error) => Some(error.help()),
            Self::Generate(error) => match &**error {
                GenerateError::Plugin { source, .. } => source.help.clone(),
                GenerateError::Files(_) | GenerateError::Write { .. } => None,
            },
            Self::UnknownModel { .. } => Some(
                "is its stub disabled, or its folder left out by `.dbtignore`? `dbt ls` shows what dbt sees".to_owned(),
            ),
            Self::Scripts { .. } | Self::Warning { .. } => None,
            Self::Dag(_) | Self::Select(_) | Self::Report(_) | Self::Write { .. } | Self::Interrupted => None,
        }
    }
}

impl From<GenerateError> for HostError {
    fn from(error: GenerateError) -> Self {
        Self::Generate(Box::new(error))
    }
}

impl From<PluginError> for HostError {
    fn from(error: PluginError) -> Self {
        Self::Backend { error }
    }
}

fn count(files: &[FileDiagnostic]) -> String {
    match files.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    }
}
