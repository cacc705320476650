//! Checks a built plugin, a library or a program: first the `door` cases, then the cases of each
//! stage.

mod door;
#[cfg(unix)]
mod isolated;
mod program;
mod stages;

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use fal_loader::{Kind, LoadError, LoadOptions, LoadedPlugin, Timeouts};
use fal_plugin::manifest::Stage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    case::{CaseInfo, Verdict, guarded},
    report::{CaseReport, Outcome, Report},
};

#[cfg(unix)]
pub use self::isolated::{IsolatedError, Isolation, check_isolated, serve_child};
pub use self::{door::door_contract, program::program_contract, stages::stage_contract};

/// The plugin to check, and how to load it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LibraryOptions {
    /// The path of the library or the program.
    pub path: PathBuf,
    /// The stages to check. Empty means all stages of the plugin.
    pub stages: Vec<Stage>,
    /// The plugin's configuration. `None` means that fal_project.yml has none.
    pub config: Option<Value>,
    /// Serves a library in a separate process: the program that serves its last argument, and the
    /// arguments before that one.
    #[serde(default)]
    pub isolate: Option<(PathBuf, Vec<String>)>,
    /// The time limit of a call to a plugin in a separate process.
    #[serde(default)]
    pub timeout: Option<Duration>,
}

impl LibraryOptions {
    /// Creates options that check all stages without a configuration.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            stages: Vec::new(),
            config: None,
            isolate: None,
            timeout: None,
        }
    }

    /// Returns whether the plugin runs in a separate process.
    pub(crate) fn is_program(&self) -> bool {
        self.isolate.is_some() || Kind::of(&self.path) == Kind::Program
    }

    /// Loads the plugin.
    pub(crate) fn load(&self) -> Result<LoadedPlugin, LoadError> {
        // Only programs get a time-out here. For a library, the caller of the cases notices a hang.
        let limit = self.timeout.filter(|_| self.is_program());
        let timeouts = Timeouts {
            call: limit,
            session: limit,
        };
        LoadedPlugin::load(
            &self.path,
            &LoadOptions {
                timeouts,
                isolate: self.isolate.clone(),
                log: None,
            },
        )
    }
}

/// A case that checks a library.
struct Step {
    info: CaseInfo,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

impl Step {
    /// Creates a case from its check. `fix` says how the plugin's author fixes a failure.
    fn new(
        info: CaseInfo,
        fix: &'static str,
        check: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Self {
        Self {
            info,
            run: Box::new(move || guarded(fix, check)),
        }
    }
}

/// Returns the outcome of a case that exceeded its time limit.
fn hung(patience: Duration) -> Outcome {
    Outcome::Failed {
        reason: format!("there was no answer within {} s", patience.as_secs_f64()),
        fix: "find what waits or loops there; the host cannot interrupt a plugin. If it is only slow, `--timeout` gives it more"
            .to_owned(),
    }
}

/// How long a case may take in [`check_library`].
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks a plugin in this process, for a test of the plugin's own crate. A hang fails a case, but
/// a crash ends the process; `fal-host plugin check` uses a separate process.
pub fn check_library(path: impl AsRef<Path>) -> Report {
    let mut report = Report::default();
    let options = LibraryOptions::new(path.as_ref());
    report.subject = stages::walk(&options, &mut |steps| {
        for Step { info, run } in steps {
            let (sender, receiver) = mpsc::channel();
            thread::spawn(move || sender.send(run()));
            let outcome = receiver
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| hung(PATIENCE));
            report.cases.push(CaseReport { info, outcome });
        }
    });
    let why = match options.is_program() {
        true => program::NOT_QUIET,
        false => "only a separate process shows it: `fal-host plugin check`",
    };
    report.cases.push(CaseReport {
        info: door::quiet(),
        outcome: Outcome::Skipped {
            why: why.to_owned(),
        },
    });
    report
}
