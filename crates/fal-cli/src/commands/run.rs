//! The commands that run something: dbt's verbs (`run`, `build`, `test`, `seed`, `snapshot`), `retry` and
//! `hooks`.

use fal_graph::{Criteria, ResourceTypes};
use fal_host::{HooksOptions, HostError, Project, ProjectArgs, Retry, RunOptions};

use crate::{
    args::{HooksArgs, RetryArgs, Verb},
    context::Context,
    error::CliError,
    exit::Ended,
};

pub(super) fn run(context: &Context, verb: Verb) -> Result<Ended, CliError> {
    let mut project = context.project_args(verb.dbt_args);
    project.session.full_refresh = verb.full_refresh;
    project.session.host_args = verb.host_args;
    let options = RunOptions {
        command: verb.command.to_owned(),
        criteria: verb.criteria,
        fail_fast: verb.fail_fast,
        warn_error: context.global.warnings_are_errors(),
        only: None,
        runner: verb.runner,
    };
    run_nodes(context, project, &options)
}

/// Opens the project and runs nodes of it.
fn run_nodes(
    context: &Context,
    project: ProjectArgs,
    options: &RunOptions,
) -> Result<Ended, CliError> {
    let mut project = project;
    if options.fail_fast {
        project.session.dbt_args.push("--fail-fast".to_owned());
    }
    let project = Project::open(project)?;
    let run = |reporters: &_| fal_host::run(&project, options, reporters, &context.interrupt);
    Ok(context.report_run(&options.command, run)?.into())
}

pub(super) fn retry(context: &Context, args: &RetryArgs) -> Result<Ended, CliError> {
    let mut project = context.project_args(Vec::new());
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
        let text = format!(
            "The last command ended before it had results: trying again what the `{}` before it left",
            last.command()
        );
        context.output.status(&text);
    }
    if let Some(fail_fast) = args.failing.fail_fast() {
        let given = ("fail_fast".to_owned(), fail_fast.into());
        project.session.host_args.extend([given]);
    }
    last.take_over(&mut project.session);
    let options = last.options(args.failing.fail_fast());
    let runner = args.runner.runner.clone().or(options.runner);
    let options = RunOptions {
        runner,
        warn_error: context.global.warnings_are_errors(),
        ..options
    };
    run_nodes(context, project, &options)
}

pub(super) fn hooks(context: &Context, args: &HooksArgs) -> Result<Ended, CliError> {
    let project = context.project_args(args.select.dbt_args());
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
    Ok(context.report_run("hooks", run)?.into())
}
