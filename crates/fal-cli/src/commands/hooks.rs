//! `fal-host hooks`: the scripts of models by themselves.

use std::sync::Arc;

use clap::{ArgAction, Args};
use fal_graph::{Criteria, ResourceTypes};
use fal_host::{HooksOptions, Project, RunOutcome};

use super::Context;
use crate::{args::SelectArgs, error::CliError, exit::Ended};

/// Flags of `hooks`.
#[derive(Args, Clone, Debug)]
pub(crate) struct HooksArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// Of all models, whatever the last run did
    #[arg(long)]
    all: bool,
    /// Pre-hooks and before-scripts instead of after-scripts and post-hooks
    #[arg(long)]
    before: bool,
    /// Only these scripts, named as in the schema file; hooks run all the same
    #[arg(long, value_name = "FILE", num_args = 1.., action = ArgAction::Append)]
    scripts: Vec<String>,
    /// Global scripts too, in spite of a selection or --scripts
    #[arg(long)]
    globals: bool,
}

pub(super) fn hooks(context: &Context, args: &HooksArgs) -> Result<Ended, CliError> {
    let mut project = context.global.project_args();
    project.dbt_args = args.select.dbt_args();
    let project = Project::open(project)?;
    let options = HooksOptions {
        criteria: Criteria {
            resource_types: ResourceTypes::of_command("build"),
            ..args.select.criteria()?
        },
        all: args.all,
        before: args.before,
        globals: args.globals,
        scripts: args.scripts.clone(),
    };
    let reporters = Arc::new(context.output.reporters());
    let outcome = fal_host::hooks(project, &options, &reporters, &context.interrupt);
    reporters.finish()?;
    Ok(match outcome? {
        RunOutcome::Succeeded => Ended::Well,
        RunOutcome::Failed => Ended::NodeFailed,
        RunOutcome::Interrupted => Ended::Interrupted,
    })
}
