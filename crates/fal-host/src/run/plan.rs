//! What will run: the selected nodes, and for each Python model the code that was analysed.

use std::collections::HashMap;

use fal_graph::{Dag, Node, NodeId, NodeKind, NodeSet};
use fal_plugin::payload::{FileKind, NodeWork, PythonWork};
use fal_project::ModelFile;
use fal_report::NodeInfo;

use crate::error::HostError;

/// The work of a run.
pub(super) struct Plan {
    /// Number of nodes that run.
    pub(super) total: u64,
    /// Code of the Python models that are ours.
    python: HashMap<NodeId, PythonWork>,
}

impl Plan {
    /// Reads the code of the selected Python models now, so that a file edited during the run changes nothing.
    pub(super) fn new(dag: &Dag, selected: &NodeSet, models: &[ModelFile]) -> Result<Self, HostError> {
        let by_path: HashMap<&str, &ModelFile> = models.iter().map(|model| (model.path.as_str(), model)).collect();
        let mut python = HashMap::new();
        for id in selected.iter() {
            if let Some(model) = by_path.get(dag.node(id).file()).filter(|model| model.kind == FileKind::Script) {
                python.insert(id, model.work()?);
            }
        }
        let total = selected.iter().filter(|id| !does_nothing(dag.node(*id))).count() as u64;
        Ok(Self { total, python })
    }

    pub(super) fn work(&self, dag: &Dag, node: NodeId) -> NodeWork {
        debug_assert!(!does_nothing(dag.node(node)));
        self.python.get(&node).map_or(NodeWork::Dbt, |work| NodeWork::Python(work.clone()))
    }

    pub(super) fn info(&self, dag: &Dag, id: NodeId) -> NodeInfo {
        let node = dag.node(id);
        match self.python.get(&id) {
            Some(work) => NodeInfo::from_stub(node.spec(), &work.path),
            None => NodeInfo::from_graph(node.spec()),
        }
    }
}

/// Ephemeral SQL is compiled into what reads it, and a source is only read.
pub(super) fn does_nothing(node: &Node) -> bool {
    let python = matches!(node.kind(), NodeKind::Python | NodeKind::Notebook);
    !python && node.resource_type() == "model" && node.spec().materialized() == Some("ephemeral")
}
