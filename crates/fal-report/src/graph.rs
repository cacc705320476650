//! What reporters can know of the project around a run: its graph and its warehouse.

use fal_plugin::payload::{GraphNode, Lineage, SessionInfo};

/// The project of a run. Everything is made when a reporter asks, so a run whose reporters don't ask
/// does no work for it.
pub trait ProjectGraph {
    /// Returns what the backend knows of the place it works in.
    fn info(&self) -> &SessionInfo;

    /// Asks the backend where the warehouse is and which columns nodes have.
    fn lineage(&self) -> Lineage;

    /// Returns all nodes, those of Python models as the tables that they are.
    fn members(&self) -> Vec<Member<'_>>;
}

/// A node of the project's graph.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// dbt's description of it.
    pub node: &'a GraphNode,
    /// Unique ids of the nodes that it reads.
    pub reads: Vec<&'a str>,
    /// The code of a Python model or notebook that will run.
    pub code: Option<&'a str>,
    /// Whether it is a Python model or notebook, for whatever dbt takes it.
    pub is_python: bool,
}
