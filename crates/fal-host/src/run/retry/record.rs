//! What our record of events knows of the last run and dbt's artifact does not: scripts, and `--runner`.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use fal_plugin::payload::NodeStatus;
use fal_report::{EventKind, NodeInfo, NodeKind, Reporter, RunEvent, replay};

/// What is left of a run.
#[derive(Default)]
pub(super) struct Record {
    invocation: String,
    /// Ids of scripts that failed or were skipped.
    pub(super) scripts: BTreeSet<String>,
    /// `--runner`, as given.
    pub(super) runner: Option<String>,
}

impl Record {
    /// Of this invocation; nothing if the record is of another one.
    pub(super) fn read(events: &Path, invocation: &str) -> Self {
        let mut record = Self::default();
        // Only fal-host's own runs have a record; what is broken off in it was not done.
        let read = File::open(events).map(|file| replay(BufReader::new(file), &mut record));
        let whole = matches!(read, Ok(Ok(_)));
        if whole && record.invocation == invocation { record } else { Self::default() }
    }

    fn add(&mut self, node: &NodeInfo) {
        if node.kind == NodeKind::Script {
            self.scripts.insert(node.unique_id.clone());
        }
    }
}

impl Reporter for Record {
    fn event(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted { info } => {
                self.invocation.clone_from(&info.invocation_id);
                self.runner.clone_from(&info.runner);
            }
            EventKind::NodeFinished { node, result, .. }
                if result.status.is_failure() || result.status == NodeStatus::Skipped =>
            {
                self.add(node);
            }
            EventKind::NodeSkipped { node, .. } => self.add(node),
            _ => {}
        }
    }
}
