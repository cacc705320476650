//! `retry`: what the last command of fal-host or dbt left to do.

mod error;
mod flags;
mod record;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use fal_plugin::payload::OpenRequest;
use serde_json::{Map, Value};

pub use self::error::RetryError;
use self::record::Record;
use super::RunOptions;
use crate::{
    last_results::{LastResults, NodeEntry},
    project::Project,
};

/// Commands that `retry` can repeat.
const COMMANDS: [&str; 5] = ["run", "build", "test", "seed", "snapshot"];
/// Statuses of nodes that dbt retries.
const RETRIED: [&str; 5] = [
    "error",
    "fail",
    "skipped",
    "runtime error",
    "partial success",
];

/// What the last command left to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    command: String,
    nodes: BTreeSet<String>,
    args: Map<String, Value>,
    path: PathBuf,
    runner: Option<String>,
    is_of_earlier: bool,
}

impl Retry {
    /// Reads what the last command of this project left to do, from the `run_results.json` in `state` or in
    /// the target folder.
    ///
    /// # Errors
    /// If there is none, it cannot be read, it is of a command that does not run nodes, or a later command ended without results and
    /// the one before left nothing to do.
    pub fn from_last_command(project: &Project, state: Option<&Path>) -> Result<Self, RetryError> {
        let folder = state.unwrap_or(&project.dbt.target_path);
        let events = project.dbt.state_dir().join("events.jsonl");
        let retry = Self::read(&folder.join("run_results.json"), &events)?;
        // With `--state` the user names the run.
        let retry = Self {
            is_of_earlier: retry.is_of_earlier && state.is_none(),
            ..retry
        };
        if retry.is_of_earlier && retry.is_empty() {
            Err(RetryError::EndedEarly)
        } else {
            Ok(retry)
        }
    }

    fn read(path: &Path, events: &Path) -> Result<Self, RetryError> {
        let bad = |message: String| RetryError::BadLastRun {
            path: path.to_owned(),
            message,
        };
        let artifact = LastResults::read(path).map_err(bad)?;
        let artifact = artifact.ok_or_else(|| RetryError::NoLastRun {
            path: path.to_owned(),
        })?;
        let command = artifact
            .arg("which")
            .ok_or_else(|| bad("it does not name its command".to_owned()))?
            .to_owned();
        if !COMMANDS.contains(&command.as_str()) {
            return Err(RetryError::Command { command });
        }
        let left = artifact
            .results
            .iter()
            .filter(|entry| is_left(entry))
            .map(|entry| entry.unique_id.clone());
        let mut nodes: BTreeSet<String> = left.collect();
        let record = Record::read(events).unwrap_or_default();
        let is_of_same = record.is_of(artifact.invocation_id());
        // dbt's own commands write results and no record.
        let is_of_earlier = !is_of_same && record.has_no_end() && is_newer(events, path);
        let record = if is_of_same {
            record
        } else {
            Record::default()
        };
        nodes.extend(record.scripts);
        Ok(Self {
            command,
            nodes,
            args: artifact.args,
            path: path.to_owned(),
            runner: record.runner,
            is_of_earlier,
        })
    }

    /// Whether all ended well.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a later command of fal-host ended without results.
    pub fn is_of_earlier(&self) -> bool {
        self.is_of_earlier
    }

    /// dbt's name of the last command.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Gives the last command's flags to the session that tries again.
    pub fn take_over(&self, session: &mut OpenRequest) {
        flags::take_over(&self.args, session);
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        session.retry_of = Some(path.display().to_string());
    }

    /// Returns what to run. Without a word on `--fail-fast` the last command's counts.
    pub fn options(self, fail_fast: Option<bool>) -> RunOptions {
        let fail_fast = fail_fast.unwrap_or_else(|| flags::is_on(&self.args, "fail_fast"));
        RunOptions {
            command: self.command,
            fail_fast,
            only: Some(self.nodes),
            runner: self.runner,
            ..RunOptions::default()
        }
    }
}

/// Whether a file was written after another one.
fn is_newer(file: &Path, other: &Path) -> bool {
    let written = |path: &Path| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    written(file) > written(other)
}

/// Whether a node is left to do. Hooks of the project run anyway.
fn is_left(entry: &NodeEntry) -> bool {
    RETRIED.contains(&entry.status.as_str()) && !entry.unique_id.starts_with("operation.")
}

#[cfg(test)]
mod tests;
