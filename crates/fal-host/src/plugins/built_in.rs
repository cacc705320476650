//! The plugins that ship with fal-host. Their names are taken: see `names.rs`.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    path::Path,
};

use fal_plugin::process::FILE_SUFFIX;

/// Those that are libraries.
const LIBRARIES: [&str; 6] = [
    "fal-command-runner",
    "fal-dbt-backend",
    "fal-notebook-parser",
    "fal-python-parser",
    "fal-python-parser-ruff",
    "fal-stub-writer",
];

/// Those that are programs.
const PROGRAMS: [&str; 1] = ["fal-ray-runner"];

/// Returns whether a plugin of this name ships with fal-host.
pub(super) fn is_name(name: &str) -> bool {
    LIBRARIES.contains(&name) || PROGRAMS.contains(&name)
}

/// Returns whether the file is named as a library of fal-host is.
pub(super) fn is_library(path: &Path) -> bool {
    LIBRARIES
        .iter()
        .any(|name| path.ends_with(library_file(name)))
}

/// Returns whether the file is named as a plugin of fal-host is, of its kind.
pub(super) fn is_file(path: &Path) -> bool {
    let program = |name: &&str| path.ends_with(format!("{name}{FILE_SUFFIX}"));
    is_library(path) || PROGRAMS.iter().any(program)
}

/// Returns the file name of the library of a plugin.
pub(super) fn library_file(name: &str) -> String {
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn these_are_the_plugins_of_the_repository() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
        let (mut libraries, mut programs) = (BTreeSet::new(), BTreeSet::new());
        for entry in folder.read_dir().unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().join("Cargo.toml").is_file() {
                libraries.insert(name);
            } else if entry.path().join(format!("{name}{FILE_SUFFIX}")).is_file() {
                programs.insert(name);
            }
        }
        assert_eq!(libraries, LIBRARIES.map(str::to_owned).into());
        assert_eq!(programs, PROGRAMS.map(str::to_owned).into());
    }
}
