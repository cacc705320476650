//! `retry`: what the last command left to do, whether that command was ours or dbt's.

mod error;
mod flags;
mod scripts;

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::error::RetryError;
use super::RunOptions;
use crate::project::{Project, ProjectArgs};

/// Commands whose nodes can be run again.
const COMMANDS: [&str; 5] = ["run", "build", "test", "seed", "snapshot"];
/// dbt's statuses of nodes that it tries again.
const RETRIED: [&str; 5] = ["error", "fail", "skipped", "runtime error", "partial success"];

/// What the last command left to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    command: String,
    nodes: BTreeSet<String>,
    args: Map<String, Value>,
    path: PathBuf,
}

#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    metadata: Map<String, Value>,
    results: Vec<Entry>,
    #[serde(default)]
    args: Map<String, Value>,
}

#[derive(Deserialize)]
struct Entry {
    unique_id: String,
    status: String,
}

impl Retry {
    /// What the last command of this project left to do, as the `run_results.json` in `state` or in the target folder says.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or it is of a command that does not run nodes.
    pub fn of_last_command(project: &Project, state: Option<&Path>) -> Result<Self, RetryError> {
        let folder = state.unwrap_or(&project.dbt.target_path);
        Self::read(&folder.join("run_results.json"), &project.dbt.state_dir().join("events.jsonl"))
    }

    fn read(path: &Path, events: &Path) -> Result<Self, RetryError> {
        let bad = |message: String| RetryError::BadLastRun { path: path.to_owned(), message };
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => RetryError::NoLastRun { path: path.to_owned() },
            _ => bad(error.to_string()),
        })?;
        let artifact: Artifact = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let text = |map: &Map<String, Value>, name: &str| map.get(name)?.as_str().map(str::to_owned);
        let command = text(&artifact.args, "which").ok_or_else(|| bad("it does not name its command".to_owned()))?;
        if !COMMANDS.contains(&command.as_str()) {
            return Err(RetryError::Command { command });
        }
        let left = artifact.results.into_iter().filter(Entry::is_left).map(|entry| entry.unique_id);
        let mut nodes: BTreeSet<String> = left.collect();
        if let Some(invocation) = text(&artifact.metadata, "invocation_id") {
            nodes.extend(scripts::left_over(events, &invocation));
        }
        Ok(Self { command, nodes, args: artifact.args, path: path.to_owned() })
    }

    /// Whether all ended well.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// dbt's name of the last command.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The last command's flags, for the project that is opened to try again.
    pub fn take_over(&self, args: &mut ProjectArgs) {
        flags::take_over(&self.args, args);
        args.retry_of = Some(self.path.clone());
    }

    /// What to run.
    pub fn options(self, fail_fast: bool) -> RunOptions {
        let fail_fast = fail_fast || flags::is_on(&self.args, "fail_fast");
        RunOptions { command: self.command, fail_fast, only: Some(self.nodes), ..RunOptions::default() }
    }
}

impl Entry {
    /// Hooks of the project run anyway.
    fn is_left(&self) -> bool {
        RETRIED.contains(&self.status.as_str()) && !self.unique_id.starts_with("operation.")
    }
}

#[cfg(test)]
mod tests;
