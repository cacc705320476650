//! The commands that run nodes, dbt's verbs: `run`, `build`, `test`, `seed`, `snapshot`.

use fal_host::{Project, ProjectArgs, RunOptions};

use crate::{args::Verb, context::Context, error::CliError, exit::Ended};

pub(super) fn run(context: &Context, verb: Verb) -> Result<Ended, CliError> {
    let mut project = context.global.project_args();
    project.session.full_refresh = verb.full_refresh;
    project.session.dbt_args = verb.dbt_args;
    let options = RunOptions {
        command: verb.command.to_owned(),
        criteria: verb.criteria,
        fail_fast: verb.fail_fast,
        only: None,
        runner: verb.runner,
    };
    run_nodes(context, project, &options)
}

/// Opens the project and runs nodes of it.
pub(super) fn run_nodes(
    context: &Context,
    project: ProjectArgs,
    options: &RunOptions,
) -> Result<Ended, CliError> {
    let project = Project::open(project)?;
    let run = |reporters: &_| fal_host::run(&project, options, reporters, &context.interrupt);
    Ok(context.report(run)?.into())
}
