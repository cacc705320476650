//! What is told before the first node runs.

use std::collections::BTreeMap;

use fal_graph::NodeKind;
use fal_project::Generated;
use fal_report::{EventKind, Reporters, RunInfo};
use jiff::Timestamp;

use crate::{
    faults::emit,
    session::{Loaded, OpenSession},
};

/// What the project holds, and how much of it will run.
pub(crate) fn start(
    session: &OpenSession,
    loaded: &Loaded,
    command: &str,
    runner: Option<&str>,
    total: u64,
) {
    let info = &loaded.info;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for (_, node) in loaded.dag.nodes() {
        *found.entry(kind_in_words(node.kind())).or_default() += 1;
    }
    let info = RunInfo {
        command: command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dbt_version: info.dbt_version.clone(),
        adapter: info.adapter.clone(),
        adapter_version: info.adapter_version.clone(),
        project_name: info.project_name.clone(),
        target_name: info.target_name.clone(),
        threads: info.threads,
        invocation_id: info.invocation_id.clone(),
        runner: runner.map(str::to_owned),
        found,
        total,
    };
    session
        .reporters
        .emit(Timestamp::now(), EventKind::RunStarted { info });
}

fn kind_in_words(kind: NodeKind) -> String {
    match kind {
        NodeKind::Sql => "model".to_owned(),
        NodeKind::Python | NodeKind::Notebook => format!("{} model", kind.as_str()),
        other => other.as_str().replace('_', " "),
    }
}

/// Stubs that were written, and warnings about files.
pub(crate) fn stubs(generated: &Generated, reporters: &Reporters) {
    generated
        .warnings
        .iter()
        .for_each(|problem| emit(reporters, problem));
    let kind = EventKind::StubsWritten {
        written: generated.written.clone(),
        removed: generated.removed.clone(),
        unchanged: generated.unchanged as u64,
        ignore_changed: generated.dbtignore_changed,
    };
    reporters.emit(Timestamp::now(), kind);
}
