//! A folder of plugins, or one plugin, and which of its files count.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    path::{Path, PathBuf},
};

use fal_plugin::process::FILE_SUFFIX;

use super::built_in;

/// Who put a folder on the search path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrigin {
    /// fal_project.yml; only when trusted.
    Project,
    /// `$FAL_PLUGIN_PATH`.
    Environment,
    /// The user's plugin folder.
    User,
    /// The installation.
    Installation,
    /// An environment of the project; only when trusted.
    ProjectEnvironment,
}

impl SearchOrigin {
    /// For the user.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Environment => "FAL_PLUGIN_PATH",
            Self::User => "user",
            Self::Installation => "installation",
            Self::ProjectEnvironment => "project's environment",
        }
    }
}

/// A folder of plugins, or one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchEntry {
    /// The folder or file.
    pub path: PathBuf,
    /// Who named it.
    pub kind: SearchOrigin,
    /// Which plugins count.
    pub(super) filter: Filter,
    /// Whether its plugins are loaded.
    pub(super) trusted: bool,
}

/// Which plugins of a folder count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// All.
    All,
    /// The libraries of fal-host.
    BuiltInLibraries,
    /// All but the libraries of fal-host.
    NoBuiltInLibrary,
    /// All but fal-host's.
    NoBuiltIn,
}

impl SearchEntry {
    /// All plugins of a folder, or one plugin.
    pub(super) fn new(path: PathBuf, kind: SearchOrigin) -> Self {
        Self {
            path,
            kind,
            filter: Filter::All,
            trusted: true,
        }
    }

    /// The files of its plugins, sorted: libraries and programs of the folder, and programs that have a folder to
    /// themselves, `NAME/NAME.fal-plugin`.
    pub(super) fn plugins(&self) -> Vec<PathBuf> {
        if self.path.is_file() {
            return vec![self.path.clone()];
        }
        let Ok(entries) = self.path.read_dir() else {
            return Vec::new();
        };
        let entries = entries.flatten().map(|entry| {
            let (path, name) = (entry.path(), entry.file_name());
            let own = format!("{}{FILE_SUFFIX}", name.to_string_lossy());
            if path.is_dir() { path.join(own) } else { path }
        });
        let mut found: Vec<_> = entries.filter(|path| self.counts(path)).collect();
        found.sort();
        found
    }

    /// The files that are named as a plugin `name` would be.
    pub(super) fn by_file_name(&self, name: &str) -> Vec<PathBuf> {
        let program = format!("{name}{FILE_SUFFIX}");
        let library = built_in::library_file(name);
        if [&library, &program]
            .iter()
            .any(|file| self.path.ends_with(file))
            && self.path.is_file()
        {
            return vec![self.path.clone()];
        }
        let own = Path::new(name).join(&program);
        let files = [library.into(), program.into(), own];
        let files = files.map(|file: PathBuf| self.path.join(file)).into_iter();
        files.filter(|path| self.counts(path)).collect()
    }

    fn counts(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let library = name.ends_with(DLL_SUFFIX) && name.starts_with(DLL_PREFIX);
        // A hidden file is one that is being written, or was thrown away.
        let program = name.ends_with(FILE_SUFFIX) && !name.starts_with('.');
        (library || program) && self.filter.takes(path) && path.is_file()
    }
}

impl Filter {
    fn takes(self, path: &Path) -> bool {
        match self {
            Self::All => true,
            Self::BuiltInLibraries => built_in::is_library(path),
            Self::NoBuiltInLibrary => !built_in::is_library(path),
            Self::NoBuiltIn => !built_in::is_file(path),
        }
    }
}
