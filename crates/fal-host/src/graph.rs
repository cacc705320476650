//! `ls` and `graph`: the project's graph and a selection of it, without running anything.

use std::sync::Arc;

use fal_graph::{Criteria, Dag, Selection};
use fal_report::Reporters;

use crate::{error::HostError, interrupt::Interrupt, project::Project, session::OpenSession};

/// The graph and what the criteria take of it.
///
/// # Errors
/// If the command, the project or a plugin is wrong.
pub fn graph(
    project: &Project,
    criteria: &Criteria,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<(Dag, Selection), HostError> {
    let session = OpenSession::open(project, "ls", false, reporters, interrupt)?;
    let generated = project.generate(false)?;
    let loaded = session.load(&generated.models)?;
    let selection = session.select(&loaded, criteria)?;
    session.close(false)?;
    Ok((loaded.dag, selection))
}
