//! The folder of one environment, its marker, and the files beside it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use fal_plugin::payload::EnvironmentKind;
use serde::{Deserialize, Serialize};

use crate::{error::EnvironmentError, key::Key, lock::Lock, program::is_program, uses::Uses};

const MARKER: &str = "fal-environment.json";

/// Where an environment is or would be.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    key: Key,
}

/// What stands in the marker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// Its kind.
    #[serde(rename = "type")]
    pub(crate) kind: EnvironmentKind,
    /// Version of its Python.
    pub(crate) python: String,
    /// What was asked for.
    pub(crate) requirements: Vec<String>,
}

impl Folder {
    pub(crate) fn new(root: &Path, key: &Key) -> Self {
        Self { root: root.to_owned(), key: key.clone() }
    }

    /// The environment itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.key.0)
    }

    /// Its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.path().join("bin").join("python")
    }

    /// What its installer said.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("logs").join(format!("{}.log", self.key))
    }

    /// Who used it.
    pub(crate) fn uses(&self) -> Uses {
        Uses::at(self.root.join("uses").join(&self.key.0))
    }

    /// Opens its lock; makes the folders that are needed.
    pub(crate) fn lock(&self) -> Result<Lock, EnvironmentError> {
        for folder in ["locks", "logs"].map(|name| self.root.join(name)) {
            // Addresses in requirements may hold passwords.
            let make = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            make.map_err(EnvironmentError::file("made", folder))?;
        }
        Lock::open(&self.root.join("locks").join(format!("{}.lock", self.key)))
    }

    /// The marker of a whole environment, whose interpreter is still there.
    pub(crate) fn marker(&self) -> Option<Marker> {
        let text = fs::read(self.path().join(MARKER)).ok()?;
        let marker = serde_json::from_slice(&text).ok()?;
        is_program(&self.python()).then_some(marker)
    }

    /// Writes the marker, whole: from now on this is an environment.
    pub(crate) fn complete(&self, marker: &Marker) -> Result<(), EnvironmentError> {
        let write = || -> io::Result<()> {
            let fresh = tempfile::NamedTempFile::new_in(self.path())?;
            serde_json::to_writer(&fresh, marker)?;
            fresh.as_file().sync_all()?;
            fresh.persist(self.path().join(MARKER))?;
            Ok(())
        };
        write().map_err(EnvironmentError::file("written", self.path()))
    }

    /// Removes all of it, the marker first. Whoever calls this holds the lock.
    pub(crate) fn remove(&self) -> Result<(), EnvironmentError> {
        let gone = |outcome: io::Result<()>| match outcome {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let path = self.path();
        if !path.is_dir() {
            return gone(fs::remove_file(&path)).map_err(EnvironmentError::file("removed", path));
        }
        gone(fs::remove_file(path.join(MARKER)))
            .and_then(|()| gone(fs::remove_dir_all(&path)))
            .map_err(EnvironmentError::file("removed", path))
    }
}
