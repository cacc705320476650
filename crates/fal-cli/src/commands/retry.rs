//! `fal-host retry`: runs again what failed or was skipped.

use fal_host::{HostError, Project, Retry, RunOptions};

use super::verbs::run_nodes;
use crate::{args::RetryArgs, context::Context, error::CliError, exit::Ended};

pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<Ended, CliError> {
    let mut project = context.global.project_args();
    project.session.full_refresh = args.refresh.full_refresh;
    let last = Retry::from_last_command(&Project::open(project.clone())?, args.state.as_deref());
    let last = last.map_err(HostError::from)?;
    if last.is_empty() {
        context.output.status(&format!(
            "Nothing to retry: all of the last `{}` ended well",
            last.command()
        ));
        return Ok(Ended::Well);
    }
    if last.is_of_earlier() {
        let told = format!(
            "The last command ended before it had results: trying again what the `{}` before it left",
            last.command()
        );
        context.output.status(&told);
    }
    last.take_over(&mut project.session);
    let options = last.options(args.failing.fail_fast);
    let runner = args.runner.runner.clone().or(options.runner);
    run_nodes(context, project, &RunOptions { runner, ..options })
}
