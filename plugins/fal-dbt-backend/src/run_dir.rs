//! The private folder of one run: sockets and the request of the session. Removed at the end.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::payload::OpenRequest;
use tempfile::TempDir;

use crate::error::StartError;

/// Longest folder name below which a socket's path still fits into the 104 bytes that every Unix allows.
const LONGEST_PARENT: usize = 60;

/// A folder that only this user can enter.
#[derive(Debug)]
pub(crate) struct RunDir {
    folder: TempDir,
}

impl RunDir {
    /// Makes the folder.
    pub(crate) fn create() -> Result<Self, StartError> {
        let parent = short_parent(env::temp_dir());
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("fal-").permissions(private).tempdir_in(&parent);
        let run_dir = folder.map(|folder| Self { folder }).and_then(|run_dir| {
            Root::open(run_dir.folder.path())?.create_folder("g")?;
            Ok(run_dir)
        });
        run_dir.map_err(|cause| StartError::RunDir { folder: parent, cause })
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
        let text = serde_json::to_vec(request).map_err(std::io::Error::from);
        text.and_then(|text| Root::open(self.folder.path())?.write_private("open.json", &text))
            .map_err(|cause| StartError::RunDir { folder: path.clone(), cause })?;
        Ok(path)
    }

    /// Removes the folder now, not when the last user of this value is gone.
    pub(crate) fn remove(&self) {
        // What cannot be removed lies in the system's folder for temporary files.
        let _ = Root::of(self.folder.path()).and_then(|(parent, name)| parent.remove_folder(name));
    }
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
    use super::*;

    #[test]
    fn is_private_and_gone_after_removal() {
        let run_dir = RunDir::create().unwrap();
        let path = run_dir.folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(run_dir.gateway_dir().is_dir());
        assert!(run_dir.door().as_os_str().len() < 100);
        run_dir.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_long_folder_for_temporary_files_is_not_used() {
        assert_eq!(short_parent(PathBuf::from(format!("/{}", "x".repeat(80)))), Path::new("/tmp"));
    }
}
