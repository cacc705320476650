//! Which Python package brought a plugin into an environment.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use serde::Serialize;

/// Where an environment has its plugins, below its folder.
pub(super) const FOLDER: &str = "lib/fal-host/plugins";

/// The folder of fal-host's own metadata, before its version.
const OWN: &str = "fal_host-";

/// A package that is installed in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// A package that lists a file, with the file's size when it was installed.
type Claim = (Package, Option<u64>);

/// The files of plugins in one environment, by `RECORD` of each installed package.
#[derive(Debug, Default)]
pub(super) struct Packages {
    claims: BTreeMap<PathBuf, Vec<Claim>>,
}

impl Packages {
    /// Reads the packages of the environment with this folder of plugins.
    pub(super) fn of(plugins: &Path) -> Self {
        Self::read(plugins, "")
    }

    /// Reads those whose metadata's folder starts so.
    fn read(plugins: &Path, start: &str) -> Self {
        let mut packages = Self::default();
        let Some(environment) = plugins
            .ends_with(FOLDER)
            .then(|| plugins.ancestors().nth(3))
            .flatten()
        else {
            return packages;
        };
        for python in below(&environment.join("lib"), "python") {
            for site in ["site-packages", "dist-packages"].map(|name| python.join(name)) {
                for metadata in below(&site, start) {
                    if metadata.extension().is_some_and(|end| end == "dist-info") {
                        packages.add(&site, &metadata);
                    }
                }
            }
        }
        packages
    }

    fn add(&mut self, site: &Path, metadata: &Path) {
        let text = |name: &str| {
            fal_files::read_text(&metadata.join(name), fal_files::DATA).unwrap_or_default()
        };
        let record = text("RECORD");
        // Most packages have no plugin and thousands of files.
        if !record.contains("fal-host/plugins/") {
            return;
        }
        let package = package(metadata, &text("METADATA"));
        for (path, size) in record.lines().filter_map(row) {
            let claim = (package.clone(), size);
            self.claims
                .entry(normal(&site.join(path)))
                .or_default()
                .push(claim);
        }
    }

    /// Returns the packages that brought a file, fal-host's own first.
    pub(super) fn of_file(&self, file: &Path) -> Vec<Package> {
        let claims = self.claims.get(&normal(file));
        let claims = claims.into_iter().flatten();
        let mut packages: Vec<_> = claims.map(|(package, _)| package.clone()).collect();
        packages.sort_by_key(|package| !package.is_own());
        packages
    }

    fn size_for_own(&self, file: &Path) -> Option<u64> {
        let mut claims = self.claims.get(&normal(file))?.iter();
        claims.find(|(package, _)| package.is_own())?.1
    }
}

impl Package {
    /// Whether it is fal-host itself.
    pub(super) fn is_own(&self) -> bool {
        self.name == "fal-host"
    }
}

/// Returns the packages that may have put a plugin of their own in the place of fal-host's `file`,
/// if the file is not the one that fal-host was installed with.
///
/// An installer lets the last package win where two bring one file. The size is enough to notice
/// that: a package with bad intent can replace fal-host itself.
pub(super) fn replaced(file: &Path) -> Option<Vec<Package>> {
    let plugins = file.parent()?;
    let installed = Packages::read(plugins, OWN).size_for_own(file)?;
    if file.metadata().is_ok_and(|found| found.len() == installed) {
        return None;
    }
    let mut others = Packages::of(plugins).of_file(file);
    others.retain(|package| !package.is_own());
    Some(others)
}

fn below(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    let mut paths: Vec<_> = named.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Reads a line of `RECORD`: a path, a hash and a size, as CSV.
fn row(line: &str) -> Option<(String, Option<u64>)> {
    let mut fields = line.rsplitn(3, ',');
    let (size, _hash, path) = (fields.next()?, fields.next()?, fields.next()?);
    let quoted = path
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let path = quoted.map_or_else(|| path.to_owned(), |inner| inner.replace("\"\"", "\""));
    path.contains("fal-host/plugins/")
        .then(|| (path, size.trim().parse().ok()))
}

/// Reads name and version of the metadata, or of its folder, `NAME-VERSION.dist-info`.
fn package(folder: &Path, metadata: &str) -> Package {
    let header = |key: &str| {
        let mut lines = metadata.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| Some(line.strip_prefix(key)?.trim().to_owned()))
    };
    let stem = folder.file_stem().unwrap_or_default().to_string_lossy();
    let (name, version) = stem.split_once('-').unwrap_or((&stem, ""));
    Package {
        name: header("Name:").unwrap_or_else(|| name.to_owned()),
        version: header("Version:").unwrap_or_else(|| version.to_owned()),
    }
}

/// Resolves `..` without a look at the files.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn put(root: &Path, file: &str, text: &str) -> PathBuf {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn install(root: &Path, name: &str, record: &str) {
        let folder = format!("lib/python3.11/site-packages/{name}-1.2.dist-info");
        put(root, &format!("{folder}/RECORD"), record);
        let text = format!(
            "Metadata-Version: 2.4\nName: {}\nVersion: 1.2\n\nName: not this\n",
            name.replace('_', "-")
        );
        put(root, &format!("{folder}/METADATA"), &text);
    }

    fn shown(packages: &[Package]) -> Vec<String> {
        packages.iter().map(Package::to_string).collect()
    }

    #[test]
    fn a_file_is_of_the_package_that_lists_it() {
        let root = tempfile::tempdir().unwrap();
        let acme = put(root.path(), "lib/fal-host/plugins/libacme.so", "acme");
        let odd = put(root.path(), "lib/fal-host/plugins/a,\"b/x.so", "odd");
        let row = "../../../lib/fal-host/plugins/";
        let record = format!(
            "{row}libacme.so,sha256=x,4\n\"{row}a,\"\"b/x.so\",sha256=x,3\nacme-1.2.dist-info/RECORD,,\n"
        );
        install(root.path(), "acme_stubs", &record);
        install(root.path(), "pandas", "pandas/__init__.py,sha256=x,9\n");
        let packages = Packages::of(&root.path().join(FOLDER));
        assert_eq!(shown(&packages.of_file(&acme)), ["acme-stubs 1.2"]);
        assert_eq!(shown(&packages.of_file(&odd)), ["acme-stubs 1.2"]);
        let other = root.path().join("lib/fal-host/plugins/libother.so");
        assert_eq!(packages.of_file(&other), []);
        let elsewhere = Packages::of(&root.path().join("plugins"));
        assert_eq!(elsewhere.of_file(&acme), []);
    }

    #[test]
    fn a_file_of_fal_host_that_another_package_replaced_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let file = put(root.path(), "lib/fal-host/plugins/libfal_x.so", "four");
        assert_eq!(replaced(&file), None, "fal-host was not installed by pip");
        let record = "../../../lib/fal-host/plugins/libfal_x.so,sha256=x,4\n";
        install(root.path(), "fal_host", record);
        install(root.path(), "acme", &record.replace(",4", ",5"));
        assert_eq!(replaced(&file), None);
        fs::write(&file, "other").unwrap();
        assert_eq!(shown(&replaced(&file).unwrap()), ["acme 1.2"]);
    }
}
