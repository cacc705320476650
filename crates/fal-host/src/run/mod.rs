//! `run`: from the project's files to the end of its last node, in four stages, each with one input and
//! one output: open, plan, execute, finish. `hooks` shares all of them but its plan.

mod concerned;
pub(crate) mod dispatch;
pub(crate) mod execute;
mod executor;
#[cfg(test)]
pub(crate) mod fake;
pub(crate) mod finish;
mod lending;
mod nodes;
pub(crate) mod open;
pub(crate) mod plan;
mod record;
mod result;
mod retry;
mod selection;
mod show;
mod slots;
mod surroundings;
mod task;
mod warnings;

use std::sync::Arc;

use fal_report::Reporters;

use self::{execute::execute, finish::finish, nodes::plan_nodes, open::Opened, warnings::Warnings};
pub use self::{
    finish::RunOutcome,
    retry::{Retry, RetryError},
    selection::RunOptions,
    show::{PythonShow, ShowEnded, Shown},
};
use crate::{error::HostError, interrupt::Interrupt, project::Project};

/// Runs nodes.
///
/// # Errors
/// If the command, the project or a plugin is wrong. A node that fails is an outcome.
pub fn run(
    project: &Project,
    options: &RunOptions,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<RunOutcome, HostError> {
    let runner = options.runner.as_deref();
    let warnings = options.warn_error.then(|| Warnings::of(reporters));
    let opened = Opened::new(project, &options.command, runner, reporters, interrupt)?;
    let work = plan_nodes(&opened, options)?;
    if let Some(warnings) = warnings {
        warnings.none()?;
    }
    let executed = execute(&opened, work, interrupt)?;
    finish(&opened, executed)
}
