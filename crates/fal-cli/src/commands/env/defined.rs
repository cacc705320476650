//! The environments that a project defines, and the cache that holds them.

use std::path::Path;

use fal_environments::{Base, Cache, Definition, EnvironmentError, Key, find_interpreter};
use fal_plugin::payload::EnvironmentSpec;
use fal_project::{DbtProject, FalProject, ProjectOptions};

use crate::{context::Context, error::CliError};

/// An environment that the project defines.
pub(super) struct Defined {
    pub(super) name: String,
    pub(super) definition: Definition,
    pub(super) key: Key,
}

/// The environments of a project, and what their keys depend on.
pub(super) struct Environments {
    pub(super) project: DbtProject,
    pub(super) base: Option<Base>,
    pub(super) defined: Vec<Defined>,
}

impl Environments {
    /// Returns the environments of the current project; outside a project, `None`.
    pub(super) fn of_project(context: &Context) -> Result<Option<Self>, CliError> {
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

    /// Returns the environments of these names, in the project's order; without names, all.
    pub(super) fn named(&self, names: &[String]) -> Result<Vec<&Defined>, CliError> {
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

/// Returns the interpreter that a run of this project would use.
fn base(context: &Context, root: &Path) -> Result<Base, CliError> {
    let python = find_interpreter(context.global.python.as_deref(), root).map_err(|error| {
        CliError::Program {
            message: error.message,
            help: error.help,
        }
    })?;
    Base::from_interpreter(&python).map_err(|error| wrong(None, &error))
}

pub(super) fn cache() -> Result<Cache, CliError> {
    Cache::of_user().map_err(|error| wrong(None, &error))
}

pub(super) fn wrong(name: Option<&str>, error: &EnvironmentError) -> CliError {
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

pub(super) fn no_project() -> CliError {
    CliError::Usage {
        message: "there is no dbt project here, so no environment has a name".to_owned(),
        help: Some("name its folder with --project-dir".to_owned()),
    }
}
