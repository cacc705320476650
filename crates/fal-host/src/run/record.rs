//! What a run leaves for later commands: its events, its results, and how long nodes took.

use std::{
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_files::Root;
use fal_report::{Durations, JsonReporter, ReportError, Reporters, RunResults};
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::error::HostError;

/// Below the target folder.
const EVENTS: &str = "fal/events.jsonl";

/// Records all events in the target folder from now on.
pub(crate) fn record_events(target: &Path, reporters: &Reporters) -> Result<(), HostError> {
    let file = Root::create(target)
        .and_then(|root| root.create_file(EVENTS))
        .map_err(|source| {
            let path = target.join(EVENTS).display().to_string();
            HostError::Write { path, source }
        })?;
    reporters.add(JsonReporter::new(Box::new(BufWriter::new(file)), ""));
    Ok(())
}

/// How long nodes took before, and from now on.
pub(crate) struct KnownDurations {
    target: PathBuf,
    shared: Arc<Mutex<Durations>>,
}

impl KnownDurations {
    /// A record that cannot be read only costs a good order.
    pub(crate) fn load(target: &Path, reporters: &Reporters) -> Self {
        let shared = Durations::load(target).unwrap_or_default().shared();
        reporters.add(Arc::clone(&shared));
        Self {
            target: target.to_owned(),
            shared,
        }
    }

    pub(crate) fn seconds(&self, id: &str) -> Option<f64> {
        self.lock().seconds(id)
    }

    /// Writes them, without those of nodes that are gone.
    pub(crate) fn save(&self, exists: impl Fn(&str) -> bool) -> Result<(), ReportError> {
        let mut durations = self.lock();
        durations.retain(exists);
        durations.save(&self.target)
    }

    fn lock(&self) -> MutexGuard<'_, Durations> {
        self.shared.lock()
    }
}

/// The target folder and the results for its `run_results.json`, if the command writes that file.
pub(crate) struct Artifact(Option<(PathBuf, Arc<Mutex<RunResults>>)>);

impl Artifact {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(target: PathBuf, results: Arc<Mutex<RunResults>>) -> Self {
        Self(Some((target, results)))
    }

    pub(crate) fn write(&self) -> Result<(), HostError> {
        let Some((target, results)) = &self.0 else {
            return Ok(());
        };
        let results = results.lock();
        Ok(results.write(target, Timestamp::now())?)
    }
}
