//! Errors in the choice of plugins. Errors of a single plugin are in `fal-loader`.

use std::{io, path::PathBuf};

use fal_loader::{LoadError, OpenError};
use fal_plugin::manifest::Stage;

use super::names::TakenName;

/// Why a stage could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PluginChoiceError {
    /// The plugin did not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No plugin of that name.
    #[error("no plugin `{name}` for the stage `{stage}` was found")]
    Unknown {
        /// Wanted stage.
        stage: Stage,
        /// Wanted name.
        name: String,
        /// Folders that were searched.
        searched: Vec<PathBuf>,
        /// Plugins of that stage that were found.
        known: Vec<String>,
        /// A library of that name that did not load.
        broken: Option<String>,
    },
    /// The plugin does not open the stage.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A plugin path of the project is not trusted.
    #[error("fal_project.yml names the plugin path `{}`, which is not trusted", path.display())]
    Untrusted {
        /// The path.
        path: PathBuf,
    },
    /// The plugin is in an environment of the project that is not trusted.
    #[error("the plugin `{name}` is in the project's environment, which is not trusted: `{}`", path.display())]
    UntrustedEnvironment {
        /// Wanted name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A plugin has the name of one of fal-host's.
    #[error(transparent)]
    NameTaken(#[from] TakenName),
    /// The files of a plugin of the project cannot be listed, so trust cannot cover them.
    #[error("trust cannot cover the plugin `{}`: {source}", path.display())]
    NotCovered {
        /// The plugin.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record of trusted projects cannot be written.
    #[error("cannot write the record of trusted projects, {}: {source}", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `--plugin` cannot be read.
    #[error("`--plugin {text}` is not STAGE=NAME_OR_PATH")]
    BadChoice {
        /// As given.
        text: String,
    },
}

impl PluginChoiceError {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Load(_) => "plugin::load",
            Self::Unknown { .. } => "plugin::unknown",
            Self::Open(OpenError::WrongStage { .. }) => "plugin::stage",
            Self::Open(OpenError::Config { .. }) => "plugin::config",
            Self::Open(OpenError::Refused { error, .. }) => &error.code,
            Self::Untrusted { .. } | Self::UntrustedEnvironment { .. } => "plugin::untrusted",
            Self::NameTaken(_) => "plugin::name_taken",
            Self::NotCovered { .. } => "plugin::not_covered",
            Self::Record { .. } => "plugin::trust_record",
            Self::BadChoice { .. } => "plugin::choice",
        }
    }

    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Load(error) => Some(error.help().unwrap_or_else(|| {
                "`fal-host plugin list` shows every plugin that was found, and why one did not load".into()
            })),
            Self::Unknown { searched, known, broken, .. } => Some(unknown_help(searched, known, broken.as_deref())),
            Self::Open(error) => error.help(),
            Self::NotCovered { .. } | Self::Record { .. } => None,
            Self::BadChoice { .. } => Some(OpenError::stages_help()),
            Self::NameTaken(taken) if taken.own.is_none() => Some(
                "uninstall the package that brought it, and install fal-host again".into(),
            ),
            Self::NameTaken(_) => Some(
                "uninstall or rename it. To use it, give its path: `--plugin STAGE=PATH`, or under `plugins:` in \
                 fal_project.yml"
                    .into(),
            ),
            Self::Untrusted { .. } | Self::UntrustedEnvironment { .. } => Some(
                "a plugin is code that runs with your rights. If you trust this project, pass \
                 `--trust-project-plugins`, or record it once with `fal-host plugin trust`"
                    .into(),
            ),
        }
    }
}

fn unknown_help(searched: &[PathBuf], known: &[String], broken: Option<&str>) -> String {
    if let Some(broken) = broken {
        return format!("a library of that name was found but did not load: {broken}");
    }
    let folders: Vec<_> = searched
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    format!(
        "found for this stage: {known}; searched: {}",
        folders.join(", ")
    )
}
