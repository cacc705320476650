//! Durations of nodes in earlier runs, from which the scheduler computes the longest path.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use fal_plugin::payload::NodeStatus;
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::error::ReportError;
use crate::event::{EventKind, RunEvent};
use crate::reporter::Reporter;

/// Path of the file below the target folder.
const FILE: &str = "fal/durations.json";
const VERSION: u32 = 1;
/// Weight of the newest run in the average.
const NEWEST: f64 = 0.4;

/// Average durations of nodes in seconds. Newer runs weigh more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    seconds: BTreeMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    #[serde(default)]
    seconds: BTreeMap<String, f64>,
}

impl Durations {
    /// Reads `fal/durations.json` of the target folder. A file that is missing or has another
    /// version counts as empty.
    pub fn load(target: &Path) -> Result<Self, ReportError> {
        let path = &target.join(FILE);
        let bytes = match fal_files::read(path, fal_files::DATA) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(ReportError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let file: File = serde_json::from_slice(&bytes).map_err(|source| ReportError::Invalid {
            path: path.to_owned(),
            source,
        })?;
        let seconds = if file.version == VERSION {
            file.seconds
        } else {
            BTreeMap::new()
        };
        Ok(Self {
            seconds: seconds
                .into_iter()
                .filter(|(_, seconds)| is_duration(*seconds))
                .collect(),
        })
    }

    /// Writes the file atomically.
    pub fn save(&self, target: &Path) -> Result<(), ReportError> {
        let file = File {
            version: VERSION,
            seconds: self.seconds.clone(),
        };
        let bytes = serde_json::to_vec(&file).map_err(|source| ReportError::Encode {
            what: "durations of nodes",
            source,
        })?;
        atomic::write(target, FILE, &bytes)
    }

    /// Returns the average duration of a node in seconds, if it ran before.
    pub fn seconds(&self, unique_id: &str) -> Option<f64> {
        self.seconds.get(unique_id).copied()
    }

    /// Adds a duration of a node.
    pub fn record(&mut self, unique_id: &str, seconds: f64) {
        if !is_duration(seconds) {
            return;
        }
        let average = self
            .seconds(unique_id)
            .map_or(seconds, |old| old + NEWEST * (seconds - old));
        self.seconds.insert(unique_id.to_owned(), average);
    }

    /// Removes nodes that no longer exist.
    pub fn retain(&mut self, exists: impl Fn(&str) -> bool) {
        self.seconds.retain(|unique_id, _| exists(unique_id));
    }

    /// Returns a shared reporter, whose durations can be read after the run.
    pub fn shared(self) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(self))
    }
}

/// Records the durations of successful nodes. The duration of a failure says little about that of a
/// success.
impl Reporter for Durations {
    fn event(&mut self, event: &RunEvent) {
        if let EventKind::NodeFinished { node, result, .. } = &event.kind
            && matches!(
                result.status,
                NodeStatus::Success | NodeStatus::Pass | NodeStatus::Warn | NodeStatus::Fail
            )
        {
            self.record(&node.unique_id, result.execution_time);
        }
    }
}

fn is_duration(seconds: f64) -> bool {
    seconds.is_finite() && seconds >= 0.0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn newer_runs_weigh_more_and_one_slow_run_does_not_decide() {
        let mut durations = Durations::default();
        durations.record("model.a", 1.0);
        durations.record("model.a", 11.0);
        assert_eq!(durations.seconds("model.a"), Some(5.0));
        for _ in 0..30 {
            durations.record("model.a", 2.0);
        }
        assert!((durations.seconds("model.a").unwrap() - 2.0).abs() < 1e-3);
        durations.record("model.a", f64::NAN);
        assert!((durations.seconds("model.a").unwrap() - 2.0).abs() < 1e-3);
        assert_eq!(durations.seconds("model.b"), None);
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target");
        assert_eq!(Durations::load(&path).unwrap(), Durations::default());
        let mut durations = Durations::default();
        for (id, seconds) in [("model.a", 1.5), ("model.b", 0.25), ("model.c", 8.0)] {
            durations.record(id, seconds);
        }
        durations.save(&path).unwrap();
        let mut loaded = Durations::load(&path).unwrap();
        assert_eq!(loaded, durations);
        loaded.retain(|id| id != "model.c");
        assert_eq!(loaded.seconds("model.c"), None);
        let left: Vec<_> = fs::read_dir(path.join("fal"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["durations.json"]);
    }

    #[test]
    fn other_versions_are_ignored_and_broken_files_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path(), folder.path().join(FILE));
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::write(&file, r#"{"version": 2, "seconds": {"model.a": 1.0}}"#).unwrap();
        assert_eq!(Durations::load(path).unwrap(), Durations::default());
        fs::write(&file, "{").unwrap();
        let error = Durations::load(path).unwrap_err();
        assert_eq!(error.code(), "report::invalid");
        assert!(error.to_string().contains("durations.json"));
    }
}
