//! Checks the runners that a project names, without running anything.

use std::collections::BTreeMap;

use fal_project::{FileDiagnostic, Generated, LOCAL, schema_runners};

use super::plugins::load_runner;
use crate::{error::HostError, project::Project};

/// Returns what is wrong with the runners in fal_project.yml, routes and schema files, and with resources.
pub(crate) fn runner_problems(project: &Project, generated: &Generated) -> Vec<FileDiagnostic> {
    let root = &project.dbt.root;
    let (mut seen, mut problems) = (
        Seen {
            project,
            outcomes: BTreeMap::new(),
        },
        Vec::new(),
    );
    for spec in &project.fal.runners {
        if let Err(HostError::Scripts { files }) = load_runner(project, &spec.name) {
            problems.extend(files);
        }
    }
    for route in &project.fal.routes {
        if let Some((message, help)) = seen.wrong(&project.runner_of(route)) {
            problems.push(route.error(
                root,
                "runner::unusable",
                format!("{} leads nowhere: {message}", route.describe()),
                help,
            ));
        }
    }
    let schemas = schema_runners(&project.dbt, &generated.schemas, project.keyword());
    problems.extend(schemas.problems);
    for named in schemas.named {
        let wrong_name = named.wrong_name(root);
        let unusable = || {
            let (message, help) = seen.wrong(&named.name)?;
            Some(named.error(root, "runner::unusable", message, help))
        };
        problems.extend(wrong_name.or_else(unusable));
    }
    problems
}

/// Returns the names or paths of the runners that routes lead to.
pub fn route_runners(project: &Project) -> Vec<String> {
    let runners = project
        .fal
        .routes
        .iter()
        .map(|route| project.runner_of(route));
    runners.filter(|runner| runner != LOCAL).collect()
}

/// Returns the name and version of a runner, by its name or path.
///
/// # Errors
/// If it cannot be loaded or is no runner.
pub fn runner_version(project: &Project, wanted: &str) -> Result<String, HostError> {
    load_runner(project, wanted).map(|plugin| format!("{} {}", plugin.name, plugin.version))
}

/// The outcome of loading each runner, once.
struct Seen<'a> {
    project: &'a Project,
    outcomes: BTreeMap<String, Option<(String, Option<String>)>>,
}

impl Seen<'_> {
    /// Returns what is wrong with a runner, and what to do about it.
    fn wrong(&mut self, wanted: &str) -> Option<(String, Option<String>)> {
        if wanted == LOCAL {
            return None;
        }
        let look = || match load_runner(self.project, wanted) {
            // A runner that fal_project.yml names: what is wrong with it is said there.
            Ok(_) | Err(HostError::Scripts { .. }) => None,
            Err(error) => Some((error.to_string(), error.help())),
        };
        self.outcomes
            .entry(wanted.to_owned())
            .or_insert_with(look)
            .clone()
    }
}
