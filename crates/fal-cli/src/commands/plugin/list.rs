//! `fal-host plugin list`: every plugin that is found, and where it was looked for.

use std::fmt::Write;

use fal_host::{
    Project,
    plugins::{
        Isolate, Listing, ListingRow, Package, ProjectPlugins, SearchPath, State,
        list as list_plugins,
    },
};
use fal_project::{DbtProject, ProjectOptions};

use crate::{args::LogFormat, context::Context, error::CliError};

pub(super) fn list(context: &Context, format: LogFormat) -> Result<(), CliError> {
    let listing = match project(context)? {
        Some(project) => list_plugins(&project.search_path(), project.isolate()),
        None if context.global.isolate_plugins => list_plugins(&users(), &Isolate::All),
        None => list_plugins(&users(), &Isolate::None),
    };
    let text = match format {
        LogFormat::Text => table(&listing),
        LogFormat::Json => {
            serde_json::to_string_pretty(&listing).map_err(std::io::Error::other)? + "\n"
        }
    };
    Ok(context.output.data(&text)?)
}

/// Returns the search path of the project; outside a project, that of the user.
pub(super) fn search_path(context: &Context) -> Result<SearchPath, CliError> {
    Ok(project(context)?.map_or_else(users, |project| project.search_path()))
}

fn users() -> SearchPath {
    SearchPath::new(&ProjectPlugins::default())
}

/// Returns the project, if the command runs in one or names one.
fn project(context: &Context) -> Result<Option<Project>, CliError> {
    let args = context.global.project_args();
    let options = ProjectOptions {
        project_dir: args.project_dir.clone(),
        ..ProjectOptions::default()
    };
    if args.project_dir.is_none() && DbtProject::find(&options).is_err() {
        return Ok(None);
    }
    Ok(Some(Project::open(args)?))
}

fn table(listing: &Listing) -> String {
    let mut text = String::new();
    for row in &listing.rows {
        text.push_str(&describe(row));
    }
    if listing.rows.is_empty() {
        text.push_str("No plugin was found.\n");
    }
    text.push_str("\nSearched, the first wins:\n");
    for folder in &listing.searched {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {}", folder.display());
    }
    text
}

fn describe(row: &ListingRow) -> String {
    let name = row.name.clone().unwrap_or_else(|| {
        row.path
            .file_name()
            .unwrap_or_default()
            .display()
            .to_string()
    });
    let stages: Vec<_> = row.stages.iter().map(|stage| stage.name()).collect();
    let state = match row.state {
        State::Ok => "ok",
        State::Shadowed => "shadowed",
        State::NotLoaded => "not loaded",
        State::NotTrusted => "not trusted",
        State::Refused => "refused",
    };
    let version = row.version.as_deref().unwrap_or("-");
    let mut text = format!(
        "{name:<26} {version:<8} {state:<11} {:<32} {}\n",
        stages.join(", "),
        row.place
    );
    let mut detail = |line: String| text.push_str(&format!("    {line}\n"));
    if !row.description.is_empty() {
        detail(row.description.clone());
    }
    detail(row.path.display().to_string());
    if !row.packages.is_empty() {
        let packages: Vec<_> = row.packages.iter().map(Package::to_string).collect();
        detail(format!("package: {}", packages.join(", ")));
    }
    if let Some(error) = &row.error {
        detail(format!("why: {error}"));
    }
    if let Some(other) = &row.shadowed_by {
        detail(format!("used instead: {}", other.display()));
    }
    text
}
