//! The contract through a built library: the checks of the plugin door, then the cases of each stage behind it.

mod door;
#[cfg(unix)]
mod isolated;
mod stages;
mod step;

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use fal_plugin::manifest::Stage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{CaseReport, Outcome, Report};

#[cfg(unix)]
pub use self::isolated::{IsolatedError, Isolation, check_isolated, serve_child};
pub use self::{door::door_contract, stages::stage_contract};

/// What is checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LibraryOptions {
    /// The library.
    pub path: PathBuf,
    /// The stages to check; none: all that it fills.
    pub stages: Vec<Stage>,
    /// The configuration to open it with; `None`: as when fal_project.yml has none.
    pub config: Option<Value>,
}

impl LibraryOptions {
    /// All stages, without configuration.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), stages: Vec::new(), config: None }
    }
}

/// How long a case may take in [`check_library`].
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks a library in this process: a hang is a case that failed, but a crash ends the process. For a test of the plugin's
/// own crate; `fal-host plugin check` uses a process of its own.
pub fn check_library(path: impl AsRef<Path>) -> Report {
    let mut report = Report::default();
    let options = LibraryOptions::new(path.as_ref());
    report.subject = stages::walk(&options, &mut |_| {}, &mut |step| {
        let step::Step { info, run } = step;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(run()));
        let outcome = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| step::hung(PATIENCE));
        report.cases.push(CaseReport { info, outcome });
    });
    let why = "only a process of its own shows it: `fal-host plugin check`".to_owned();
    report.cases.push(CaseReport { info: door::quiet(), outcome: Outcome::Skipped { why } });
    report
}
