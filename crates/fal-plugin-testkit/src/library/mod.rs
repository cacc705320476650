//! The contract through a built plugin, be it a library or a program: the checks of the plugin door, then the cases of each
//! stage behind it.

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
    case::CaseInfo,
    report::{CaseReport, Outcome, Report},
};

#[cfg(unix)]
pub use self::isolated::{IsolatedError, Isolation, check_isolated, serve_child};
pub use self::{door::door_contract, program::program_contract, stages::stage_contract};

/// What is checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LibraryOptions {
    /// The library, or the program.
    pub path: PathBuf,
    /// The stages to check; none: all that it fills.
    pub stages: Vec<Stage>,
    /// The configuration to open it with; `None`: as when fal_project.yml has none.
    pub config: Option<Value>,
    /// Has a library served in a separate process: a program that serves its last argument, and the arguments ahead of that.
    #[serde(default)]
    pub isolate: Option<(PathBuf, Vec<String>)>,
    /// How long a plugin in a separate process may take for a call.
    #[serde(default)]
    pub timeout: Option<Duration>,
}

impl LibraryOptions {
    /// All stages, without configuration.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            stages: Vec::new(),
            config: None,
            isolate: None,
            timeout: None,
        }
    }

    /// Whether the plugin will be a separate process.
    pub(crate) fn is_program(&self) -> bool {
        self.isolate.is_some() || Kind::of(&self.path) == Kind::Program
    }

    /// Loads the plugin.
    pub(crate) fn load(&self) -> Result<LoadedPlugin, LoadError> {
        // A program gets a time-out here. The caller of the cases notices a library that hangs.
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

/// A case over a library.
struct Step {
    info: CaseInfo,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

/// No answer in time.
fn hung(patience: Duration) -> Outcome {
    Outcome::Failed {
        reason: format!("there was no answer within {} s", patience.as_secs_f64()),
        fix: "find what waits or loops there; the host cannot interrupt a plugin. If it is only slow, `--timeout` gives it more"
            .to_owned(),
    }
}

/// How long a case may take in [`check_library`].
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks a plugin from this process: a hang is a case that failed, but a crash ends the process. For a test of the plugin's
/// own crate; `fal-host plugin check` uses a separate process.
pub fn check_library(path: impl AsRef<Path>) -> Report {
    let mut report = Report::default();
    let options = LibraryOptions::new(path.as_ref());
    report.subject = stages::walk(&options, &mut |_| {}, &mut |step| {
        let Step { info, run } = step;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(run()));
        let outcome = receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| hung(PATIENCE));
        report.cases.push(CaseReport { info, outcome });
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
