//! The lock of one environment: one process builds or removes, or many use it.
//!
//! Lock files are never removed: a process could hold the lock of a file that is gone while another locks a new one.

use std::{
    fs::{File, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use fal_files::Root;

use crate::{error::EnvironmentError, stop::Stop};

/// How often to look whether a lock became free.
const AGAIN: Duration = Duration::from_millis(50);
/// After how many looks a lock that is used, and not for building, is worth telling of.
const LONG: u32 = 20;

/// The open lock file of an environment.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

/// How a lock is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The environment may be used.
    Shared,
    /// It may be changed.
    Exclusive,
}

impl Lock {
    pub(crate) fn open(path: &Path) -> Result<Self, EnvironmentError> {
        let file = Root::of(path).and_then(|(locks, name)| locks.open_file(name));
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(EnvironmentError::file("opened", path))?,
        })
    }

    /// The file, for installers to hold.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Takes the lock unless others hold it.
    pub(crate) fn attempt(&self, mode: Mode) -> Result<bool, EnvironmentError> {
        let outcome = match mode {
            Mode::Shared => self.file.try_lock_shared(),
            Mode::Exclusive => self.file.try_lock(),
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(cause)) => Err(self.failed(cause)),
        }
    }

    /// Gives it back.
    pub(crate) fn release(&self) -> Result<(), EnvironmentError> {
        self.file.unlock().map_err(|cause| self.failed(cause))
    }

    /// Waits a moment for others.
    pub(crate) fn pause(stop: &Stop) -> Result<(), EnvironmentError> {
        stop.check()?;
        thread::sleep(AGAIN);
        Ok(())
    }

    /// Leaves a note of who builds.
    pub(crate) fn sign(&self) {
        let mut file = &self.file;
        // It only makes the message of those who wait clearer.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = write!(file, "{}", std::process::id());
    }

    /// Who built last: the builder if someone builds.
    pub(crate) fn builder(&self) -> Option<u32> {
        let text = fal_files::read_text(&self.path, fal_files::TEXT).ok()?;
        text.trim().parse().ok()
    }

    fn failed(&self, cause: io::Error) -> EnvironmentError {
        EnvironmentError::File {
            what: "locked",
            path: self.path.clone(),
            cause,
        }
    }
}

impl Drop for Lock {
    /// Installers have the file too, and some start programs that outlive them: the lock goes with us all the same.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Decides when a wait is told of: once.
#[derive(Default)]
pub(crate) struct Patience {
    looks: u32,
    told: bool,
}

impl Patience {
    /// Someone builds or removes.
    pub(crate) fn builder(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// Others look or use.
    pub(crate) fn users(&mut self) -> bool {
        self.looks += 1;
        self.looks >= LONG && self.builder()
    }
}
