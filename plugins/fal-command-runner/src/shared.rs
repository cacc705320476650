//! The state that the nodes of a session share: project folder, event sink, stop signal and
//! leftover processes.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fal_plugin::{payload::LogLevel, EventSink, PluginError};
use fal_process::Mark;
use parking_lot::Mutex;

use crate::{
    error,
    process::{log, MARK},
    stop::Stop,
};

/// The state that the nodes of a session share.
pub(crate) struct Shared {
    pub(crate) project_dir: PathBuf,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stop: Arc<Stop>,
    mark: Mark,
    marks: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
    warned: Mutex<BTreeSet<String>>,
}

impl Shared {
    pub(crate) fn new(
        project_dir: PathBuf,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, PluginError> {
        let mark = Mark::random(MARK).map_err(|cause| {
            let message = format!("the system refused random numbers: {cause}");
            PluginError::new(error::START, message)
        })?;
        Ok(Self {
            project_dir,
            events,
            stop: Arc::default(),
            mark,
            marks: AtomicU64::new(1),
            threads: Mutex::default(),
            warned: Mutex::default(),
        })
    }

    /// Returns the mark of the next command.
    pub(crate) fn next_mark(&self) -> Mark {
        self.mark.child(self.marks.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes threads, to join them when the session ends.
    pub(crate) fn join_later(&self, threads: Vec<JoinHandle<()>>) {
        let mut all = self.threads.lock();
        all.retain(|thread| !thread.is_finished());
        all.extend(threads);
    }

    pub(crate) fn debug(&self, unique_id: &str, message: &str) {
        self.events.emit(log(LogLevel::Debug, unique_id, message));
    }

    pub(crate) fn warn(&self, unique_id: &str, message: &str) {
        self.events.emit(log(LogLevel::Warn, unique_id, message));
    }

    /// Warns of a key once per session.
    pub(crate) fn warn_once(&self, unique_id: &str, key: &str, message: &str) {
        if self.warned.lock().insert(key.to_owned()) {
            self.warn(unique_id, message);
        }
    }

    /// Ends all leftover processes and waits for the threads that read their output, but not past
    /// `until`.
    pub(crate) fn sweep(&self, until: Instant) {
        self.mark.sweep();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
            // If an unknown process still holds a stream, its reader thread never ends. Don't block
            // on joining it.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}
