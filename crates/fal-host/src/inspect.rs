//! What is known of a project without running anything: its graph with a selection (`ls`, `graph`,
//! `doctor`), and its problems (`check`).

use std::{collections::HashMap, sync::Arc};

use fal_graph::{Criteria, Dag, NodeId, Selection};
use fal_plugin::payload::SessionInfo;
use fal_project::{
    FileDiagnostic, Generated, all_problems, refused_names, script_problems, unknown_references,
};
use fal_report::Reporters;

use crate::{
    error::HostError,
    interrupt::Interrupt,
    lineage,
    project::Project,
    runners::{Routing, runner_problems},
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
    read(project, "ls", criteria, reporters, interrupt)
}

/// The whole graph for `doctor`: the backend also checks what a run would need.
///
/// # Errors
/// If the project, a plugin, dbt or the warehouse is wrong.
pub fn examine(
    project: &Project,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<Graph, HostError> {
    read(
        project,
        "doctor",
        &Criteria::default(),
        reporters,
        interrupt,
    )
}

fn read(
    project: &Project,
    command: &str,
    criteria: &Criteria,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<Graph, HostError> {
    let session = OpenSession::open(project, command, false, reporters, interrupt)?;
    let loaded = session.load(project, &project.prepare()?)?;
    loaded.faults.settle(reporters, |_| false)?;
    let selection = session.select(&loaded, criteria)?;
    let runners = Routing::decide(project, &session, &loaded, None)?.names();
    session.close(&loaded, false)?;
    Ok(Graph {
        dag: loaded.dag,
        selection,
        info: loaded.info,
        runners,
    })
}

/// Returns everything that can be known to be wrong with a project without running anything, not even
/// dbt, by path.
pub fn check(project: &Project, generated: &Generated) -> Vec<FileDiagnostic> {
    let mut problems = runner_problems(project, generated);
    problems.extend(all_problems(&generated.wrong, &generated.warnings));
    problems.extend(script_problems(
        &project.dbt,
        &generated.schemas,
        project.keyword(),
    ));
    problems.extend(refused_names(&project.dbt, generated));
    problems.extend(unknown_references(&project.dbt, generated));
    problems.extend(lineage::cycles(&project.dbt, generated));
    problems
}
