//! Which projects used an environment, and when: a small file for each, renewed at each use.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use fal_files::Root;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A project that used an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The project's folder.
    pub project: PathBuf,
    /// The environment's name in that project.
    pub name: String,
}

/// The uses of one environment.
pub(crate) struct Uses(PathBuf);

impl Uses {
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Records a use. Ignores errors, since only lists and the cleaning of the cache depend on it.
    pub(crate) fn note(&self, name: &str, project: &Path) {
        let used = Use {
            project: project.to_owned(),
            name: name.to_owned(),
        };
        let Ok(text) = serde_json::to_vec(&used) else {
            return;
        };
        let file = format!("{}.json", hex::encode(&Sha256::digest(&text)[..8]));
        let _ = Root::create(&self.0).and_then(|root| root.write(file, &text));
    }

    /// Returns all uses.
    pub(crate) fn all(&self) -> Vec<Use> {
        let read = |path: &PathBuf| {
            serde_json::from_slice(&fal_files::read(path, fal_files::TEXT).ok()?).ok()
        };
        let mut uses: Vec<Use> = self.files().iter().filter_map(read).collect();
        uses.sort_unstable_by(|a, b| (&a.project, &a.name).cmp(&(&b.project, &b.name)));
        uses
    }

    /// When it was used last.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        self.files()
            .iter()
            .filter_map(|path| path.metadata().ok()?.modified().ok())
            .max()
    }

    /// Removes all uses.
    pub(crate) fn forget(&self) {
        let _ = Root::of(&self.0).and_then(|(root, name)| root.remove_folder(name));
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}
