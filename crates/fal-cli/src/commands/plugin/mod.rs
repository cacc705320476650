//! `fal-host plugin list`, `plugin trust`, `plugin check`, `plugin new` and `plugin serve`.

mod check;
mod list;
mod new;

use std::path::Path;

use fal_host::{
    HostError, Project,
    plugins::{Trust, serve_library},
};

use crate::{args::PluginCommand, context::Context, error::CliError, exit::Ended};

pub(super) fn plugin(context: &Context, command: &PluginCommand) -> Result<Ended, CliError> {
    match command {
        PluginCommand::List { output } => list::list(context, *output)?,
        PluginCommand::Trust => trust(context)?,
        PluginCommand::Check(args) => return check::check(context, args),
        PluginCommand::New(args) => return new::new(context, args),
        PluginCommand::Serve { library } => serve(library)?,
        PluginCommand::CheckInChild => return check::child(),
    }
    Ok(Ended::Well)
}

/// Serves a library over standard input and output, as a plugin in a separate process.
fn serve(library: &Path) -> Result<(), CliError> {
    Ok(serve_library(&std::path::absolute(library)?)?)
}

fn trust(context: &Context) -> Result<(), CliError> {
    let args = context.global.project_args();
    let project = Project::open(fal_host::ProjectArgs {
        trust_project_plugins: true,
        ..args
    })?;
    let paths = project.plugin_paths();
    let trust = Trust::for_user();
    let trust = trust.map_err(|source| HostError::Write {
        path: "the record of trusted projects".to_owned(),
        source,
    })?;
    trust
        .record(&project.dbt.root, &paths)
        .map_err(HostError::from)?;
    context.output.status(&format!(
        "Trusted {} plugin paths of {}",
        paths.len(),
        project.dbt.root.display()
    ));
    for environment in project.environments() {
        trust
            .record_environment(environment)
            .map_err(HostError::from)?;
        let files: String = environment
            .plugins()
            .iter()
            .map(|path| format!("\n  {}", path.display()))
            .collect();
        context.output.status(&format!(
            "Trusted the plugins in {}:{files}",
            environment.folder().display()
        ));
    }
    Ok(())
}
