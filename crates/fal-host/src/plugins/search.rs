//! Where plugins are looked for, in order.

use std::{
    collections::BTreeSet,
    env::{
        self,
        consts::{DLL_PREFIX, DLL_SUFFIX},
    },
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use fal_plugin::process::FILE_SUFFIX;

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
}

impl SearchOrigin {
    /// For the user.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Environment => "FAL_PLUGIN_PATH",
            Self::User => "user",
            Self::Installation => "installation",
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
    /// Only libraries whose names begin so count: the folder of the program holds others as well.
    prefix: &'static str,
}

/// All places, the first wins.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    /// In order.
    pub places: Vec<SearchEntry>,
}

impl SearchPath {
    /// The places of this process: `project` (trusted paths of the project), `$FAL_PLUGIN_PATH`, the user's folder, the
    /// installation.
    pub fn new(project: &[PathBuf]) -> Self {
        let mut places: Vec<SearchEntry> = project
            .iter()
            .map(|path| place(path.clone(), SearchOrigin::Project))
            .collect();
        if let Some(paths) = env::var_os("FAL_PLUGIN_PATH") {
            let folders = env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty());
            places.extend(folders.map(|path| place(path, SearchOrigin::Environment)));
        }
        if let Ok(base) = etcetera::choose_base_strategy() {
            places.push(place(
                base.data_dir().join("fal-host").join("plugins"),
                SearchOrigin::User,
            ));
        }
        places.extend(installation());
        Self { places }
    }

    /// Nothing but these places.
    pub(super) fn only(paths: &[PathBuf]) -> Self {
        Self {
            places: paths
                .iter()
                .map(|path| place(path.clone(), SearchOrigin::Project))
                .collect(),
        }
    }

    /// The folders, for messages.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.places.iter().map(|place| place.path.clone()).collect()
    }

    /// Every plugin's file, in order.
    pub fn libraries(&self) -> Vec<(PathBuf, SearchOrigin)> {
        let mut seen = BTreeSet::new();
        let all = self
            .places
            .iter()
            .flat_map(|place| place.libraries().into_iter().map(|path| (path, place.kind)));
        all.filter(|(path, _)| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
            .collect()
    }

    /// Files that are named as a plugin `name` would be: the usual case, found without loading any other. In one folder a
    /// library goes ahead of a program.
    pub fn by_file_name(&self, name: &str) -> Vec<PathBuf> {
        let library = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"));
        let files = [library, format!("{name}{FILE_SUFFIX}")];
        let candidate = |place: &SearchEntry, file: &String| {
            let named = place
                .path
                .file_name()
                .is_some_and(|last| last == file.as_str());
            if named {
                place.path.clone()
            } else {
                place.path.join(file)
            }
        };
        let candidates = self
            .places
            .iter()
            .flat_map(|place| files.iter().map(move |file| candidate(place, file)));
        candidates.filter(|path| path.is_file()).collect()
    }
}

impl SearchEntry {
    fn libraries(&self) -> Vec<PathBuf> {
        if self.path.is_file() {
            return vec![self.path.clone()];
        }
        let Ok(entries) = self.path.read_dir() else {
            return Vec::new();
        };
        let mut found: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| self.counts(path))
            .collect();
        found.sort();
        found
    }

    fn counts(&self, path: &Path) -> bool {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let library =
            name.ends_with(DLL_SUFFIX) && name.starts_with(&format!("{DLL_PREFIX}{}", self.prefix));
        // A hidden file is one that is being written, or was thrown away.
        let program = name.ends_with(FILE_SUFFIX) && !name.starts_with('.');
        (library || program) && path.is_file()
    }
}

fn place(path: PathBuf, kind: SearchOrigin) -> SearchEntry {
    SearchEntry {
        path,
        kind,
        prefix: "",
    }
}

/// `<prefix>/bin/fal-host` has its plugins in `<prefix>/lib/fal-host/plugins`; an unpacked archive in `plugins` beside it; a build
/// of the workspace has its libraries right beside it, and its programs in the workspace's `plugins`.
fn installation() -> Vec<SearchEntry> {
    let Some(folder) = env::current_exe()
        .ok()
        .and_then(|exe| exe.canonicalize().ok()?.parent().map(Path::to_owned))
    else {
        return Vec::new();
    };
    let kind = SearchOrigin::Installation;
    let mut places = vec![place(folder.join("plugins"), kind)];
    if let Some(prefix) = folder.parent() {
        places.push(place(
            prefix.join("lib").join("fal-host").join("plugins"),
            kind,
        ));
    }
    places.extend(workspace(&folder).into_iter().map(|path| place(path, kind)));
    places.push(SearchEntry {
        path: folder,
        kind,
        prefix: "fal_",
    });
    places
}

/// The folders of the workspace's plugins, for a program that was built in it: what is a program need not be built, and
/// stays where it is.
fn workspace(built: &Path) -> Vec<PathBuf> {
    let Some(target) = built.parent().filter(|folder| folder.ends_with("target")) else {
        return Vec::new();
    };
    let root = target.parent().unwrap_or(target);
    let Some(entries) = root
        .join("plugins")
        .read_dir()
        .ok()
        .filter(|_| root.join("Cargo.toml").is_file())
    else {
        return Vec::new();
    };
    let mut folders: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| holds_program(path))
        .collect();
    folders.sort();
    folders
}

fn holds_program(folder: &Path) -> bool {
    let names = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    names
        .into_iter()
        .any(|name| name.to_string_lossy().ends_with(FILE_SUFFIX))
}
