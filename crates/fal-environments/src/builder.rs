//! Provides environments, and builds those that are missing.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use fal_files::Root;
use fal_plugin::payload::EnvironmentKind;

use crate::{
    base::Base,
    cache::Cache,
    conda,
    definition::Definition,
    error::EnvironmentError,
    folder::{Folder, Marker},
    installer::Installer,
    key::Key,
    lock::{Lock, Mode, Patience},
    stop::Stop,
    venv,
};

/// A project's access to environments.
#[derive(Clone, Debug)]
pub struct EnvironmentBuilder {
    /// The cache of environments.
    pub cache: Cache,
    /// The default interpreter.
    pub base: Base,
    /// The project's folder.
    pub project_dir: PathBuf,
    /// Stops running builds.
    pub stop: Stop,
}

/// Progress on the way to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting: another process builds or removes the environment, or uses the old one.
    Waiting {
        /// Id of that process, if known.
        process: Option<u32>,
    },
    /// It is being built.
    Building {
        /// The file for the installer's output.
        log: PathBuf,
    },
    /// It was built.
    Built {
        /// How long the build took.
        took: Duration,
    },
}

/// A complete environment. It cannot be removed while this value is held.
#[derive(Debug)]
pub struct Ready {
    /// Its key.
    pub key: Key,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// Its folder.
    pub path: PathBuf,
    /// Its interpreter.
    pub python: PathBuf,
    _lock: Lock,
}

impl EnvironmentBuilder {
    /// Returns the environment of a definition, which this project calls `name`. Builds it if it is
    /// missing.
    ///
    /// # Errors
    /// If it is missing and cannot be built, or the user interrupts the wait.
    pub fn prepare(
        &self,
        name: &str,
        definition: &Definition,
        tell: &dyn Fn(Step),
    ) -> Result<Ready, EnvironmentError> {
        let key = Key::new(definition, &self.base);
        let folder = self.cache.folder(&key);
        let mut lock = folder.lock()?;
        let mut patience = Patience::default();
        loop {
            if !lock.attempt(Mode::Shared)? {
                if patience.builder() {
                    tell(Step::Waiting {
                        process: lock.builder(),
                    });
                }
                Lock::pause(&self.stop)?;
                continue;
            }
            if folder.marker().is_some() {
                folder.uses().note(name, &self.project_dir);
                let (path, python) = (folder.path(), folder.python());
                return Ok(Ready {
                    key,
                    kind: definition.kind,
                    path,
                    python,
                    _lock: lock,
                });
            }
            lock.release()?;
            if lock.attempt(Mode::Exclusive)? {
                if folder.marker().is_none() {
                    self.build(definition, &folder, &lock, tell)?;
                }
                // Open the lock again: no installer has inherited this new file.
                lock = folder.lock()?;
            } else {
                if patience.users() {
                    tell(Step::Waiting { process: None });
                }
                Lock::pause(&self.stop)?;
            }
        }
    }

    /// Builds the environment in its final place. First removes what a killed build left; if this
    /// build fails, removes its files at once.
    fn build(
        &self,
        definition: &Definition,
        folder: &Folder,
        lock: &Lock,
        tell: &dyn Fn(Step),
    ) -> Result<(), EnvironmentError> {
        self.stop.check()?;
        let begun = Instant::now();
        lock.sign();
        folder.remove()?;
        let log = folder.log();
        let emptied = Root::of(&log).and_then(|(logs, name)| logs.write(name, b""));
        emptied.map_err(EnvironmentError::file("written", &log))?;
        tell(Step::Building { log: log.clone() });
        let installer = Installer {
            stop: &self.stop,
            lock: lock.file(),
            log: &log,
            dir: &self.project_dir,
        };
        self.fill(definition, folder, &installer).inspect_err(|_| {
            // Ignore errors, to report the failure of the build itself. The next build removes the
            // rest.
            drop(folder.remove());
        })?;
        tell(Step::Built {
            took: begun.elapsed(),
        });
        Ok(())
    }

    fn fill(
        &self,
        definition: &Definition,
        folder: &Folder,
        installer: &Installer<'_>,
    ) -> Result<(), EnvironmentError> {
        match definition.kind {
            EnvironmentKind::Venv => venv::build(definition, &self.base, folder, installer)?,
            EnvironmentKind::Conda => conda::build(definition, &self.base, folder, installer)?,
        }
        let found = Base::from_interpreter(&folder.python())?;
        if found.is_too_old() {
            return Err(EnvironmentError::TooOld {
                found: found.version,
            });
        }
        self.stop.check()?;
        let requirements = definition.requirements.lines.clone();
        folder.complete(&Marker {
            kind: definition.kind,
            python: found.version,
            requirements,
        })
    }
}

/// Calls a function for each item, for `at_once` items at the same time, and returns the outcomes
/// in order.
pub fn each_of<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let take =
            || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < items.len());
        std::iter::from_fn(take)
            .map(|index| (index, work(&items[index])))
            .collect::<Vec<_>>()
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once.min(items.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .flat_map(|outcome| outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_are_done_once_and_in_order() {
        let items: Vec<_> = (0..50).collect();
        assert_eq!(
            each_of(&items, 4, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert!(each_of(&[] as &[i32], 4, |item| *item).is_empty());
    }
}
