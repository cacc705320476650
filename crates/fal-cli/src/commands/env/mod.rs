//! `fal-host env list|create|clean`: the Python environments of models.

mod clean;
mod create;
mod list;

use std::path::Path;

use clap::Subcommand;
use fal_environments::{Base, Cache, Definition, EnvironmentError, Key, find_interpreter};
use fal_plugin::payload::EnvironmentSpec;
use fal_project::{DbtProject, FalProject, ProjectOptions};

use super::Context;
use crate::{args::LogFormat, error::CliError, exit::Ended};

/// Commands of `env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// Show the environments that this project defines, and all others that are kept
    #[command(
        after_help = "Examples:\n  fal-host env list\n  fal-host env list --output json\n\n\
        Environments are kept by content in the user's cache folder, and shared between projects."
    )]
    List {
        /// Form of the list
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: LogFormat,
    },
    /// Build environments ahead of the runs that need them
    #[command(
        after_help = "Examples:\n  fal-host env create\n  fal-host env create forecasting\n\n\
        Exit codes: 0 all are ready, 1 one could not be built."
    )]
    Create {
        /// Names in fal_project.yml [default: all]
        names: Vec<String>,
    },
    /// Remove what killed builds left, and environments that were not used for long
    #[command(
        after_help = "Examples:\n  fal-host env clean\n  fal-host env clean --unused-for 7\n  \
        fal-host env clean forecasting\n  fal-host env clean --all\n\n\
        What a run uses or builds at the moment stays."
    )]
    Clean {
        /// Names in fal_project.yml: remove just these
        names: Vec<String>,
        /// Remove all environments of the user, whatever projects they belong to
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// How many days without use are long
        #[arg(long, value_name = "DAYS", default_value_t = 30, conflicts_with_all = ["names", "all"])]
        unused_for: u64,
    },
}

pub(super) fn env(context: &Context, command: &EnvCommand) -> Result<Ended, CliError> {
    match command {
        EnvCommand::List { output } => list::list(context, *output),
        EnvCommand::Create { names } => create::create(context, names),
        EnvCommand::Clean {
            names,
            all,
            unused_for,
        } => clean::clean(context, names, *all, *unused_for),
    }
}

/// An environment that the project defines.
struct Defined {
    name: String,
    definition: Definition,
    key: Key,
}

/// The environments of the project, and what their keys depend on.
struct Environments {
    project: DbtProject,
    base: Option<Base>,
    defined: Vec<Defined>,
}

impl Environments {
    /// Those of the project at hand; outside of a project, none.
    fn of(context: &Context) -> Result<Option<Self>, CliError> {
        let project_dir = context.global.project_dir.clone();
        let (named, options) = (
            project_dir.is_some(),
            ProjectOptions {
                project_dir,
                ..ProjectOptions::default()
            },
        );
        let project = match DbtProject::find(&options) {
            Ok(project) => project,
            Err(_) if !named => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let specs = FalProject::read(&project.root)?.environments;
        let base = if specs.is_empty() {
            None
        } else {
            Some(base(context, &project.root)?)
        };
        let define = |spec: &EnvironmentSpec| {
            let definition = Definition::read(spec, &project.root)
                .map_err(|error| wrong(Some(&spec.name), &error))?;
            let key = base.as_ref().map(|base| Key::new(&definition, base));
            Ok(key.map(|key| Defined {
                name: spec.name.clone(),
                definition,
                key,
            }))
        };
        let defined = specs
            .iter()
            .filter_map(|spec| define(spec).transpose())
            .collect::<Result<_, CliError>>()?;
        Ok(Some(Self {
            project,
            base,
            defined,
        }))
    }

    /// Those of these names, in the project's order; no names mean all.
    fn named(&self, names: &[String]) -> Result<Vec<&Defined>, CliError> {
        if let Some(unknown) = names
            .iter()
            .find(|name| !self.defined.iter().any(|defined| defined.name == **name))
        {
            let known: Vec<_> = self
                .defined
                .iter()
                .map(|defined| defined.name.as_str())
                .collect();
            return Err(CliError::Usage {
                message: format!("fal_project.yml defines no environment `{unknown}`"),
                help: Some(if known.is_empty() {
                    "it defines none".into()
                } else {
                    format!("known are: {}", known.join(", "))
                }),
            });
        }
        Ok(self
            .defined
            .iter()
            .filter(|defined| names.is_empty() || names.contains(&defined.name))
            .collect())
    }
}

/// The interpreter that a run of this project would use.
fn base(context: &Context, root: &Path) -> Result<Base, CliError> {
    let python = find_interpreter(context.global.python.as_deref(), root).map_err(|error| {
        CliError::Program {
            message: error.message,
            help: error.help,
        }
    })?;
    Base::of(&python).map_err(|error| wrong(None, &error))
}

fn cache() -> Result<Cache, CliError> {
    Cache::of_user().map_err(|error| wrong(None, &error))
}

fn wrong(name: Option<&str>, error: &EnvironmentError) -> CliError {
    if matches!(error, EnvironmentError::Stopped) {
        return fal_host::HostError::Interrupted.into();
    }
    let of = name
        .map(|name| format!("environment `{name}`: "))
        .unwrap_or_default();
    CliError::Program {
        message: format!("{of}{error}"),
        help: error.help().map(str::to_owned),
    }
}

fn no_project() -> CliError {
    CliError::Usage {
        message: "there is no dbt project here, so that no name is defined".to_owned(),
        help: Some("name its folder with --project-dir".to_owned()),
    }
}
