//! The lock of an environment. Either one process builds or removes the environment, or any number
//! use it.
//! // Lock files are never removed: otherwise a process could hold the lock of a removed file while
//! another locks a new file.

use std::{
    fs::{File, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use fal_files::Root;

use crate::{error::EnvironmentError, stop::Stop};

/// How long to wait between two attempts to take a lock.
const AGAIN: Duration = Duration::from_millis(50);
/// Number of attempts after which a wait for users of an environment is reported.
const LONG: u32 = 20;

/// The open lock file of an environment.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

/// The mode in which a lock is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Shared: the environment may be used.
    Shared,
    /// Exclusive: the environment may be changed.
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

    /// Returns the file, for installers to keep open.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Tries to take the lock.
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

    /// Releases the lock.
    pub(crate) fn release(&self) -> Result<(), EnvironmentError> {
        self.file.unlock().map_err(|cause| self.failed(cause))
    }

    /// Waits before the next attempt.
    pub(crate) fn pause(stop: &Stop) -> Result<(), EnvironmentError> {
        stop.check()?;
        thread::sleep(AGAIN);
        Ok(())
    }

    /// Writes the id of this process, which builds, into the lock file.
    pub(crate) fn sign(&self) {
        let mut file = &self.file;
        // Ignore errors: the id is only for the messages of waiting processes.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = write!(file, "{}", std::process::id());
    }

    /// Returns the id of the last builder, which is the current one if a process builds.
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
    /// Releases the lock explicitly. Closing the file is not enough: installers inherit it, and
    /// some start programs that outlive them.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Decides when to report a wait, which it does once.
#[derive(Default)]
pub(crate) struct Patience {
    looks: u32,
    reported: bool,
}

impl Patience {
    /// Returns whether to report a wait for a process that builds or removes.
    pub(crate) fn builder(&mut self) -> bool {
        !std::mem::replace(&mut self.reported, true)
    }

    /// Returns whether to report a wait for processes that use the environment or look at it.
    pub(crate) fn users(&mut self) -> bool {
        self.looks += 1;
        self.looks >= LONG && self.builder()
    }
}
