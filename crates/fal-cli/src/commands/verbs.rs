//! The commands that run nodes, dbt's verbs: `run`, `build`, `test`, `seed`, `snapshot`.

use std::sync::Arc;

use fal_graph::{Criteria, ResourceTypes};
use fal_host::{Project, ProjectArgs, RunOptions, RunOutcome};

use super::Context;
use crate::{
    args::{BuildArgs, RunArgs, SeedArgs, SelectArgs, SnapshotArgs, TestArgs, switch},
    error::CliError,
    exit::Ended,
};

/// A command and what it was told.
struct Verb<'a> {
    command: &'a str,
    select: &'a SelectArgs,
    types: ResourceTypes,
    fail_fast: bool,
    full_refresh: bool,
    runner: Option<&'a str>,
    dbt_args: Vec<String>,
}

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<Ended, CliError> {
    let verb = Verb {
        command: "run",
        select: &args.select,
        types: ResourceTypes::of_command("run"),
        fail_fast: args.failing.fail_fast,
        full_refresh: args.refresh.full_refresh,
        runner: args.runner.runner.as_deref(),
        dbt_args: args.extent.dbt_args(),
    };
    verb.run(context)
}

pub(super) fn build(context: &Context, args: &BuildArgs) -> Result<Ended, CliError> {
    let export = switch("--export-saved-queries", args.export_saved_queries);
    let verb = Verb {
        command: "build",
        select: &args.select,
        types: args.types.of("build")?,
        fail_fast: args.failing.fail_fast,
        full_refresh: args.refresh.full_refresh,
        runner: args.runner.runner.as_deref(),
        dbt_args: [args.store.dbt_args(), args.extent.dbt_args(), export].concat(),
    };
    verb.run(context)
}

pub(super) fn test(context: &Context, args: &TestArgs) -> Result<Ended, CliError> {
    let verb = Verb {
        command: "test",
        select: &args.select,
        types: args.types.of("test")?,
        fail_fast: args.failing.fail_fast,
        full_refresh: false,
        runner: None,
        dbt_args: args.store.dbt_args(),
    };
    verb.run(context)
}

pub(super) fn seed(context: &Context, args: &SeedArgs) -> Result<Ended, CliError> {
    let verb = Verb {
        command: "seed",
        select: &args.select,
        types: ResourceTypes::of_command("seed").and_scripts(),
        fail_fast: args.failing.fail_fast,
        full_refresh: args.refresh.full_refresh,
        runner: None,
        dbt_args: switch("--show", args.show),
    };
    verb.run(context)
}

pub(super) fn snapshot(context: &Context, args: &SnapshotArgs) -> Result<Ended, CliError> {
    let verb = Verb {
        command: "snapshot",
        select: &args.select,
        types: ResourceTypes::of_command("snapshot").and_scripts(),
        fail_fast: args.failing.fail_fast,
        full_refresh: false,
        runner: None,
        dbt_args: args.empty.dbt_args(),
    };
    verb.run(context)
}

impl Verb<'_> {
    fn run(self, context: &Context) -> Result<Ended, CliError> {
        let mut project = context.global.project_args();
        project.full_refresh = self.full_refresh;
        project.dbt_args = [self.select.dbt_args(), self.dbt_args].concat();
        let options = RunOptions {
            command: self.command.to_owned(),
            criteria: Criteria {
                resource_types: self.types,
                ..self.select.criteria()?
            },
            fail_fast: self.fail_fast,
            only: None,
            runner: self.runner.map(str::to_owned),
        };
        run_nodes(context, project, &options)
    }
}

/// Opens the project and runs nodes of it.
pub(super) fn run_nodes(
    context: &Context,
    project: ProjectArgs,
    options: &RunOptions,
) -> Result<Ended, CliError> {
    let project = Project::open(project)?;
    let reporters = Arc::new(context.output.reporters());
    let outcome = fal_host::run(&project, options, &reporters, &context.interrupt);
    reporters.finish()?;
    Ok(match outcome? {
        RunOutcome::Succeeded => Ended::Well,
        RunOutcome::Failed => Ended::NodeFailed,
        RunOutcome::Interrupted => Ended::Interrupted,
    })
}
