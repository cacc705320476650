//! Where plugins are looked for, in order.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use fal_plugin::process::FILE_SUFFIX;

use super::{
    built_in,
    environment::{ProjectEnvironment, own_plugins},
    place::{Filter, SearchEntry, SearchOrigin},
};

/// What a project brings along.
#[derive(Clone, Debug, Default)]
pub struct ProjectPlugins {
    /// Paths that fal_project.yml names. They are trusted.
    pub paths: Vec<PathBuf>,
    /// Its environments that have plugins.
    pub environments: Vec<ProjectEnvironment>,
}

/// All places, the first wins.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    /// In order.
    pub places: Vec<SearchEntry>,
    /// Plugins of the project's environments that have a name of fal-host's.
    pub(super) refused: Vec<PathBuf>,
}

impl SearchPath {
    /// The places of this process: trusted paths of fal_project.yml, `$FAL_PLUGIN_PATH`, the user's folder, the
    /// installation, environments of the project.
    pub fn new(project: &ProjectPlugins) -> Self {
        let paths = project.paths.iter();
        let mut places: Vec<SearchEntry> = paths
            .map(|path| SearchEntry::new(path.clone(), SearchOrigin::Project))
            .collect();
        if let Some(paths) = env::var_os("FAL_PLUGIN_PATH") {
            let folders = env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty());
            places.extend(folders.map(|path| SearchEntry::new(path, SearchOrigin::Environment)));
        }
        if let Ok(base) = etcetera::choose_base_strategy() {
            places.push(SearchEntry::new(
                base.data_dir().join("fal-host").join("plugins"),
                SearchOrigin::User,
            ));
        }
        places.extend(installation(
            project.environments.iter().any(|found| found.is_own),
        ));
        let environments = &project.environments;
        places.extend(environments.iter().map(ProjectEnvironment::entry));
        Self {
            places,
            refused: environments
                .iter()
                .flat_map(ProjectEnvironment::refused)
                .collect(),
        }
    }

    /// Nothing but these places.
    pub(super) fn only(paths: &[PathBuf]) -> Self {
        Self {
            places: paths
                .iter()
                .map(|path| SearchEntry::new(path.clone(), SearchOrigin::Project))
                .collect(),
            refused: Vec::new(),
        }
    }

    /// The folders, for messages.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.places.iter().map(|place| place.path.clone()).collect()
    }

    /// Every plugin's file that may be loaded, in order.
    pub fn libraries(&self) -> Vec<(PathBuf, SearchOrigin)> {
        let all = self.all().into_iter();
        all.filter(|(_, entry)| entry.trusted)
            .map(|(path, entry)| (path, entry.kind))
            .collect()
    }

    /// Every plugin's file, in order, with its place.
    pub(super) fn all(&self) -> Vec<(PathBuf, &SearchEntry)> {
        let mut seen = BTreeSet::new();
        let all = self
            .places
            .iter()
            .flat_map(|entry| entry.plugins().into_iter().map(move |path| (path, entry)));
        all.filter(|(path, _)| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
            .collect()
    }

    /// Files that are named as a plugin `name` would be: the usual case, found without loading any other. In one folder a
    /// library goes ahead of a program.
    pub fn by_file_name(&self, name: &str) -> Vec<(PathBuf, SearchOrigin)> {
        let trusted = self.places.iter().filter(|entry| entry.trusted);
        let found = trusted.flat_map(|entry| {
            let files = entry.by_file_name(name).into_iter();
            files.map(move |path| (path, entry.kind))
        });
        found.collect()
    }

    /// A file that is named as a plugin `name` would be, in an environment of the project that the user does not
    /// trust.
    pub(super) fn untrusted(&self, name: &str) -> Option<PathBuf> {
        let untrusted = self.places.iter().filter(|entry| !entry.trusted);
        untrusted.flat_map(|entry| entry.by_file_name(name)).next()
    }

    /// The file of a plugin that ships with fal-host.
    pub(super) fn built_in(&self, name: &str) -> Option<PathBuf> {
        let installed = self
            .places
            .iter()
            .filter(|entry| entry.kind == SearchOrigin::Installation);
        installed
            .flat_map(|entry| entry.by_file_name(name))
            .find(|path| built_in::is_file(path))
    }
}

/// `<prefix>/bin/fal-host` has its plugins in `<prefix>/lib/fal-host/plugins`, and in no other place; an unpacked archive
/// in `plugins` beside it; a build of the workspace has its libraries right beside it, and its programs in the
/// workspace's `plugins`.
///
/// Where the prefix is a part of the project, only the libraries of fal-host count, which its installer wrote: others
/// may have been there before.
fn installation(is_of_project: bool) -> Vec<SearchEntry> {
    let kind = SearchOrigin::Installation;
    if let Some(folder) = own_plugins() {
        let mut own = SearchEntry::new(folder, kind);
        if is_of_project {
            own.filter = Filter::BuiltInLibraries;
        }
        return vec![own];
    }
    let Some(folder) = env::current_exe()
        .ok()
        .and_then(|exe| exe.canonicalize().ok()?.parent().map(Path::to_owned))
    else {
        return Vec::new();
    };
    let mut places = vec![SearchEntry::new(folder.join("plugins"), kind)];
    places.extend(
        workspace(&folder)
            .into_iter()
            .map(|path| SearchEntry::new(path, kind)),
    );
    // The folder of the program has other libraries as well.
    let mut beside = SearchEntry::new(folder, kind);
    beside.filter = Filter::BuiltInLibraries;
    places.push(beside);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_may_have_a_folder_to_itself() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "acme/acme.fal-plugin",
            "acme/other.fal-plugin",
            "b.fal-plugin",
            ".hidden/.hidden.fal-plugin",
            "deep/deep/deep.fal-plugin",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let search = SearchPath::only(&[root.path().to_owned()]);
        let names = |found: Vec<(PathBuf, SearchOrigin)>| -> Vec<String> {
            let paths = found.iter().map(|(path, _)| path.strip_prefix(root.path()));
            paths
                .map(|path| path.unwrap().display().to_string())
                .collect()
        };
        assert_eq!(
            names(search.libraries()),
            ["acme/acme.fal-plugin", "b.fal-plugin"]
        );
        assert_eq!(names(search.by_file_name("acme")), ["acme/acme.fal-plugin"]);
        assert!(search.by_file_name("other").is_empty());
    }
}
