//! Errors of `plugin new` and `init --example`.

use std::{io, path::PathBuf};

use fal_plugin::manifest::Stage;

/// Why a plugin or a project could not be created.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name is not valid for a crate or a plugin.
    #[error("`{name}` cannot be the name of a plugin: {why}")]
    Name {
        /// The value as the user gave it.
        name: String,
        /// Why it is not valid.
        why: &'static str,
    },
    /// The name is not valid for a dbt project.
    #[error(
        "`{name}` cannot be the name of a dbt project: only letters of ASCII, digits and `_` can be in it, and no digit can be the first"
    )]
    ProjectName {
        /// The value as the user gave it.
        name: String,
    },
    /// There is no template for this stage in this language.
    #[error("`plugin new` has no template of a {stage} in {language}")]
    NoTemplate {
        /// The stage.
        stage: Stage,
        /// The language.
        language: &'static str,
    },
    /// A folder given for the interface does not hold it.
    #[error("{} is no folder of the plugin interface: it has no {missing}", path.display())]
    NoInterface {
        /// The value as the user gave it.
        path: PathBuf,
        /// The first missing file.
        missing: String,
    },
    /// The folder already exists.
    #[error("{} already exists, and nothing is overwritten", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The file system returned an error.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl ScaffoldError {
    /// Returns advice on how to fix the error.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("take small letters, digits and `-`, as `acme-stubs`".to_owned()),
            Self::ProjectName { .. } => Some("take a name as `fal_example`".to_owned()),
            Self::NoTemplate { stage, .. } => Some(format!(
                "leave out `--language`: the template in Rust shows all that a {stage} needs; any other language can \
                 fill the stage too, see docs/plugins/processes.md"
            )),
            Self::NoInterface { .. } => Some(
                "name the folder that holds `fal-plugin` and `fal-plugin-testkit`: lib/fal-host/interface of an \
                 installation, or `crates` of a checkout"
                    .to_owned(),
            ),
            Self::Exists { .. } => Some("take another name, or for a plugin another folder with `--dir`".to_owned()),
            Self::Write { .. } => None,
        }
    }
}
