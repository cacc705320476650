//! Whole files or none: content goes to a hidden file in the same folder first, which then takes its place.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

const PREFIX: &str = ".fal-";
const SUFFIX: &str = ".tmp";
/// A run that lives this long with one file open does not exist.
const OLD: Duration = Duration::from_secs(600);

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Whether a file name is that of a temporary file of ours. dbt reads none of these: they end neither in `.sql` nor `.py`.
pub(crate) fn is_ours(name: &str) -> bool {
    process_of(name).is_some()
}

/// A temporary file, removed when dropped unless it took its place.
pub(crate) struct Temporary {
    path: PathBuf,
    file: File,
    placed: bool,
}

impl Temporary {
    /// Writes a new file into a folder, which is made if it is missing.
    pub(crate) fn write(folder: &Path, content: &[u8]) -> io::Result<Self> {
        let name = format!("{PREFIX}{}-{}{SUFFIX}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(name);
        let file = match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                create(&path)?
            }
            created => created?,
        };
        let mut temporary = Self { path, file, placed: false };
        temporary.file.write_all(content)?;
        Ok(temporary)
    }

    /// Gives the file its name, replacing what is there.
    pub(crate) fn replace(mut self, target: &Path) -> io::Result<Metadata> {
        fs::rename(&self.path, target)?;
        self.placed = true;
        self.file.metadata()
    }

    /// Gives the file its name; an error of kind `AlreadyExists` if something is there.
    pub(crate) fn place(mut self, target: &Path) -> io::Result<Metadata> {
        rename_new(&self.path, target)?;
        self.placed = true;
        self.file.metadata()
    }

    /// Gives the file the permissions of the one that it will replace.
    pub(crate) fn with_permissions_of(self, other: &Path) -> io::Result<Self> {
        if let Ok(metadata) = fs::metadata(other) {
            self.file.set_permissions(metadata.permissions())?;
        }
        Ok(self)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing better can be done: the next run removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the run that made this file is over.
pub(crate) fn is_abandoned(path: &Path) -> bool {
    let Some(process) = path.file_name().and_then(|name| name.to_str()).and_then(process_of) else { return false };
    if process == process::id() {
        return false;
    }
    !is_alive(process) || is_old(path)
}

/// Removes what killed runs left in a folder. What cannot be removed now, a later run removes.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_abandoned(path)) {
        let _ = fs::remove_file(path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn process_of(name: &str) -> Option<u32> {
    let (process, _) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    process.parse().ok()
}

fn is_old(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age > OLD))
}

#[cfg(unix)]
fn is_alive(process: u32) -> bool {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_alive(_process: u32) -> bool {
    true
}

#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems that do not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    link_new(from, to)
}

/// A link never replaces a file. Where there are no links, the check comes just before the rename.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => Err(error),
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.sql");
        Temporary::write(folder.path(), b"one").unwrap().place(&target).unwrap();
        let error = Temporary::write(folder.path(), b"two").unwrap().place(&target).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(link_new(&target, &target).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn files_of_dead_processes_are_abandoned() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        assert!(is_abandoned(Path::new(&format!(".fal-{dead}-1.tmp"))));
        assert!(!is_abandoned(Path::new(&format!(".fal-{}-1.tmp", process::id()))));
        assert!(!is_abandoned(Path::new(".fal-x-1.tmp")), "not one of ours");
    }

    #[test]
    fn only_what_dead_processes_left_is_swept() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let names = [format!(".fal-{dead}-1.tmp"), format!(".fal-{}-1.tmp", process::id()), "mine.tmp".to_owned()];
        names.iter().for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        sweep(folder.path());
        let kept: Vec<_> = names.iter().filter(|name| folder.path().join(name).exists()).collect();
        assert_eq!(kept, [&names[1], &names[2]]);
    }
}
