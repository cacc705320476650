//! `fal-host run`.

use std::sync::Arc;

use fal_graph::{Criteria, ResourceTypes};
use fal_host::{Project, RunOptions, RunOutcome};

use super::Context;
use crate::{args::RunArgs, error::CliError, exit::Ended};

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Ended, CliError> {
    let mut project = context.global.project_args();
    project.full_refresh = args.full_refresh;
    project.dbt_args = args.select.dbt_args();
    let project = Project::open(project)?;
    let command = "run";
    let options = RunOptions {
        command: command.to_owned(),
        criteria: Criteria { resource_types: ResourceTypes::of_command(command), ..args.select.criteria()? },
        fail_fast: args.fail_fast,
    };
    let reporters = Arc::new(context.output.reporters());
    let outcome = fal_host::run(&project, &options, &reporters, &context.interrupt);
    reporters.finish()?;
    Ok(match outcome? {
        RunOutcome::Succeeded => Ended::Well,
        RunOutcome::Failed => Ended::NodeFailed,
        RunOutcome::Interrupted => Ended::Interrupted,
    })
}
