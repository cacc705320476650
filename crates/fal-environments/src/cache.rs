//! The user's folder of environments: lists and removes them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcetera::BaseStrategy;
use fal_plugin::payload::EnvironmentKind;

use crate::{
    error::EnvironmentError, folder::Folder, key::Key, lock::Mode, program::variable, uses::Use,
};

/// The folder that holds all environments of a user.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// The state of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Ready,
    /// It is being built or removed.
    Building,
    /// A build was killed, and left an unusable folder.
    Half,
    /// It was not built yet.
    Missing,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Its folder.
    pub path: PathBuf,
    /// Its state.
    pub state: State,
    /// Its kind, if it is ready.
    pub kind: Option<EnvironmentKind>,
    /// Version of its Python, if it is ready.
    pub python: Option<String>,
    /// The projects that used it.
    pub uses: Vec<Use>,
    /// When it was used last.
    pub last_use: Option<SystemTime>,
}

/// The outcome of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The environment was removed.
    Removed,
    /// The environment was kept, since another process uses or builds it.
    InUse,
}

impl Cache {
    /// Opens the user's cache: `FAL_HOST_ENVIRONMENTS`, else a folder below `FAL_HOST_CACHE_DIR` or
    /// the system's folder for caches.
    ///
    /// # Errors
    /// If the system names no such folder.
    pub fn of_user() -> Result<Self, EnvironmentError> {
        if let Some(root) = variable("FAL_HOST_ENVIRONMENTS") {
            return Self::at(Path::new(&root));
        }
        if let Some(folder) = variable("FAL_HOST_CACHE_DIR") {
            return Self::at(&Path::new(&folder).join("environments"));
        }
        let strategy = etcetera::base_strategy::choose_native_strategy()
            .map_err(|_| EnvironmentError::NoCache)?;
        Self::at(&strategy.cache_dir().join("fal-host").join("environments"))
    }

    /// Opens the cache in a folder, which need not exist yet.
    ///
    /// # Errors
    /// If there is no current folder that the path could be relative to.
    pub fn at(root: &Path) -> Result<Self, EnvironmentError> {
        let root = std::path::absolute(root).map_err(EnvironmentError::file("found", root))?;
        Ok(Self { root })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, key: &Key) -> Folder {
        Folder::new(&self.root, key)
    }

    /// Returns all environments in the folder, complete or not.
    pub fn entries(&self) -> Vec<Entry> {
        let names = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        let is_key = |name: &String| name.starts_with("venv-") || name.starts_with("conda-");
        let mut keys: Vec<_> = names
            .filter_map(|name| name.into_string().ok())
            .filter(is_key)
            .map(Key)
            .collect();
        keys.sort_unstable();
        keys.iter().map(|key| self.entry(key)).collect()
    }

    /// Returns the entry of one environment, which need not exist.
    pub fn entry(&self, key: &Key) -> Entry {
        let folder = self.folder(key);
        let (marker, path, uses) = (folder.marker(), folder.path(), folder.uses());
        let state = match &marker {
            Some(_) => State::Ready,
            None if self.is_busy(&folder) => State::Building,
            None if path.exists() => State::Half,
            None => State::Missing,
        };
        Entry {
            key: key.clone(),
            path,
            state,
            kind: marker.as_ref().map(|marker| marker.kind),
            python: marker.map(|marker| marker.python),
            uses: uses.all(),
            last_use: uses.last(),
        }
    }

    /// Returns whether a process builds or removes the environment. Looking at the lock takes it
    /// for a moment; a process that fails to get it meanwhile tries again.
    fn is_busy(&self, folder: &Folder) -> bool {
        self.root.is_dir()
            && folder
                .lock()
                .is_ok_and(|lock| lock.attempt(Mode::Shared).is_ok_and(|free| !free))
    }

    /// Removes an environment, unless a process uses or builds it.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn remove(&self, key: &Key) -> Result<Removal, EnvironmentError> {
        let folder = self.folder(key);
        let lock = folder.lock()?;
        if !lock.attempt(Mode::Exclusive)? {
            return Ok(Removal::InUse);
        }
        folder.remove()?;
        folder.uses().forget();
        folder.remove_log();
        Ok(Removal::Removed)
    }
}

impl Entry {
    /// Returns the size of an environment's files in bytes. Files that an installer shares between
    /// environments by links count in each of them.
    pub fn size(&self) -> u64 {
        size(&self.path)
    }
}

fn size(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !found.is_dir() {
        return found.len();
    }
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| size(&entry.path()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Marker;

    fn put(cache: &Cache, name: &str, whole: bool) -> Key {
        let key = Key(name.to_owned());
        let folder = cache.folder(&key);
        fs::create_dir_all(folder.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.python()).unwrap();
        if whole {
            let marker = Marker {
                kind: EnvironmentKind::Venv,
                python: "3.11.7".into(),
                requirements: Vec::new(),
            };
            folder.complete(&marker).unwrap();
        }
        key
    }

    #[test]
    fn entries_say_how_they_are() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path()).unwrap();
        assert!(cache.entries().is_empty());
        let whole = put(&cache, "venv-1", true);
        let half = put(&cache, "venv-2", false);
        cache.folder(&whole).uses().note("ml", Path::new("/p"));
        let entries = cache.entries();
        assert_eq!(
            entries.iter().map(|entry| entry.state).collect::<Vec<_>>(),
            [State::Ready, State::Half]
        );
        assert_eq!(
            entries[0].uses,
            [Use {
                project: "/p".into(),
                name: "ml".into()
            }]
        );
        assert!(entries[0].last_use.is_some() && entries[0].size() > 0);
        let lock = cache.folder(&half).lock().unwrap();
        assert!(lock.attempt(Mode::Exclusive).unwrap());
        assert_eq!(cache.entry(&half).state, State::Building);
        assert_eq!(cache.entry(&Key("venv-3".into())).state, State::Missing);
        fs::remove_file(cache.folder(&whole).python()).unwrap();
        std::os::unix::fs::symlink("/nowhere", cache.folder(&whole).python()).unwrap();
        assert_eq!(
            cache.entry(&whole).state,
            State::Half,
            "its interpreter is gone"
        );
    }

    /// Holds a lock like a program that an installer left running.
    #[test]
    fn a_lock_goes_with_its_owner() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path()).unwrap();
        let key = put(&cache, "venv-1", true);
        let lock = cache.folder(&key).lock().unwrap();
        assert!(lock.attempt(Mode::Exclusive).unwrap());
        let left = lock.file().try_clone().unwrap();
        assert_eq!(cache.remove(&key).unwrap(), Removal::InUse);
        drop(lock);
        assert_eq!(cache.remove(&key).unwrap(), Removal::Removed);
        drop(left);
    }

    #[test]
    fn what_is_in_use_stays() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path()).unwrap();
        let key = put(&cache, "venv-1", true);
        let lock = cache.folder(&key).lock().unwrap();
        assert!(lock.attempt(Mode::Shared).unwrap());
        assert_eq!(cache.remove(&key).unwrap(), Removal::InUse);
        drop(lock);
        assert_eq!(cache.remove(&key).unwrap(), Removal::Removed);
        assert!(cache.entries().is_empty());
        assert_eq!(
            cache.remove(&key).unwrap(),
            Removal::Removed,
            "nothing to remove is no error"
        );
    }
}
