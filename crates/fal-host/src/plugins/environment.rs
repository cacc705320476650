//! Plugins that came into a Python environment by pip: the environment that fal-host is installed
//! in, and those of the project.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    built_in,
    packages::FOLDER,
    place::{Filter, SearchEntry, SearchOrigin},
};

/// A folder of plugins in an environment of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectEnvironment {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Whether fal-host is installed in this environment.
    pub(super) is_own: bool,
    /// Whether the user trusts what is in it now.
    pub(crate) trusted: bool,
}

impl ProjectEnvironment {
    /// Finds the environments of a project that have plugins: the one of the Python that runs its
    /// models, and the one that fal-host is installed in if that is a part of the project.
    pub(crate) fn find(python: Option<&Path>, project: &Path) -> Vec<Self> {
        let own = own_plugins();
        let used = fal_environments::find_interpreter(python, project).ok();
        let used = used.and_then(|python| plugins_of(python.ancestors().nth(2)?));
        let other = used.filter(|used| own.as_ref() != Some(used));
        let own = own.filter(|_| own_is_part_of(project));
        let found = [(own, true), (other, false)].into_iter();
        let found = found.filter_map(|(folder, is_own)| {
            Some(Self {
                folder: folder?,
                is_own,
                trusted: false,
            })
        });
        let has_plugins = |found: &Self| !found.plugins().is_empty() || !found.refused().is_empty();
        found.filter(has_plugins).collect()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its plugins, without those that belong to fal-host.
    pub fn plugins(&self) -> Vec<PathBuf> {
        self.entry().plugins()
    }

    /// Its plugins that have a name of fal-host's. They are never loaded.
    pub(super) fn refused(&self) -> Vec<PathBuf> {
        if self.is_own {
            return Vec::new();
        }
        let mut entry = self.entry();
        entry.filter = Filter::All;
        let mut plugins = entry.plugins();
        plugins.retain(|path| built_in::is_file(path));
        plugins
    }

    pub(super) fn entry(&self) -> SearchEntry {
        SearchEntry {
            path: self.folder.clone(),
            kind: SearchOrigin::ProjectEnvironment,
            // A program of fal-host may have been given modules that are not its own.
            filter: if self.is_own {
                Filter::NoBuiltInLibrary
            } else {
                Filter::NoBuiltIn
            },
            trusted: self.trusted,
        }
    }
}

/// Returns the folder of plugins that `bin/fal-host` has, if there is one.
pub(super) fn own_plugins() -> Option<PathBuf> {
    plugins_of(&own_environment()?)
}

/// Returns the folder that has `bin/fal-host`.
fn own_environment() -> Option<PathBuf> {
    let program = env::current_exe().ok()?.canonicalize().ok()?;
    program.ancestors().nth(2).map(Path::to_owned)
}

fn own_is_part_of(project: &Path) -> bool {
    let home = env::home_dir().and_then(|home| home.canonicalize().ok());
    own_environment()
        .zip(project.canonicalize().ok())
        .is_some_and(|(own, project)| is_part_of(&own, &project, home.as_deref()))
}

fn plugins_of(environment: &Path) -> Option<PathBuf> {
    let folder = environment.join(FOLDER).canonicalize().ok()?;
    folder.is_dir().then_some(folder)
}

/// Returns whether who made the project may have made the environment as well: it is below the
/// project or its repository, or is a `.venv` beside a folder above the project, as in an unpacked
/// archive. What is in the home folder itself is the user's.
fn is_part_of(environment: &Path, project: &Path, home: Option<&Path>) -> bool {
    let folders = project.ancestors();
    for folder in folders.take_while(|folder| Some(*folder) != home) {
        let repository = folder.join(".git").exists();
        if environment == folder.join(".venv")
            || ((repository || folder == project) && environment.starts_with(folder))
        {
            return true;
        }
        if repository {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_environment_is_the_projects_if_it_may_have_come_with_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["home/repo/.git", "home/repo/dbt", "home/plain/dbt"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let is = |environment: &str, project: &str| {
            is_part_of(&at(environment), &at(project), Some(&at("home")))
        };
        assert!(is("home/repo/dbt/.venv", "home/repo/dbt"));
        assert!(is("home/repo/tools/env", "home/repo/dbt"));
        assert!(is("home/plain/dbt/env", "home/plain/dbt"));
        assert!(is("home/plain/.venv", "home/plain/dbt"));
        assert!(!is("home/.local/share/uv/tools/fal-host", "home/repo/dbt"));
        assert!(!is("home/.venv", "home/plain/dbt"));
        assert!(!is("home/other/.venv", "home/plain/dbt"));
        assert!(!is("home/plain/env", "home/plain/dbt"));
    }
}
