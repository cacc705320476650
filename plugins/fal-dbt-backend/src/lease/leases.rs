//! The registry of open leases, and the state that they share: the listener and the packed project.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        mpsc::{Receiver, Sender},
        OnceLock,
    },
};

use fal_plugin::{
    payload::{NodeResult, OpenRequest},
    PluginError,
};
use parking_lot::Mutex;

use super::{
    access::Access,
    bundle::{Bundle, BundleError, Sources},
    listener::Listener,
};
use crate::{
    engine::{Engine, NativeJob},
    error::{AskError, LEASE},
    result::Clock,
};

/// A lease that was not settled yet.
pub(crate) struct OpenLease {
    pub(crate) unique_id: String,
    /// The job's name at the gateway.
    pub(crate) job: String,
    pub(crate) runner: String,
    pub(crate) clock: Clock,
    pub(crate) script: PathBuf,
    /// For a dbt-native model, the messages of its node in the session, which waits for the end of
    /// its code.
    pub(crate) native: Option<Receiver<Native>>,
}

/// A message about a dbt-native model whose node runs in the session.
pub(crate) enum Native {
    /// dbt wants its code run.
    Wanted(NativeJob),
    /// The node has ended.
    Ended(Result<NodeResult, AskError>),
}

/// The open leases of a run.
pub(crate) struct Leases {
    access: Access,
    globs: Vec<String>,
    open: Mutex<HashMap<String, OpenLease>>,
    natives: Mutex<HashMap<String, Sender<Native>>>,
    /// The outcome of opening the listener. The first one counts for the whole run.
    listener: Mutex<Option<Result<Listener, PluginError>>>,
    bundle: OnceLock<Result<Bundle, BundleError>>,
}

impl Leases {
    /// Creates a registry without leases.
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

    /// Returns the listener for runners, and opens it on the first call. Keeps the outcome, unless
    /// the session died: then each call reports the death.
    pub(crate) fn listener(&self, engine: &dyn Engine) -> Result<Listener, AskError> {
        let mut listener = self.listener.lock();
        if let Some(outcome) = &*listener {
            return outcome.clone().map_err(AskError::Answered);
        }
        match Listener::open(engine, &self.access) {
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

    /// Returns whether only runners on this machine can reach the listener.
    pub(crate) fn is_local(&self) -> bool {
        matches!(&*self.listener.lock(), Some(Ok(listener)) if listener.is_local)
    }

    /// Returns the project's files, which are packed at the first lease. `target` is dbt's target
    /// folder.
    pub(crate) fn bundle(
        &self,
        request: &OpenRequest,
        target: &str,
    ) -> Result<&Bundle, PluginError> {
        let pack = || {
            let sources = Sources {
                project: Path::new(&request.project_dir),
                scripts: request.scripts_dir.as_deref().map(Path::new),
                target: Path::new(target),
                globs: &self.globs,
            };
            sources.pack()
        };
        self.bundle
            .get_or_init(pack)
            .as_ref()
            .map_err(|error| PluginError::new(LEASE, error.to_string()))
    }

    /// Adds an open lease.
    pub(crate) fn add(&self, lease: &str, open: OpenLease) {
        self.open.lock().insert(lease.to_owned(), open);
    }

    /// Removes a lease and its script.
    pub(crate) fn take(&self, lease: &str) -> Option<OpenLease> {
        let open = self.open.lock().remove(lease)?;
        // A script that cannot be removed now goes with the run's folder.
        let _ =
            fal_files::Root::of(&open.script).and_then(|(folder, name)| folder.remove_file(name));
        Some(open)
    }

    /// Sends the job that dbt requests for this node to `sender`.
    pub(crate) fn expect_native(&self, unique_id: &str, sender: Sender<Native>) {
        self.natives.lock().insert(unique_id.to_owned(), sender);
    }

    /// Removes the sender of a node whose lease was given up.
    pub(crate) fn forget_native(&self, unique_id: &str) {
        self.natives.lock().remove(unique_id);
    }

    /// Sends a job to the lease that waits for it. Returns the job if no lease does.
    pub(crate) fn offer(&self, job: NativeJob) -> Option<NativeJob> {
        let Some(sender) = self.natives.lock().remove(&job.unique_id) else {
            return Some(job);
        };
        // The receiver is gone only after an interruption, which ends the job in the session too.
        let _ = sender.send(Native::Wanted(job));
        None
    }
}
