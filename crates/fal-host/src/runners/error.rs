//! What goes wrong with a runner as a whole.

use std::path::PathBuf;

use fal_plugin::PluginError;

/// Why a runner cannot be used, or how it failed.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Nothing has its name.
    #[error("there is no runner `{name}`")]
    Unknown {
        /// As wanted.
        name: String,
        /// Plugins that could be meant.
        known: Vec<String>,
        /// Folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// It is no runner.
    #[error("the plugin `{name}` is no runner: {why}")]
    NoRunner {
        /// Its name.
        name: String,
        /// What it is or is not.
        why: &'static str,
    },
    /// The backend cannot lend models.
    #[error(
        "the execution backend `{backend}` does not lend Python models, so none can go to the runner `{runner}`"
    )]
    NoLender {
        /// Name of the backend.
        backend: String,
        /// Name of the runner.
        runner: String,
    },
    /// Its session did not start.
    #[error("the runner `{name}` does not start: {error}")]
    Start {
        /// Its name.
        name: String,
        /// What it said.
        error: PluginError,
    },
    /// It failed while its nodes ran.
    #[error("the runner `{name}` failed: {error}")]
    Broken {
        /// Its name.
        name: String,
        /// What it said.
        error: PluginError,
    },
    /// Its session did not end in order.
    #[error("the runner `{name}` did not end in order: {error}")]
    Close {
        /// Its name.
        name: String,
        /// What it said.
        error: PluginError,
    },
}

impl RunnerError {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Unknown { .. } => "runner::unknown",
            Self::NoRunner { .. } => "runner::not_a_runner",
            Self::NoLender { .. } => "runner::no_lender",
            Self::Start { error, .. } | Self::Broken { error, .. } | Self::Close { error, .. } => {
                &error.code
            }
        }
    }

    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown {
                known, searched, ..
            } => Some(unknown_help(known, searched)),
            Self::NoRunner { .. } => Some(
                "`local` means: where dbt runs. `fal-host plugin list` shows all plugins".into(),
            ),
            Self::NoLender { .. } => {
                Some("route nothing, or choose another backend with `--plugin`".into())
            }
            Self::Start { error, .. } | Self::Broken { error, .. } | Self::Close { error, .. } => {
                error.help.clone()
            }
        }
    }
}

fn unknown_help(known: &[String], searched: &[PathBuf]) -> String {
    let folders: Vec<_> = searched
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).chain(["local"]).collect();
    format!(
        "known are: {}; searched: {}",
        known.join(", "),
        folders.join(", ")
    )
}
