//! The warm processes: one for each environment in which models run.

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use fal_plugin::EventSink;
use parking_lot::{Mutex, MutexGuard};

use crate::{error::StartError, jobs::Jobs, process::Launch, zygote::Zygote};

/// What a model needs around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Environment {
    /// Its interpreter.
    pub(crate) python: PathBuf,
    /// Environment variables of its own.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Environment {
    /// An interpreter with the variables of this process.
    pub(crate) fn of_python(python: PathBuf) -> Self {
        Self {
            python,
            variables: Vec::new(),
        }
    }
}

/// Starts zygotes when they are needed, again if one died.
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
    /// None yet.
    pub(crate) fn new(home: &Path, jobs: &Arc<Jobs>, events: &Arc<dyn EventSink>) -> Self {
        Self {
            home: home.to_owned(),
            events: Arc::clone(events),
            jobs: Arc::clone(jobs),
            pool: Mutex::default(),
        }
    }

    /// The zygote of an environment.
    pub(crate) fn of(&self, environment: &Environment) -> Result<Arc<Zygote>, StartError> {
        let mut pool = self.lock();
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

    /// Modules that all of them, also later ones, import ahead.
    pub(crate) fn preload(&self, modules: Vec<String>) {
        let mut pool = self.lock();
        pool.alive
            .values()
            .for_each(|zygote| zygote.preload(&modules));
        pool.modules = modules;
    }

    /// Tells all that there is nothing more to do.
    pub(crate) fn hang_up(&self) {
        self.lock()
            .alive
            .values()
            .for_each(|zygote| zygote.hang_up());
    }

    /// Tells all that there is nothing more to do, and starts none from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.hang_up();
    }

    /// Waits for the end of all; kills them at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        let all: Vec<_> = self.lock().alive.drain().collect();
        all.iter().for_each(|(_, zygote)| zygote.end_by(deadline));
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock()
    }
}
