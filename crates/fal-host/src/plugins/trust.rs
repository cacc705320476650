//! Which projects may name plugin paths. A plugin is code that runs: cloning a repository must not be enough for that.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use fal_files::Root;
use sha2::{Digest, Sha256};

use super::{code, environment::ProjectEnvironment, error::PluginChoiceError, search::SearchPath};

/// The record of trusted projects: a folder (of the project, or of plugins in its environment) and a fingerprint of the plugins that were there when the user
/// trusted them. Another plugin, or another Python file beside one that is a program, means another decision.
pub struct Trust {
    file: PathBuf,
}

impl Trust {
    /// The user's record.
    ///
    /// # Errors
    /// If the user has no home.
    pub fn for_user() -> io::Result<Self> {
        let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
        Ok(Self {
            file: base
                .config_dir()
                .join("fal-host")
                .join("trusted-projects.json"),
        })
    }

    /// Fails for the first path that is not trusted.
    ///
    /// # Errors
    /// [`PluginChoiceError::Untrusted`], or [`PluginChoiceError::NotCovered`] if the plugins cannot be compared with the record.
    pub fn check(&self, project: &Path, paths: &[PathBuf]) -> Result<(), PluginChoiceError> {
        let Some(first) = paths.first() else {
            return Ok(());
        };
        match self.read().remove(&key(project)) {
            Some(recorded) if recorded == fingerprint(&named(paths))? => Ok(()),
            _ => Err(PluginChoiceError::Untrusted {
                path: first.clone(),
            }),
        }
    }

    /// Records that the user trusts these libraries of this project.
    ///
    /// # Errors
    /// If the plugins cannot be read, or the record cannot be written.
    pub fn record(&self, project: &Path, paths: &[PathBuf]) -> Result<(), PluginChoiceError> {
        self.put(project, fingerprint(&named(paths))?)
    }

    /// Returns whether the user trusts the plugins in an environment of the project as they are now.
    pub fn covers(&self, environment: &ProjectEnvironment) -> bool {
        let recorded = self.read().remove(&key(environment.folder()));
        recorded.is_some() && recorded == fingerprint(&environment.plugins()).ok()
    }

    /// Records that the user trusts the plugins in an environment of the project.
    ///
    /// # Errors
    /// If the plugins cannot be read, or the record cannot be written.
    pub fn record_environment(
        &self,
        environment: &ProjectEnvironment,
    ) -> Result<(), PluginChoiceError> {
        self.put(environment.folder(), fingerprint(&environment.plugins())?)
    }

    fn put(&self, folder: &Path, fingerprint: String) -> Result<(), PluginChoiceError> {
        let mut all = self.read();
        all.insert(key(folder), fingerprint);
        self.write(&all)
            .map_err(|source| PluginChoiceError::Record {
                path: self.file.clone(),
                source,
            })
    }

    fn write(&self, all: &BTreeMap<String, String>) -> io::Result<()> {
        let (folder, name) = self
            .file
            .parent()
            .zip(self.file.file_name())
            .ok_or(io::ErrorKind::InvalidFilename)?;
        Root::create(folder)?
            .write(name, &serde_json::to_vec_pretty(all)?)
            .map(drop)
    }

    fn read(&self) -> BTreeMap<String, String> {
        let bytes = fal_files::read(&self.file, fal_files::DATA).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

fn key(project: &Path) -> String {
    project
        .canonicalize()
        .unwrap_or_else(|_| project.to_owned())
        .display()
        .to_string()
}

/// Returns the plugins at paths that fal_project.yml names.
fn named(paths: &[PathBuf]) -> Vec<PathBuf> {
    let found = SearchPath::only(paths).libraries();
    found.into_iter().map(|(plugin, _)| plugin).collect()
}

fn fingerprint(plugins: &[PathBuf]) -> Result<String, PluginChoiceError> {
    let mut hash = Sha256::new();
    for plugin in plugins {
        add(&mut hash, plugin).map_err(|source| PluginChoiceError::NotCovered {
            path: plugin.clone(),
            source,
        })?;
    }
    Ok(hex::encode(hash.finalize()))
}

fn add(hash: &mut Sha256, plugin: &Path) -> io::Result<()> {
    for file in code::files(plugin)? {
        hash.update(file.as_os_str().as_encoded_bytes());
        match fal_files::read(&file, fal_files::DATA) {
            Ok(bytes) => hash.update([&[0][..], &Sha256::digest(bytes)[..]].concat()),
            // A link to nothing, or a file that went away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => hash.update([1]),
            Err(error) => return Err(code::at(&file, &error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        env::consts::{DLL_PREFIX, DLL_SUFFIX},
        fs,
        os::unix::fs::symlink,
    };

    use super::*;

    #[test]
    fn trust_is_for_the_libraries_that_were_seen() {
        let home = tempfile::tempdir().unwrap();
        let project = tempfile::tempdir().unwrap();
        let trust = Trust {
            file: home.path().join("config/trusted.json"),
        };
        let library = project.path().join(format!("{DLL_PREFIX}acme{DLL_SUFFIX}"));
        fs::write(&library, "one").unwrap();
        let paths = [project.path().to_owned()];

        assert!(trust.check(project.path(), &paths).is_err());
        trust.record(project.path(), &paths).unwrap();
        assert!(trust.check(project.path(), &paths).is_ok());
        fs::write(&library, "two").unwrap();
        assert!(trust.check(project.path(), &paths).is_err());
    }

    /// Each row changes what would run, without a change of any file that was there.
    #[test]
    fn trust_ends_when_anything_that_runs_is_added() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 8] = [
            ("compiled", |at| {
                put(at, "plug/__pycache__/helper.cpython-311.pyc")
            }),
            ("compiled, without a source", |at| put(at, "plug/json.pyc")),
            ("native module", |at| {
                put(at, "plug/helper.cpython-311-x86_64-linux-gnu.so")
            }),
            ("dressed as an environment", |at| {
                put(at, "plug/json/pyvenv.cfg");
                put(at, "plug/json/__init__.py");
            }),
            ("link to a folder outside", |at| {
                symlink("../evil", at.join("plug/json")).unwrap()
            }),
            ("link to a file outside", |at| {
                symlink("../evil/__init__.py", at.join("plug/json.py")).unwrap()
            }),
            ("where a link led to nothing", |at| put(at, "later.py")),
            ("deep below", |at| {
                put(at, &format!("plug/{}x.py", "a/".repeat(12)))
            }),
        ];
        for (what, change) in changes {
            let all = tempfile::tempdir().unwrap();
            let (trust, project) = (
                Trust {
                    file: all.path().join("config/trusted.json"),
                },
                all.path().join("project"),
            );
            for file in [
                "plug/p.fal-plugin",
                "plug/helper.py",
                "plug/data.txt",
                "evil/__init__.py",
            ] {
                put(&project, file);
            }
            symlink("../later.py", project.join("plug/later.py")).unwrap();
            let paths = [project.join("plug")];
            trust.record(&project, &paths).unwrap();
            put(&project, "plug/more.txt");
            trust.check(&project, &paths).unwrap();
            change(&project);
            assert!(trust.check(&project, &paths).is_err(), "{what}");
        }
    }

    fn put(root: &Path, file: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn a_project_without_plugin_paths_needs_no_trust() {
        let trust = Trust {
            file: PathBuf::from("/nonexistent/trusted.json"),
        };
        assert!(trust.check(Path::new("."), &[]).is_ok());
    }
}
