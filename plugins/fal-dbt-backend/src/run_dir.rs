//! The private folder of one run: sockets and the request of the session. Removed at the end; by the session if this process
//! is killed; by a later run if both are.

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

/// Longest folder name below which a socket's path still fits into the 104 bytes that every Unix allows.
const LONGEST_PARENT: usize = 60;
/// How the folders' names begin.
const PREFIX: &str = "fal-";
/// The file in each that its run holds a lock on. The session knows its folder by it.
const OWNED: &str = "owned";
/// It is called so until it is locked.
const UNLOCKED: &str = ".owned";

/// A folder that only this user can enter.
#[derive(Debug)]
pub(crate) struct RunDir {
    folder: TempDir,
    /// Locked as long as this process lives: others do not take the folder for abandoned.
    _lock: File,
}

impl RunDir {
    /// Makes the folder, and removes those of runs that were killed.
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
        // Only now can it be found: without the lock it would be taken for abandoned.
        root.rename(UNLOCKED, OWNED)?;
        root.create_folder("g")?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Folder for the gateway's socket.
    pub(crate) fn gateway_dir(&self) -> PathBuf {
        self.folder.path().join("g")
    }

    /// Folder for the scripts of leases.
    pub(crate) fn leases(&self) -> PathBuf {
        self.folder.path().join("l")
    }

    /// Socket that jobs connect to.
    pub(crate) fn door(&self) -> PathBuf {
        self.folder.path().join("jobs")
    }

    /// Writes the session's request; gives its path.
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

    /// Removes the folder now, not when the last user of this value is gone.
    pub(crate) fn remove(&self) {
        // What cannot be removed lies in the system's folder for temporary files.
        let _ = Root::of(self.folder.path()).and_then(|(parent, name)| parent.remove_folder(name));
    }
}

/// Removes the folders of this user's runs that ended without a chance to do it.
fn remove_abandoned(parent: &Path) {
    // What cannot be read or removed stays: this run works without that.
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

/// A folder, and no link to one, that this user made for itself alone.
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o777 == 0o700
    })
}

/// Whether it holds the file of a run, and no process holds the lock.
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
        assert!(run_dir.door().as_os_str().len() < 100);
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
        // Its process was killed: nothing is cleared up, and the lock is gone.
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
