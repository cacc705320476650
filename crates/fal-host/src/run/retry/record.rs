//! What the record of events has and dbt's artifact has not: scripts, and `--runner`.

use std::{collections::BTreeSet, io::BufReader, path::Path};

use fal_plugin::payload::NodeStatus;
use fal_report::{EventKind, NodeInfo, NodeKind, Reporter, RunEvent, replay};

/// What the record says about the last run.
#[derive(Default)]
pub(super) struct Record {
    invocation: String,
    /// Ids of scripts that failed or were skipped.
    pub(super) scripts: BTreeSet<String>,
    /// `--runner`, as given.
    pub(super) runner: Option<String>,
    is_finished: bool,
}

impl Record {
    /// Reads the record of fal-host's last command; dbt's commands leave none. A node without an end in it did
    /// not run to its end.
    pub(super) fn read(events: &Path) -> Option<Self> {
        let mut record = Self::default();
        replay(BufReader::new(fal_files::open(events).ok()?), &mut record).ok()?;
        Some(record)
    }

    /// Whether it is the record of this invocation.
    pub(super) fn is_of(&self, invocation: Option<&str>) -> bool {
        invocation.is_some_and(|invocation| invocation == self.invocation)
    }

    /// Whether the command ended before it had results, for example because dbt refused the project.
    pub(super) fn has_no_end(&self) -> bool {
        !self.is_finished
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
            EventKind::RunFinished { .. } => self.is_finished = true,
            _ => {}
        }
    }
}
