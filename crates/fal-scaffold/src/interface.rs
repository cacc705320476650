//! Locates the interface crates that a new plugin depends on.

use std::path::{Path, PathBuf};

use fal_plugin::manifest::INTERFACE_VERSION;

use crate::error::ScaffoldError;

/// The interface crates that templates depend on.
const CRATES: [&str; 2] = ["fal-plugin", "fal-plugin-testkit"];

/// The location of `fal-plugin` and its test kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// This folder, with one folder per crate: `crates` in a checkout, `lib/fal-host/interface` in
    /// an installation.
    Folder(PathBuf),
    /// A registry, by version.
    Registry,
}

impl Interface {
    /// Uses a folder that the user named.
    ///
    /// # Errors
    /// [`ScaffoldError::NoInterface`] if the folder does not contain the crates.
    pub fn at(folder: &Path) -> Result<Self, ScaffoldError> {
        let missing = CRATES
            .iter()
            .map(|name| format!("{name}/Cargo.toml"))
            .find(|file| !folder.join(file).is_file());
        let absolute = || folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        match missing {
            None => Ok(Self::Folder(absolute())),
            Some(missing) => Err(ScaffoldError::NoInterface {
                path: folder.to_owned(),
                missing,
            }),
        }
    }

    /// Finds the interface that belongs to this program: the sources in its installation or in the
    /// checkout that it was built in, else the registry.
    pub fn from_program(program: &Path) -> Self {
        let program = program
            .canonicalize()
            .unwrap_or_else(|_| program.to_owned());
        let folders = program.ancestors().skip(1);
        let mut candidates = folders
            .flat_map(|folder| [folder.join("lib/fal-host/interface"), folder.join("crates")]);
        candidates
            .find_map(|folder| Self::at(&folder).ok())
            .unwrap_or(Self::Registry)
    }

    /// Returns the value of `NAME =` in a manifest, up to further options.
    pub(crate) fn requirement(&self, name: &str) -> String {
        let version = if name == "fal-plugin" {
            INTERFACE_VERSION
        } else {
            env!("CARGO_PKG_VERSION")
        };
        match self {
            Self::Folder(folder) => {
                format!("path = {:?}", place(folder, name).display().to_string())
            }
            Self::Registry => format!("version = {version:?}"),
        }
    }
}

/// Returns the folder of a crate. In a checkout, plugins that others can build on are in the folder
/// next to `crates`.
fn place(folder: &Path, name: &str) -> PathBuf {
    let beside = folder
        .parent()
        .map(|root| root.join("plugins").join(name))
        .filter(|_| !folder.join(name).exists());
    beside
        .filter(|path| path.exists())
        .unwrap_or_else(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_built_in_a_checkout_has_its_crates() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(
            Interface::from_program(&crates.join("../target/debug/fal-host")),
            Interface::at(&crates).unwrap()
        );
    }

    #[test]
    fn an_installation_has_its_own() {
        let prefix = tempfile::tempdir().unwrap();
        let interface = prefix.path().join("lib/fal-host/interface");
        for name in CRATES {
            std::fs::create_dir_all(interface.join(name)).unwrap();
            std::fs::write(interface.join(name).join("Cargo.toml"), "").unwrap();
        }
        let program = prefix.path().join("bin/fal-host");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "").unwrap();
        assert_eq!(
            Interface::from_program(&program),
            Interface::at(&interface).unwrap()
        );
        assert_eq!(
            Interface::from_program(Path::new("/nonexistent/bin/fal-host")),
            Interface::Registry
        );
    }

    #[test]
    fn a_folder_without_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Interface::at(folder.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("it has no fal-plugin/Cargo.toml"),
            "{error}"
        );
    }
}
