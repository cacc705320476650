//! `ls`, `graph` and `doctor`: the project's graph and a selection of it, without running anything.

use std::{collections::HashMap, sync::Arc};

use fal_graph::{Criteria, Dag, NodeId, Selection};
use fal_plugin::payload::SessionInfo;
use fal_report::Reporters;

use crate::{
    error::HostError, interrupt::Interrupt, project::Project, runners::Routing,
    session::OpenSession,
};

/// A project's graph, what was selected of it, and what the backend says of itself.
pub struct Graph {
    /// The whole graph.
    pub dag: Dag,
    /// What the criteria take of it.
    pub selection: Selection,
    /// The session that read it.
    pub info: SessionInfo,
    /// Name or path of the runner that a Python model goes to, if not where dbt runs.
    pub runners: HashMap<NodeId, String>,
}

/// The graph and what the criteria take of it.
///
/// # Errors
/// If the command, the project or a plugin is wrong.
pub fn graph(
    project: &Project,
    criteria: &Criteria,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<Graph, HostError> {
    let session = OpenSession::open(project, "ls", false, reporters, interrupt)?;
    let loaded = session.load(project, &project.prepare()?)?;
    loaded.faults.settle(reporters, |_| false)?;
    let selection = session.select(&loaded, criteria)?;
    let runners = Routing::of(project, &session, &loaded, None)?.names();
    session.close(false)?;
    Ok(Graph {
        dag: loaded.dag,
        selection,
        info: loaded.info,
        runners,
    })
}
