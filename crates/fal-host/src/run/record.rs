//! What is kept of a run for those that come later: its events, and how long nodes took.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fal_report::{Durations, JsonReporter, ReportError, Reporters};

use crate::error::HostError;

/// Makes our folder, and records all events from now on.
pub(crate) fn events(folder: &Path, reporters: &Reporters) -> Result<(), HostError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| HostError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join("events.jsonl");
    let file = File::create(&path).map_err(failed(&path))?;
    reporters.add(JsonReporter::new(Box::new(BufWriter::new(file)), ""));
    Ok(())
}

/// How long nodes took before, and from now on.
pub(crate) struct KnownDurations {
    path: PathBuf,
    shared: Arc<Mutex<Durations>>,
}

impl KnownDurations {
    /// A record that cannot be read only costs a good order.
    pub(crate) fn load(folder: &Path, reporters: &Reporters) -> Self {
        let path = folder.join("durations.json");
        let shared = Durations::load(&path).unwrap_or_default().shared();
        reporters.add(Arc::clone(&shared));
        Self { path, shared }
    }

    pub(crate) fn seconds(&self, id: &str) -> Option<f64> {
        self.lock().seconds(id)
    }

    /// Writes them, without those of nodes that are gone.
    pub(crate) fn save(&self, exists: impl Fn(&str) -> bool) -> Result<(), ReportError> {
        let mut durations = self.lock();
        durations.retain(exists);
        durations.save(&self.path)
    }

    fn lock(&self) -> MutexGuard<'_, Durations> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
