//! What the last run left, statuses and its target, from `run_results.json`; and why it says too little.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use fal_graph::{Dag, GraphNode};
use serde_json::Value;

use crate::last_results::LastResults;

/// Why the command `hooks` cannot know what to run.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// `--all` and a selection.
    #[error(
        "`--all` and a selection (`--select`, `--models`, `--exclude`, `--selector`) exclude each other"
    )]
    AllWithSelection,
    /// Nothing says which models.
    #[error("there was no run to take the scripts of: `{}` does not exist", .path.display())]
    NoLastRun {
        /// Where it should be.
        path: PathBuf,
    },
    /// The artifact of the last run cannot be understood.
    #[error("`{}` cannot be read: {message}", .path.display())]
    BadLastRun {
        /// The artifact.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl HooksError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AllWithSelection => "hooks::all_with_selection",
            Self::NoLastRun { .. } => "hooks::no_last_run",
            Self::BadLastRun { .. } => "hooks::bad_last_run",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::AllWithSelection => "give one of them".to_owned(),
            Self::NoLastRun { .. } => {
                "run the models first (`fal-host run`), or say which with `--all`, `--select` or `--before`".to_owned()
            }
            Self::BadLastRun { .. } => {
                "run the models again, or say which with `--all` or `--select` and remove the file".to_owned()
            }
        }
    }
}

/// The results of the last run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LastRun {
    /// `args.target`.
    pub(super) target: Option<String>,
    /// Unique id to status.
    statuses: HashMap<String, String>,
}

impl LastRun {
    /// Reads the artifact; none if it does not exist.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, HooksError> {
        let bad = |message: String| HooksError::BadLastRun {
            path: path.to_owned(),
            message,
        };
        let Some(artifact) = LastResults::read(path).map_err(bad)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            target: artifact.arg("target").map(str::to_owned),
            statuses: artifact
                .results
                .into_iter()
                .map(|entry| (entry.unique_id, entry.status))
                .collect(),
        }))
    }

    /// Returns the nodes that took part: they ran, or one of their tests did.
    pub(super) fn took_part<'a>(&'a self, dag: &'a Dag) -> HashSet<&'a str> {
        let mut found = HashSet::new();
        for (id, _) in self
            .statuses
            .iter()
            .filter(|(_, status)| *status != "skipped")
        {
            match dag.find(id).map(|node| dag.node(node)) {
                Some(test) if matches!(test.resource_type(), "test" | "unit_test") => {
                    found.extend(tested(test.spec()));
                }
                Some(_) => _ = found.insert(id.as_str()),
                None => {}
            }
        }
        found
    }
}

/// Returns the model that a test belongs to; for a singular test, everything that it reads.
fn tested(test: &GraphNode) -> impl Iterator<Item = &str> {
    let attached = test.extra.get("attached_node").and_then(Value::as_str);
    let read = test
        .depends_on
        .iter()
        .map(String::as_str)
        .filter(move |_| attached.is_none());
    attached.into_iter().chain(read)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fal_graph::DagBuilder;

    use super::*;

    fn node(id: &str, kind: &str, parents: &[&str]) -> GraphNode {
        GraphNode {
            unique_id: id.into(),
            name: id.into(),
            resource_type: kind.into(),
            depends_on: parents.iter().map(|id| (*id).to_owned()).collect(),
            ..GraphNode::default()
        }
    }

    fn read(text: &str) -> Result<Option<LastRun>, HooksError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        fs::write(&path, text).unwrap();
        LastRun::read(&path)
    }

    #[test]
    fn what_ran_failed_or_was_tested_took_part() {
        let mut builder = DagBuilder::new("shop");
        builder.nodes([
            node("a", "model", &[]),
            node("b", "model", &[]),
            node("c", "model", &[]),
            node("d", "model", &[]),
            node("t", "test", &["c"]),
            node("u", "test", &["d"]),
        ]);
        let dag = builder.build().unwrap();
        let text = r#"{"args": {"target": "prod"}, "results": [
            {"unique_id": "a", "status": "error"}, {"unique_id": "b", "status": "skipped"},
            {"unique_id": "t", "status": "fail"}, {"unique_id": "u", "status": "skipped"},
            {"unique_id": "gone", "status": "success"}]}"#;
        let run = read(text).unwrap().unwrap();
        assert_eq!(run.target.as_deref(), Some("prod"));
        assert_eq!(run.took_part(&dag), HashSet::from(["a", "c"]));
    }

    #[test]
    fn no_file_is_none_and_nonsense_an_error() {
        assert_eq!(
            LastRun::read(Path::new("/nonexistent/run_results.json")).unwrap(),
            None
        );
        assert!(matches!(read("{"), Err(HooksError::BadLastRun { .. })));
        assert_eq!(read("{}").unwrap(), Some(LastRun::default()));
    }
}
