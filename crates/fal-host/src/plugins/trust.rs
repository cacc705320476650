//! Which projects may name plugin paths. A plugin is code that runs: cloning a repository must not be enough for that.

use std::{
    collections::BTreeMap,
    fmt::Write,
    io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use fal_files::Root;
use sha2::{Digest, Sha256};

use super::{code, error::PluginDoorError, search::SearchPath};

/// The record of trusted projects: the project's folder and a fingerprint of the plugins that were there when the user
/// trusted them. Another plugin, or another Python file beside one that is a program, means another decision.
pub struct Trust {
    file: PathBuf,
}

impl Trust {
    /// The user's record.
    ///
    /// # Errors
    /// If the user has no home.
    pub fn of_user() -> io::Result<Self> {
        let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
        Ok(Self { file: base.config_dir().join("fal-host").join("trusted-projects.json") })
    }

    /// Fails for the first path that is not trusted.
    ///
    /// # Errors
    /// [`PluginDoorError::Untrusted`].
    pub fn check(&self, project: &Path, paths: &[PathBuf]) -> Result<(), PluginDoorError> {
        let Some(first) = paths.first() else { return Ok(()) };
        let recorded = self.read().remove(&key(project));
        if recorded.is_some() && recorded == fingerprint(paths).ok() {
            return Ok(());
        }
        Err(PluginDoorError::Untrusted { path: first.clone() })
    }

    /// Records that the user trusts these libraries of this project.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn record(&self, project: &Path, paths: &[PathBuf]) -> io::Result<()> {
        let mut all = self.read();
        all.insert(key(project), fingerprint(paths)?);
        let (folder, name) = self.file.parent().zip(self.file.file_name()).ok_or(io::ErrorKind::InvalidFilename)?;
        Root::create(folder)?.write(name, &serde_json::to_vec_pretty(&all)?).map(drop)
    }

    fn read(&self) -> BTreeMap<String, String> {
        let bytes = fal_files::read(&self.file, fal_files::DATA).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

fn key(project: &Path) -> String {
    project.canonicalize().unwrap_or_else(|_| project.to_owned()).display().to_string()
}

fn fingerprint(paths: &[PathBuf]) -> io::Result<String> {
    let mut hash = Sha256::new();
    let plugins = SearchPath::only(paths).libraries();
    for file in plugins.iter().flat_map(|(plugin, _)| code::files(plugin)) {
        hash.update(file.display().to_string().as_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(fal_files::read(&file, fal_files::DATA)?));
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    use std::fs;

    use super::*;

    #[test]
    fn trust_is_for_the_libraries_that_were_seen() {
        let home = tempfile::tempdir().unwrap();
        let project = tempfile::tempdir().unwrap();
        let trust = Trust { file: home.path().join("config/trusted.json") };
        let library = project.path().join(format!("{DLL_PREFIX}acme{DLL_SUFFIX}"));
        fs::write(&library, "one").unwrap();
        let paths = [project.path().to_owned()];

        assert!(trust.check(project.path(), &paths).is_err());
        trust.record(project.path(), &paths).unwrap();
        assert!(trust.check(project.path(), &paths).is_ok());
        fs::write(&library, "two").unwrap();
        assert!(trust.check(project.path(), &paths).is_err());
    }

    #[test]
    fn a_project_without_plugin_paths_needs_no_trust() {
        let trust = Trust { file: PathBuf::from("/nonexistent/trusted.json") };
        assert!(trust.check(Path::new("."), &[]).is_ok());
    }
}
