//! The project as reporters may look at it.

use fal_graph::{Dag, EdgeKind};
use fal_plugin::payload::{Lineage, SessionInfo};
use fal_report::{Member, ProjectGraph};

use super::plan::Plan;
use crate::{python_models::is_python, session::OpenSession};

/// The graph of a run, and the session that runs it.
pub(super) struct Surroundings<'a> {
    pub(super) session: &'a OpenSession,
    pub(super) info: &'a SessionInfo,
    pub(super) dag: &'a Dag,
    pub(super) plan: &'a Plan,
}

impl ProjectGraph for Surroundings<'_> {
    fn info(&self) -> &SessionInfo {
        self.info
    }

    /// Backends of an earlier interface don't know the method: then nothing is known.
    fn lineage(&self) -> Lineage {
        self.session.session.lineage(&()).unwrap_or_default()
    }

    fn members(&self) -> Vec<Member<'_>> {
        let nodes = self.dag.nodes();
        nodes
            .map(|(id, node)| {
                let parents = self.dag.parents(id);
                let read = parents.filter(|(_, kind)| *kind == EdgeKind::Data);
                Member {
                    node: node.spec(),
                    reads: read
                        .map(|(parent, _)| self.dag.node(parent).unique_id())
                        .collect(),
                    code: self.plan.code(id),
                    is_python: is_python(node),
                }
            })
            .collect()
    }
}
