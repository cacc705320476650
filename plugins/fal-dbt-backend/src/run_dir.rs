//! The private folder of one run, for sockets and the session's request.
//!
//! It is removed at the end of the run. If this process is killed, the session removes it; if
//! both are killed, a later run does.

use std::{
    env,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::payload::OpenRequest;
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::error::StartError;

/// Longest path of a folder, in bytes, below which a socket's path still fits into the 104 bytes
/// that every Unix allows.
const LONGEST_PARENT: usize = 60;
/// Prefix of the folders' names.
const PREFIX: &str = "fal-";
/// The lock file in each folder, which the run holds locked. The session recognizes its folder by
/// this file.
const OWNED: &str = "owned";
/// The lock file's name until it is locked.
const UNLOCKED: &str = ".owned";

/// The private folder of a run, which only this user can enter.
#[derive(Debug)]
pub(crate) struct RunDir {
    folder: TempDir,
    /// The locked file. While this process holds the lock, other runs do not consider the folder
    /// abandoned.
    _lock: File,
}

impl RunDir {
    /// Creates the folder, and removes those of killed runs.
    pub(crate) fn create() -> Result<Self, StartError> {
        let parent = short_parent(env::temp_dir());
        remove_abandoned(&parent);
        Self::create_in(&parent).map_err(|cause| StartError::RunDir {
            folder: parent,
            cause,
        })
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(private)
            .tempdir_in(parent)?;
        let root = Root::open(folder.path())?;
        let lock = root.open_file(UNLOCKED)?;
        lock.lock()?;
        // Rename the file only after locking it: other runs remove a folder whose lock file is not
        // locked.
        root.rename(UNLOCKED, OWNED)?;
        root.create_folder("g")?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Returns the folder for the gateway's socket.
    pub(crate) fn gateway_dir(&self) -> PathBuf {
        self.folder.path().join("g")
    }

    /// Returns the folder for the scripts of leases.
    pub(crate) fn leases(&self) -> PathBuf {
        self.folder.path().join("l")
    }

    /// Returns the path of the socket that jobs connect to.
    pub(crate) fn job_socket(&self) -> PathBuf {
        self.folder.path().join("jobs")
    }

    /// Writes the session's request and returns its path.
    pub(crate) fn write_open(&self, request: &OpenRequest) -> Result<PathBuf, StartError> {
        let path = self.folder.path().join("open.json");
        let text = serde_json::to_vec(request).map_err(io::Error::from);
        text.and_then(|text| Root::open(self.folder.path())?.write_private("open.json", &text))
            .map_err(|cause| StartError::RunDir {
                folder: path.clone(),
                cause,
            })?;
        Ok(path)
    }

    /// Removes the folder now instead of when this value is dropped.
    pub(crate) fn remove(&self) {
        // Ignore errors: the rest lies in the system's folder for temporary files.
        let _ = Root::of(self.folder.path()).and_then(|(parent, name)| parent.remove_folder(name));
    }
}

/// Removes the folders that killed runs of this user left behind.
fn remove_abandoned(parent: &Path) {
    // Ignore errors: this run does not depend on the removal.
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if ours && is_private(&entry.path()) && is_abandoned(&entry.path()) {
            let _ = Root::open(parent).and_then(|parent| parent.remove_folder(entry.file_name()));
        }
    }
}

/// Returns whether the path is a folder, not a symbolic link, that belongs to this user and that no
/// other user can enter.
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o777 == 0o700
    })
}

/// Returns whether the folder holds a run's lock file that no process has locked.
fn is_abandoned(folder: &Path) -> bool {
    let file = folder.join(OWNED);
    let is_file = fs::symlink_metadata(&file).is_ok_and(|found| found.is_file());
    is_file && fal_files::open(&file).is_ok_and(|file| file.try_lock().is_ok())
}

fn short_parent(wanted: PathBuf) -> PathBuf {
    if wanted.as_os_str().len() <= LONGEST_PARENT {
        wanted
    } else {
        Path::new("/tmp").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn is_private_and_gone_after_removal() {
        let run_dir = RunDir::create().unwrap();
        let path = run_dir.folder.path().to_owned();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(run_dir.gateway_dir().is_dir());
        assert!(run_dir.job_socket().as_os_str().len() < 100);
        run_dir.remove();
        assert!(!path.exists());
    }

    #[test]
    fn only_abandoned_folders_of_runs_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let running = RunDir::create_in(parent.path()).unwrap();
        let RunDir {
            folder,
            _lock: lock,
        } = RunDir::create_in(parent.path()).unwrap();
        // As after a kill: nothing is cleaned up, and the lock is released.
        let killed = folder.keep();
        drop(lock);
        let with_mode = |name: &str, mode: u32| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            folder
        };
        let (other_name, open_to_all) = (with_mode("other", 0o700), with_mode("fal-open", 0o755));
        fs::write(other_name.join(OWNED), "").unwrap();
        fs::write(open_to_all.join(OWNED), "").unwrap();
        let without_file = with_mode("fal-mine", 0o700);
        let with_link = with_mode("fal-link", 0o700);
        symlink(other_name.join(OWNED), with_link.join(OWNED)).unwrap();
        let link = parent.path().join("fal-folder");
        let outside = tempfile::tempdir().unwrap();
        fs::set_permissions(outside.path(), Permissions::from_mode(0o700)).unwrap();
        fs::write(outside.path().join(OWNED), "").unwrap();
        symlink(outside.path(), &link).unwrap();

        remove_abandoned(parent.path());
        assert!(!killed.exists());
        for kept in [
            running.folder.path(),
            &other_name,
            &open_to_all,
            &without_file,
            &with_link,
            &link,
            outside.path(),
        ] {
            assert!(kept.exists(), "{}", kept.display());
        }
        assert!(outside.path().join(OWNED).exists());
        let path = running.folder.path().to_owned();
        drop(running);
        assert!(!path.exists());
    }

    #[test]
    fn a_long_folder_for_temporary_files_is_not_used() {
        assert_eq!(
            short_parent(PathBuf::from(format!("/{}", "x".repeat(80)))),
            Path::new("/tmp")
        );
    }
}
