//! What goes wrong at the door. Each cause names the library, what was expected and what was found.

use std::path::PathBuf;

use fal_plugin::{PluginError, manifest::Stage};

/// Why a library did not load. The variants are in the order of the checks.
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

/// Why a stage could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PluginDoorError {
    /// The library did not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No library of that name.
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
    /// The plugin fills other stages.
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
    Open {
        /// Name of the plugin.
        name: String,
        /// Stage.
        stage: Stage,
        /// What it said.
        error: PluginError,
    },
    /// A plugin path of the project is not trusted.
    #[error("fal_project.yml names the plugin path `{}`, which is not trusted", path.display())]
    Untrusted {
        /// The path.
        path: PathBuf,
    },
    /// `--plugin` cannot be read.
    #[error("`--plugin {text}` is not STAGE=NAME_OR_PATH")]
    BadChoice {
        /// As given.
        text: String,
    },
}

impl PluginDoorError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Load(LoadError::Interface { .. } | LoadError::Abi { .. }) => Some(
                "rebuild the plugin with the fal-plugin version of this fal-host, or install a build that fits".into(),
            ),
            Self::Load(_) => {
                Some("`fal-host plugin list` shows every library that was found, and why one did not load".into())
            }
            Self::Unknown { searched, known, broken, .. } => Some(unknown_help(searched, known, broken.as_deref())),
            Self::WrongStage { .. } | Self::BadChoice { .. } => Some(format!(
                "the stages are {}; for example `--plugin stub-writer=./libacme_stubs.so`",
                names(&Stage::ALL)
            )),
            Self::Config { name, .. } => Some(format!("mend `plugins: config: {name}:` in fal_project.yml")),
            Self::Open { error, .. } => error.help.clone(),
            Self::Untrusted { .. } => Some(
                "a plugin is native code that runs with your rights. If you trust this project, pass \
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
    let folders: Vec<_> = searched.iter().map(|path| path.display().to_string()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("found for this stage: {known}; searched: {}", folders.join(", "))
}

fn names(stages: &[Stage]) -> String {
    stages.iter().map(|stage| format!("`{stage}`")).collect::<Vec<_>>().join(", ")
}
