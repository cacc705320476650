//! Scripts that the last run left to do. dbt's artifact knows none; our record of events does.

use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

use fal_plugin::payload::NodeStatus;
use fal_report::{EventKind, NodeInfo, NodeKind, Reporter, RunEvent, replay};

/// Ids of scripts that failed or were skipped in the invocation; none if the record is of another one.
pub(super) fn left_over(events: &Path, invocation: &str) -> BTreeSet<String> {
    let mut record = Record::default();
    // Only fal-host's own runs have a record; what is broken off in it was not done.
    let read = File::open(events).map(|file| replay(BufReader::new(file), &mut record));
    let whole = matches!(read, Ok(Ok(_)));
    if whole && record.invocation == invocation { record.scripts } else { BTreeSet::new() }
}

#[derive(Default)]
struct Record {
    invocation: String,
    scripts: BTreeSet<String>,
}

impl Record {
    fn add(&mut self, node: &NodeInfo) {
        if node.kind == NodeKind::Script {
            self.scripts.insert(node.unique_id.clone());
        }
    }
}

impl Reporter for Record {
    fn event(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted { info } => self.invocation.clone_from(&info.invocation_id),
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
