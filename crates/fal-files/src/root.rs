//! A folder that writes cannot leave.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt},
};

use crate::{leftover, temporary::Temporary};

/// An open folder for writing below it. A symbolic link that leads out of the folder is an error.
/// The folder itself may be a link, since its owner chose where it is.
#[derive(Debug)]
pub struct Root {
    dir: Dir,
    path: PathBuf,
}

impl Root {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// If it is no folder, or cannot be opened.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let named = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &path
        };
        Ok(Self {
            dir: Dir::open_ambient_dir(named, ambient_authority())?,
            path,
        })
    }

    /// Opens a folder. Creates it and those above it if they are missing.
    ///
    /// # Errors
    /// If it cannot be made or opened.
    #[expect(
        clippy::disallowed_methods,
        reason = "the root is named by the caller, and may be anywhere"
    )]
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        match Self::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&path)?;
                Self::open(path)
            }
            opened => opened,
        }
    }

    /// Opens the folder of a file whose place the caller chose. Returns it with the file's name.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if the path ends without a name.
    pub fn of(file: &Path) -> io::Result<(Self, &OsStr)> {
        let (folder, name) = file
            .parent()
            .zip(file.file_name())
            .ok_or(io::ErrorKind::InvalidFilename)?;
        Ok((Self::open(folder)?, name))
    }

    /// Returns the path that the folder was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file atomically: readers see the old content or the new one. Creates missing
    /// folders above it.
    ///
    /// # Errors
    /// If a link leads out of the root, or the system refuses.
    pub fn write(&self, file: impl AsRef<Path>, content: &[u8]) -> io::Result<Metadata> {
        self.temporary(file, content)?.replace()
    }

    /// Writes like [`write`](Self::write) a file that only its owner may read.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_private(&self, file: impl AsRef<Path>, content: &[u8]) -> io::Result<Metadata> {
        self.temporary_with(file.as_ref(), content, 0o600)?
            .replace()
    }

    /// Writes like [`write`](Self::write) a program, which all users who may read it may also run.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_program(&self, file: impl AsRef<Path>, content: &[u8]) -> io::Result<Metadata> {
        self.temporary_with(file.as_ref(), content, 0o777)?
            .replace()
    }

    /// Writes content to a temporary file beside its destination.
    ///
    /// # Errors
    /// If a link leads out of the root, or the system refuses.
    pub fn temporary(&self, file: impl AsRef<Path>, content: &[u8]) -> io::Result<Temporary> {
        self.temporary_with(file.as_ref(), content, 0o666)
    }

    fn temporary_with(&self, file: &Path, content: &[u8], mode: u32) -> io::Result<Temporary> {
        let (folder, name) = self.split(file)?;
        Temporary::write(folder, name, content, mode)
    }

    /// Creates an empty file for writing in pieces, replacing an existing one.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn create_file(&self, file: impl AsRef<Path>) -> io::Result<File> {
        let (folder, name) = self.split(file.as_ref())?;
        gone(folder.remove_file(name))?;
        Ok(folder
            .open_with(name, OpenOptions::new().write(true).create_new(true))?
            .into_std())
    }

    /// Opens a file for reading and for writing at its end, and makes it if it is missing.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn open_file(&self, file: impl AsRef<Path>) -> io::Result<File> {
        let (folder, name) = self.split(file.as_ref())?;
        let mut options = OpenOptions::new();
        let opened = folder.open_with(
            name,
            options.read(true).append(true).create(true).mode(0o600),
        );
        Ok(opened
            .map_err(|error| self.refused(file.as_ref(), error))?
            .into_std())
    }

    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn create_folder(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        self.folder(folder.as_ref()).map(drop)
    }

    /// Makes a folder that only its owner may enter, and those above it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn create_private_folder(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        let folder = folder.as_ref();
        let made = self
            .dir
            .create_dir_with(folder, DirBuilder::new().recursive(true).mode(0o700));
        made.map_err(|error| self.refused(folder, error))
    }

    /// Removes a file or a link. A missing one is no error.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn remove_file(&self, file: impl AsRef<Path>) -> io::Result<()> {
        let file = file.as_ref();
        gone(self.dir.remove_file(file)).map_err(|error| self.refused(file, error))
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// Also if it is not empty.
    pub fn remove_empty_folder(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        let folder = folder.as_ref();
        self.dir
            .remove_dir(folder)
            .map_err(|error| self.refused(folder, error))
    }

    /// Removes a folder with its content, without following links. A missing one is no error.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn remove_folder(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        let folder = folder.as_ref();
        gone(self.dir.remove_dir_all(folder)).map_err(|error| self.refused(folder, error))
    }

    /// Gives a file a second name below the root, or copies it where the system allows no second
    /// name. A link is followed. The name must be free.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn link(&self, from: &Path, file: impl AsRef<Path>) -> io::Result<()> {
        let file = file.as_ref();
        let real = real(from)?;
        let (source, name) = Self::of(&real)?;
        if source.dir.hard_link(name, &self.dir, file).is_ok() {
            return Ok(());
        }
        let copied = source.dir.copy(name, &self.dir, file);
        copied.map(drop).map_err(|error| self.refused(file, error))
    }

    /// Makes a symbolic link with a relative target. The name must be free.
    ///
    /// # Errors
    /// As [`write`](Self::write), and if the target is an absolute path.
    pub fn symlink(&self, target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
        let link = link.as_ref();
        self.dir
            .symlink(target, link)
            .map_err(|error| self.refused(link, error))
    }

    /// Renames a file or folder below the root. Links are moved, not followed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let to = to.as_ref();
        self.dir
            .rename(from, &self.dir, to)
            .map_err(|error| self.refused(to, error))
    }

    /// Removes a temporary file if the process that wrote it is gone.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn remove_leftover(&self, file: impl AsRef<Path>) -> io::Result<()> {
        let file = file.as_ref();
        let modified = || {
            self.dir
                .symlink_metadata(file)
                .and_then(|found| found.modified())
                .map(|time| time.into_std())
        };
        let name = file.file_name().unwrap_or_default();
        if leftover::is_abandoned(name, modified) {
            self.remove_file(file)
        } else {
            Ok(())
        }
    }

    /// Removes the temporary files in this folder whose processes are gone.
    pub fn sweep(&self) {
        let Ok(entries) = self.dir.entries() else {
            return;
        };
        for entry in entries.flatten() {
            // Ignore errors: the next sweep tries again.
            let _ = self.remove_leftover(entry.file_name());
        }
    }

    /// Opens the folder of a file, creates it if it is missing, and returns it with the file's
    /// name.
    fn split<'a>(&self, file: &'a Path) -> io::Result<(Dir, &'a OsStr)> {
        let name = file
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        Ok((self.folder(file.parent().unwrap_or(Path::new("")))?, name))
    }

    fn folder(&self, folder: &Path) -> io::Result<Dir> {
        if folder.as_os_str().is_empty() {
            return self.dir.try_clone();
        }
        let opened = match self.dir.open_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self
                .dir
                .create_dir_all(folder)
                .and_then(|()| self.dir.open_dir(folder)),
            opened => opened,
        };
        opened.map_err(|error| self.refused(folder, error))
    }

    /// Names the path and the root in cap-std's error for a path that leads out of the root.
    fn refused(&self, path: &Path, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::PermissionDenied || error.raw_os_error().is_some() {
            return error;
        }
        let (path, root) = (path.display(), self.path.display());
        io::Error::new(
            error.kind(),
            format!("`{path}` leads out of {root}, where nothing is written"),
        )
    }
}

/// Resolves all links of a path, including links to missing files. Keeps the missing end of the
/// path as it is.
///
/// # Errors
/// If the existing part cannot be resolved, or the missing part contains `..`.
pub fn real(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(error);
            };
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            match path.read_link() {
                Ok(target) => real(&parent.join(target)),
                Err(_) => Ok(real(parent)?.join(name)),
            }
        }
        resolved => resolved,
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests;
