//! `fal-host hooks`: the scripts of models by themselves.

use fal_graph::{Criteria, ResourceTypes};
use fal_host::{HooksOptions, Project};

use crate::{args::HooksArgs, context::Context, error::CliError, exit::Ended};

pub(super) fn hooks(context: &Context, args: &HooksArgs) -> Result<Ended, CliError> {
    let mut project = context.global.project_args();
    project.session.dbt_args = args.select.dbt_args();
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
    let run = |reporters: &_| fal_host::hooks(project, &options, reporters, &context.interrupt);
    Ok(context.report(run)?.into())
}
