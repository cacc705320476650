//! Writes a folder completely or not at all.

use std::path::{Path, PathBuf};

use crate::error::ScaffoldError;
use fal_files::Root;

/// A file to write.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    /// The path relative to the folder.
    pub(crate) path: PathBuf,
    pub(crate) content: String,
    pub(crate) executable: bool,
}

/// Writes the files into a temporary folder next to `folder`, then renames it.
pub(crate) fn folder(folder: &Path, files: &[NewFile]) -> Result<(), ScaffoldError> {
    let exists = || ScaffoldError::Exists {
        path: folder.to_owned(),
    };
    let name = folder.file_name().ok_or_else(exists)?.to_string_lossy();
    // Use the link's own metadata: a dangling link belongs to the user as well.
    if folder.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    let root = Root::create(parent).map_err(failed(parent))?;
    let scratch = Scratch {
        root: &root,
        name: format!(".{name}.{}.tmp", std::process::id()),
    };
    root.create_folder(&scratch.name).map_err(failed(folder))?;
    files.iter().try_for_each(|file| scratch.write(file))?;
    // On Unix a rename replaces only an empty folder, so a folder that another process created in
    // the meantime loses no files.
    root.rename(&scratch.name, &*name).map_err(failed(folder))
}

/// The temporary folder, removed on drop. After the rename there is nothing left to remove.
struct Scratch<'a> {
    root: &'a Root,
    name: String,
}

impl Scratch<'_> {
    fn write(&self, file: &NewFile) -> Result<(), ScaffoldError> {
        let path = Path::new(&self.name).join(&file.path);
        let content = file.content.as_bytes();
        let written = if file.executable {
            self.root.write_program(&path, content)
        } else {
            self.root.write(&path, content)
        };
        written.map(drop).map_err(failed(&file.path))
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let _ = self.root.remove_folder(&self.name);
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> ScaffoldError {
    move |source| ScaffoldError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(path: &str, executable: bool) -> NewFile {
        NewFile {
            path: path.into(),
            content: "text".to_owned(),
            executable,
        }
    }

    #[test]
    fn a_folder_is_written_with_what_is_in_it() {
        let at = tempfile::tempdir().unwrap();
        let new = at.path().join("deep/new");
        folder(&new, &[file("a", false), file("b/c", true)]).unwrap();
        assert_eq!(fs::read_to_string(new.join("b/c")).unwrap(), "text");
        assert_eq!(
            fs::read_dir(at.path().join("deep")).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |name: &str| new.join(name).metadata().unwrap().permissions().mode() & 0o111;
            assert_eq!(mode("a"), 0);
            assert_ne!(mode("b/c"), 0);
        }
    }

    #[test]
    fn what_is_there_stays() {
        let at = tempfile::tempdir().unwrap();
        let new = at.path().join("new");
        fs::write(&new, "mine").unwrap();
        assert!(matches!(
            folder(&new, &[file("a", false)]),
            Err(ScaffoldError::Exists { .. })
        ));
        assert_eq!(fs::read_to_string(&new).unwrap(), "mine");
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let at = tempfile::tempdir().unwrap();
        let new = at.path().join("new");
        let clash = [file("a", false), file("a/b", false)];
        assert!(matches!(
            folder(&new, &clash),
            Err(ScaffoldError::Write { .. })
        ));
        assert_eq!(fs::read_dir(at.path()).unwrap().count(), 0);
    }
}
