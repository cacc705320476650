//! Which file a plugin's name means.

use std::path::{Path, PathBuf};

use super::{
    built_in,
    packages::{self, Package, Packages},
    place::SearchOrigin,
    search::SearchPath,
};

/// A plugin that has the name of one of fal-host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenName {
    /// The name.
    pub name: String,
    /// The file that has it.
    pub path: PathBuf,
    /// The packages that brought it.
    pub packages: Vec<Package>,
    /// The file of fal-host; `None` if `path` is where it was.
    pub own: Option<PathBuf>,
}

impl std::error::Error for TakenName {}

impl std::fmt::Display for TakenName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.path.display())?;
        if !self.packages.is_empty() {
            write!(f, " of {}", listed(&self.packages))?;
        }
        let name = &self.name;
        match &self.own {
            Some(own) => write!(
                f,
                " has the name of the plugin `{name}` of fal-host, `{}`",
                own.display()
            ),
            None => write!(f, " is in the place of the plugin `{name}` of fal-host"),
        }
    }
}

/// Returns the files that are named as a plugin of this name would be, in order.
///
/// # Errors
/// If fal-host has a plugin of this name and another one is found. Only a path gives that one: a
/// flag, or a trusted fal_project.yml.
pub(super) fn files(search: &SearchPath, name: &str) -> Result<Vec<PathBuf>, TakenName> {
    let found = search.by_file_name(name);
    let named_by_project = matches!(found.first(), Some((_, SearchOrigin::Project)));
    if built_in::is_name(name) && !named_by_project {
        let taken = found
            .iter()
            .find_map(|(path, origin)| taken(search, name, path, *origin));
        if let Some(taken) = taken {
            return Err(taken);
        }
    }
    Ok(found.into_iter().map(|(path, _)| path).collect())
}

/// Returns what is wrong if a file has a name of fal-host's and is not fal-host's.
pub(super) fn taken(
    search: &SearchPath,
    name: &str,
    path: &Path,
    origin: SearchOrigin,
) -> Option<TakenName> {
    let own = || search.built_in(name);
    let (packages, own) = match origin {
        // fal-host may be installed in the project's environment, too, and is not used from there.
        SearchOrigin::Project | SearchOrigin::ProjectEnvironment => return None,
        SearchOrigin::Installation if built_in::is_file(path) => (packages::replaced(path)?, None),
        _ if own().is_some_and(|own| same(&own, path)) => return None,
        _ => (of_file(path), Some(own()?)),
    };
    Some(TakenName {
        name: name.to_owned(),
        path: path.to_owned(),
        packages,
        own,
    })
}

/// Returns what is wrong with a plugin of the project's environment that has a name of fal-host's, unless fal-host
/// itself is installed there.
pub(super) fn refused(search: &SearchPath, name: &str, path: &Path) -> Option<TakenName> {
    let packages = of_file(path);
    let is_own = packages.first().is_some_and(Package::is_own);
    let own = search.built_in(name).filter(|_| !is_own);
    own.map(|own| TakenName {
        name: name.to_owned(),
        path: path.to_owned(),
        packages,
        own: Some(own),
    })
}

/// Returns the packages that brought a plugin, which is in a folder of plugins or in a folder below.
pub(super) fn of_file(path: &Path) -> Vec<Package> {
    let folders = path.ancestors().skip(1).take(2);
    let plugins = folders
        .filter_map(|folder| folder.canonicalize().ok())
        .find(|folder| folder.ends_with(packages::FOLDER));
    let real = path.canonicalize();
    plugins
        .zip(real.ok())
        .map(|(plugins, real)| Packages::of(&plugins).of_file(&real))
        .unwrap_or_default()
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok() == other.canonicalize().ok()
}

pub(super) fn listed(packages: &[Package]) -> String {
    let names: Vec<_> = packages.iter().map(Package::to_string).collect();
    format!("the package {}", names.join(", "))
}
