//! What goes wrong with a project on disk.

use std::{io, path::PathBuf};

use fal_plugin::PluginError;

use crate::diagnostics::FileDiagnostic;

/// A project's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no `dbt_project.yml`.
    #[error("no dbt_project.yml in {}{}", .folder.display(), if *.above { " or any folder above it" } else { "" })]
    NotFound {
        /// Where the search started.
        folder: PathBuf,
        /// Whether the folders above were searched as well.
        above: bool,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has invalid content. The diagnostic has the file, the line and what to do.
    #[error("{}: {}", .0.path, .0.message)]
    Invalid(Box<FileDiagnostic>),
}

impl ProjectError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some(
                "run it in a dbt project, or name one with --project-dir (or DBT_PROJECT_DIR)"
                    .to_owned(),
            ),
            Self::Read { .. } => None,
            Self::Invalid(diagnostic) => diagnostic.help.clone(),
        }
    }

    /// Returns the stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::NotFound { .. } => "project::not_found",
            Self::Read { .. } => "project::unreadable",
            Self::Invalid(diagnostic) => &diagnostic.code,
        }
    }
}

impl From<Box<FileDiagnostic>> for ProjectError {
    fn from(diagnostic: Box<FileDiagnostic>) -> Self {
        Self::Invalid(diagnostic)
    }
}

/// Stubs could not be generated. Except for [`GenerateError::Write`] the project is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Files that must be fixed first: all errors of all files, and the warnings.
    #[error("{} of the project must be fixed first", errors(.0))]
    Files(Vec<FileDiagnostic>),
    /// A plugin failed.
    #[error("the {stage} failed{}: {source}", plugin_place(.path, *.others))]
    Plugin {
        /// The stage: `python parser`, `notebook parser`, `stub writer`.
        stage: &'static str,
        /// The file that it was asked about.
        path: Option<String>,
        /// The number of further files that it failed on.
        others: usize,
        /// Its error.
        source: PluginError,
    },
    /// A file could not be written, removed or replaced. All files that were written before are
    /// complete; running it again continues.
    #[error("cannot {action} {path}: {source}")]
    Write {
        /// `write` or `remove`.
        action: &'static str,
        /// The file, below the project.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl GenerateError {
    /// Returns the stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Files(_) => "generate::files",
            Self::Plugin { source, .. } => &source.code,
            Self::Write { .. } => "generate::write",
        }
    }
}

fn errors(diagnostics: &[FileDiagnostic]) -> String {
    match diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count()
    {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    }
}

fn plugin_place(path: &Option<String>, others: usize) -> String {
    match (path, others) {
        (None, _) => String::new(),
        (Some(path), 0) => format!(" on {path}"),
        (Some(path), others) => format!(" on {path} and {others} more"),
    }
}
