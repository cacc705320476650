//! The errors of loading plugins. Each message names the file, what was expected and what was
//! found.

use std::path::PathBuf;

use fal_plugin::{PluginError, manifest::Stage};

use crate::process::ProcessError;

/// Why a plugin did not load. The variants are in the order of the checks.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no file `{}`", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The dynamic loader refuses the file.
    #[error("`{}` is not a library that this system can load: {cause}", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What the dynamic loader says.
        cause: String,
    },
    /// The file is truncated.
    #[error("the library `{}` is cut off: it has {has} bytes and needs at least {needs}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Number of bytes in the file.
        has: u64,
        /// Number of bytes that its header requires.
        needs: u64,
    },
    /// The library has no probe.
    #[error("`{}` is a library, but no fal-host plugin: it lacks the symbol `fal_plugin_probe`", path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
    },
    /// The probe cannot be read.
    #[error("the plugin `{}` does not say what it is: {cause}", path.display())]
    BadProbe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The interface is too new or too old.
    #[error(
        "the plugin `{name}` {version} (`{}`) was built for version {plugin} of the plugin interface; this fal-host has {host}",
        path.display()
    )]
    Interface {
        /// The file.
        path: PathBuf,
        /// Name of the plugin.
        name: String,
        /// Version of the plugin.
        version: String,
        /// Interface of the plugin.
        plugin: String,
        /// Interface of the host.
        host: String,
    },
    /// The types of the boundary differ.
    #[error("the plugin `{name}` (`{}`) has another binary interface: {cause}", path.display())]
    Abi {
        /// The file.
        path: PathBuf,
        /// Name of the plugin.
        name: String,
        /// Which check failed, in one line.
        cause: String,
    },
    /// A program cannot be started as a plugin.
    #[error("the plugin `{}` cannot be started: {cause}", path.display())]
    NotStarted {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A plugin's process did not answer with its manifest.
    #[error("{} (`{}`)", error.message(Some("hello")), path.display())]
    Process {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: ProcessError,
    },
    /// A plugin's process reports that it cannot work.
    #[error("the plugin `{}` refuses to start: {error}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Its message.
        error: PluginError,
    },
    /// The manifest cannot be read or contradicts the probe.
    #[error("the plugin `{name}` (`{}`) has a bad manifest: {cause}", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// Name of the plugin.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl LoadError {
    /// What the user can do, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Interface { .. } | Self::Abi { .. } => Some(
                "rebuild the plugin with the fal-plugin version of this fal-host, or install a build that fits".to_owned(),
            ),
            Self::Truncated { .. } => Some("copy or build it again".to_owned()),
            Self::Process { error, .. } => Some(error.help()),
            Self::Refused { error, .. } => error.help.clone(),
            Self::NotStarted { .. } => Some(
                "a plugin is a library, or an executable file called `NAME.fal-plugin`; a script's first line names its \
                 interpreter: `#!/usr/bin/env python3`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Why a stage of a loaded plugin did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The plugin does not fill the wanted stage.
    #[error("the plugin `{name}` (`{}`) does not fill the stage `{stage}`; it fills {}", path.display(), names(fills))]
    WrongStage {
        /// Wanted stage.
        stage: Stage,
        /// Name of the plugin.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What it fills.
        fills: Vec<Stage>,
    },
    /// The configuration does not fit the plugin's schema.
    #[error("the configuration of the plugin `{name}` in fal_project.yml is wrong: {cause}")]
    Config {
        /// Name of the plugin.
        name: String,
        /// Where and why.
        cause: String,
    },
    /// The plugin refused to open.
    #[error("the plugin `{name}` could not open its stage `{stage}`: {error}")]
    Refused {
        /// Name of the plugin.
        name: String,
        /// Stage.
        stage: Stage,
        /// Its message.
        error: PluginError,
    },
}

impl OpenError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::WrongStage { .. } => Some(Self::stages_help()),
            Self::Config { name, .. } => Some(format!(
                "mend `plugins: config: {name}:` in fal_project.yml"
            )),
            Self::Refused { error, .. } => error.help.clone(),
        }
    }

    /// Returns help that lists all stages and shows how to choose a plugin for one.
    pub fn stages_help() -> String {
        format!(
            "the stages are {}; for example `--plugin stub-writer=./libacme_stubs.so`",
            names(&Stage::ALL)
        )
    }
}

fn names(stages: &[Stage]) -> String {
    stages
        .iter()
        .map(|stage| format!("`{stage}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
