//! The folder of one environment, its marker, and the files beside it.

use std::path::{Path, PathBuf};

use fal_files::Root;
use fal_plugin::payload::EnvironmentKind;
use serde::{Deserialize, Serialize};

use crate::{error::EnvironmentError, key::Key, lock::Lock, program::is_program, uses::Uses};

const MARKER: &str = "fal-environment.json";

/// The folder in which an environment is or would be built.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    key: Key,
}

/// The content of the marker file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// Its kind.
    #[serde(rename = "type")]
    pub(crate) kind: EnvironmentKind,
    /// Version of its Python.
    pub(crate) python: String,
    /// The requested content of the environment.
    pub(crate) requirements: Vec<String>,
}

impl Folder {
    pub(crate) fn new(root: &Path, key: &Key) -> Self {
        Self {
            root: root.to_owned(),
            key: key.clone(),
        }
    }

    /// Returns the folder of the environment itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.key.0)
    }

    /// Returns the path of the interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.path().join("bin").join("python")
    }

    /// Returns the file with the installer's output.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("logs").join(format!("{}.log", self.key))
    }

    /// Returns the uses of the environment.
    pub(crate) fn uses(&self) -> Uses {
        Uses::at(self.root.join("uses").join(&self.key.0))
    }

    /// Opens the lock file, and creates missing folders.
    pub(crate) fn lock(&self) -> Result<Lock, EnvironmentError> {
        let root = Root::create(&self.root).map_err(EnvironmentError::file("made", &self.root))?;
        for folder in ["locks", "logs"] {
            // Let only the user enter the folder: URLs in requirements may hold passwords.
            let made = root.create_private_folder(folder);
            made.map_err(EnvironmentError::file("made", self.root.join(folder)))?;
        }
        Lock::open(&self.root.join("locks").join(format!("{}.lock", self.key)))
    }

    /// Returns the marker, if the environment is complete and its interpreter still exists.
    pub(crate) fn marker(&self) -> Option<Marker> {
        let text = fal_files::read(&self.path().join(MARKER), fal_files::TEXT).ok()?;
        let marker = serde_json::from_slice(&text).ok()?;
        is_program(&self.python()).then_some(marker)
    }

    /// Writes the marker atomically. From then on the folder is a complete environment.
    pub(crate) fn complete(&self, marker: &Marker) -> Result<(), EnvironmentError> {
        let write = || {
            let content = serde_json::to_vec(marker)?;
            Root::open(self.path())?
                .temporary(MARKER, &content)?
                .synced()?
                .replace()
        };
        write()
            .map(drop)
            .map_err(EnvironmentError::file("written", self.path()))
    }

    /// Removes the environment, its marker first. The caller must hold the lock.
    pub(crate) fn remove(&self) -> Result<(), EnvironmentError> {
        let (path, name) = (self.path(), Path::new(&self.key.0));
        let remove = || {
            let root = Root::open(&self.root)?;
            if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                return root.remove_file(name);
            }
            root.remove_file(name.join(MARKER))?;
            root.remove_folder(name)
        };
        remove().map_err(EnvironmentError::file("removed", &path))
    }

    /// Removes the installer's output.
    pub(crate) fn remove_log(&self) {
        let log = self.log();
        // Ignore errors: nothing depends on the file.
        let _ = Root::of(&log).and_then(|(logs, name)| logs.remove_file(name));
    }
}
