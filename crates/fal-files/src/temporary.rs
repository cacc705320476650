//! Atomic replacement of files: content goes to a hidden file in the same folder first, which is
//! then renamed.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata, Permissions},
    io::{self, Write},
};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use crate::leftover;

/// A temporary file. Dropping it removes it, unless it was renamed.
#[derive(Debug)]
pub struct Temporary {
    folder: Dir,
    name: String,
    target: OsString,
    file: File,
    placed: bool,
}

impl Temporary {
    pub(crate) fn write(
        folder: Dir,
        target: &OsStr,
        content: &[u8],
        mode: u32,
    ) -> io::Result<Self> {
        let name = leftover::new_name();
        let file = folder
            .open_with(
                &name,
                OpenOptions::new().write(true).create_new(true).mode(mode),
            )?
            .into_std();
        let mut temporary = Self {
            folder,
            name,
            target: target.to_owned(),
            file,
            placed: false,
        };
        temporary.file.write_all(content)?;
        Ok(temporary)
    }

    /// Sets the permissions that the file will have.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn with_permissions(self, permissions: Permissions) -> io::Result<Self> {
        self.file.set_permissions(permissions)?;
        Ok(self)
    }

    /// Waits until the content is on the disk.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn synced(self) -> io::Result<Self> {
        self.file.sync_all()?;
        Ok(self)
    }

    /// Gives the file its name, replacing what is there.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn replace(mut self) -> io::Result<Metadata> {
        self.folder.rename(&self.name, &self.folder, &self.target)?;
        self.placed = true;
        self.file.metadata()
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Of kind `AlreadyExists` if something is there.
    pub fn place(mut self) -> io::Result<Metadata> {
        rename_new(&self.folder, self.name.as_ref(), &self.target)?;
        self.placed = true;
        self.file.metadata()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            // Ignore errors: the next run removes the file.
            let _ = self.folder.remove_file(&self.name);
        }
    }
}

#[cfg(target_os = "linux")]
fn rename_new(folder: &Dir, from: &OsStr, to: &OsStr) -> io::Result<()> {
    use rustix::{
        fs::{RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // The file system does not support the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(folder, from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(folder: &Dir, from: &OsStr, to: &OsStr) -> io::Result<()> {
    link_new(folder, from, to)
}

/// Gives the file its name by a hard link, which never replaces a file. On file systems without
/// hard links, checks for a file just before renaming.
fn link_new(folder: &Dir, from: &OsStr, to: &OsStr) -> io::Result<()> {
    match folder.hard_link(from, folder, to) {
        Ok(()) => folder.remove_file(from),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
            ) =>
        {
            Err(error)
        }
        Err(_) if folder.symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => folder.rename(from, folder, to),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Root;

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        root.temporary("x.sql", b"one").unwrap().place().unwrap();
        let error = root
            .temporary("x.sql", b"two")
            .unwrap()
            .place()
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let name = OsStr::new("x.sql");
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        assert_eq!(
            link_new(&dir, name, name).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }
}
