//! The warm processes (zygotes), one for each environment in which models run.

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use fal_plugin::EventSink;
use parking_lot::Mutex;

use super::{jobs::Jobs, zygote::Zygote};
use crate::{error::StartError, process::Launch};

/// The environment of a process: its interpreter and its variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Environment {
    /// Path of the interpreter.
    pub(crate) python: PathBuf,
    /// Environment variables to set, in addition to those of this process.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Environment {
    /// Returns an environment with the variables of this process only.
    pub(crate) fn from_python(python: PathBuf) -> Self {
        Self {
            python,
            variables: Vec::new(),
        }
    }
}

/// Starts zygotes on demand, and replaces those that died.
pub(crate) struct Zygotes {
    home: PathBuf,
    events: Arc<dyn EventSink>,
    jobs: Arc<Jobs>,
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    last: u64,
    closed: bool,
    alive: HashMap<Environment, Arc<Zygote>>,
    modules: Vec<String>,
}

impl Zygotes {
    /// Returns an empty set of zygotes.
    pub(crate) fn new(home: &Path, jobs: &Arc<Jobs>, events: &Arc<dyn EventSink>) -> Self {
        Self {
            home: home.to_owned(),
            events: Arc::clone(events),
            jobs: Arc::clone(jobs),
            pool: Mutex::default(),
        }
    }

    /// Returns the zygote of an environment, and starts it if there is none.
    pub(crate) fn get(&self, environment: &Environment) -> Result<Arc<Zygote>, StartError> {
        let mut pool = self.pool.lock();
        if let Some(zygote) = pool
            .alive
            .get(environment)
            .filter(|zygote| zygote.is_alive())
        {
            return Ok(Arc::clone(zygote));
        }
        if pool.closed {
            return Err(StartError::Closed);
        }
        pool.last += 1;
        let launch = Launch {
            title: "the process that starts models",
            module: "fal_worker.zygote",
            python: &environment.python,
            home: &self.home,
            variables: environment.variables.clone(),
            events: Arc::clone(&self.events),
        };
        let zygote = Arc::new(Zygote::start(launch, pool.last, &self.jobs)?);
        if !pool.modules.is_empty() {
            zygote.preload(&pool.modules);
        }
        pool.alive.insert(environment.clone(), Arc::clone(&zygote));
        Ok(zygote)
    }

    /// Makes all zygotes, including later ones, import these modules ahead of their jobs.
    pub(crate) fn preload(&self, modules: Vec<String>) {
        let mut pool = self.pool.lock();
        pool.alive
            .values()
            .for_each(|zygote| zygote.preload(&modules));
        pool.modules = modules;
    }

    /// Asks all zygotes to exit.
    pub(crate) fn hang_up(&self) {
        self.pool
            .lock()
            .alive
            .values()
            .for_each(|zygote| zygote.hang_up());
    }

    /// Asks all zygotes to exit, and starts no more.
    pub(crate) fn close(&self) {
        self.pool.lock().closed = true;
        self.hang_up();
    }

    /// Waits for the exit of all zygotes; kills them at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        let all: Vec<_> = self.pool.lock().alive.drain().collect();
        all.iter().for_each(|(_, zygote)| zygote.end_by(deadline));
    }
}
