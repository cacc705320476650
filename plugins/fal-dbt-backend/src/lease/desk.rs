//! The leases that are out, and what they share.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        mpsc::{Receiver, Sender},
        OnceLock,
    },
};

use fal_plugin::{payload::NodeResult, PluginError};
use parking_lot::{Mutex, MutexGuard};

use super::{
    access::Access,
    bundle::{Bundle, BundleError, Sources},
    listener::{Listener, Outcome},
};
use crate::{error::AskError, gateway_job::Clock, native_job::NativeJob, run::Run};

/// A lease that is out.
pub(crate) struct Open {
    pub(crate) unique_id: String,
    /// The gateway's name of the job.
    pub(crate) job: String,
    pub(crate) runner: String,
    pub(crate) clock: Clock,
    pub(crate) script: PathBuf,
    /// Of a dbt-native model: its node in the session, which waits for its code.
    pub(crate) native: Option<Receiver<Native>>,
}

/// What becomes of a dbt-native model that is run in the session.
pub(crate) enum Native {
    /// dbt wants its code run.
    Wanted(NativeJob),
    /// Its node has ended.
    Ended(Result<NodeResult, AskError>),
}

/// Of one run.
pub(crate) struct Desk {
    access: Access,
    globs: Vec<String>,
    open: Mutex<HashMap<String, Open>>,
    natives: Mutex<HashMap<String, Sender<Native>>>,
    listener: Mutex<Option<Outcome>>,
    bundle: OnceLock<Result<Bundle, BundleError>>,
}

impl Desk {
    /// Nothing is lent yet.
    pub(crate) fn new(access: Access, globs: Vec<String>) -> Self {
        Self {
            access,
            globs,
            open: Mutex::default(),
            natives: Mutex::default(),
            listener: Mutex::default(),
            bundle: OnceLock::new(),
        }
    }

    /// The way in for runners, opened now if it is not. The session's death is not kept: it is told anew.
    pub(crate) fn listener(&self, run: &Run) -> Result<Listener, AskError> {
        let mut listener = lock(&self.listener);
        if let Some(outcome) = &*listener {
            return outcome.clone().map_err(AskError::Answered);
        }
        match Listener::open(run, &self.access) {
            Err(AskError::Lost(error)) => Err(AskError::Lost(error)),
            Err(AskError::Answered(error)) => {
                *listener = Some(Err(error.clone()));
                Err(AskError::Answered(error))
            }
            Ok(opened) => Ok(listener
                .insert(Ok(opened))
                .clone()
                .expect("it was put there")),
        }
    }

    /// Whether runners elsewhere cannot reach us.
    pub(crate) fn is_local(&self) -> bool {
        matches!(&*lock(&self.listener), Some(Ok(listener)) if listener.is_local)
    }

    /// The project's files, packed at the first lease.
    pub(crate) fn bundle(&self, run: &Run) -> Result<&Bundle, PluginError> {
        let pack = || {
            let request = &run.request;
            let sources = Sources {
                project: Path::new(&request.project_dir),
                scripts: request.scripts_dir.as_deref().map(Path::new),
                target: Path::new(run.target_path()),
                globs: &self.globs,
            };
            sources.pack()
        };
        self.bundle
            .get_or_init(pack)
            .as_ref()
            .map_err(|error| PluginError::new(crate::error::LEASE, error.to_string()))
    }

    /// Takes a lease down.
    pub(crate) fn add(&self, lease: &str, open: Open) {
        lock(&self.open).insert(lease.to_owned(), open);
    }

    /// The end of a lease: its script goes.
    pub(crate) fn take(&self, lease: &str) -> Option<Open> {
        let open = lock(&self.open).remove(lease)?;
        // With it goes the folder of the run, if not before.
        let _ =
            fal_files::Root::of(&open.script).and_then(|(folder, name)| folder.remove_file(name));
        Some(open)
    }

    /// From now on what dbt wants run of this node goes to `sender`.
    pub(crate) fn expect_native(&self, unique_id: &str, sender: Sender<Native>) {
        lock(&self.natives).insert(unique_id.to_owned(), sender);
    }

    /// Nobody waits for it any more.
    pub(crate) fn forget_native(&self, unique_id: &str) {
        lock(&self.natives).remove(unique_id);
    }

    /// Gives a job to whoever waits for it, or back.
    pub(crate) fn offer(&self, job: NativeJob) -> Option<NativeJob> {
        let Some(sender) = lock(&self.natives).remove(&job.unique_id) else {
            return Some(job);
        };
        // Whoever does not wait any more was told of an interruption, and so is the session.
        let _ = sender.send(Native::Wanted(job));
        None
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock()
}
