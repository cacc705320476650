//! The plugins of the runners that the selected models need, loaded and without a session.

use std::collections::{BTreeMap, HashMap};

use fal_graph::NodeId;
use fal_plugin::{ExecutionBackend, payload::Capabilities, wire::BackendClient};
use fal_project::{FileDiagnostic, RunnerSpec};
use serde_json::Value;

use super::{
    error::RunnerError,
    routing::{Destination, Routing},
};
use crate::{
    error::HostError,
    plugins::{OpenError, PluginChoiceError},
    project::Project,
};

/// The plugin of a runner.
pub(crate) struct RunnerPlugin {
    /// Name of the plugin.
    pub(crate) name: String,
    pub(super) version: String,
    pub(crate) backend: BackendClient,
}

/// The plugins of all runners of a run, and which node goes to which.
#[derive(Default)]
pub(crate) struct RunnerPlugins {
    pub(crate) plugins: Vec<RunnerPlugin>,
    by_node: HashMap<NodeId, usize>,
}

impl RunnerPlugins {
    /// Loads the plugins that these nodes need; `owner` is what the execution backend can do.
    ///
    /// # Errors
    /// All runners that cannot be used, each at the place that names it.
    pub(crate) fn load(
        project: &Project,
        owner: &Capabilities,
        routing: &Routing,
        nodes: impl Iterator<Item = NodeId>,
    ) -> Result<Self, HostError> {
        let mut by_runner: BTreeMap<&str, Vec<(NodeId, &Destination)>> = BTreeMap::new();
        for (node, destination) in nodes.filter_map(|node| Some((node, routing.of_node(node)?))) {
            by_runner
                .entry(destination.wanted.as_str())
                .or_default()
                .push((node, destination));
        }
        let (mut runners, mut problems) = (Self::default(), Vec::new());
        for (wanted, nodes) in by_runner {
            match load_runner(project, wanted).and_then(|plugin| lent_by(project, owner, plugin)) {
                Ok(plugin) => runners.add(plugin, nodes.iter().map(|(node, _)| *node)),
                Err(error) => {
                    problems.extend(complaints(project, error, nodes.iter().map(|(_, to)| *to))?)
                }
            }
        }
        if problems.is_empty() {
            Ok(runners)
        } else {
            Err(HostError::Scripts { files: problems })
        }
    }

    /// Returns the number of the runner that a node goes to.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<usize> {
        self.by_node.get(&node).copied()
    }

    fn add(&mut self, plugin: RunnerPlugin, nodes: impl Iterator<Item = NodeId>) {
        // A path and a name may mean the same plugin.
        let known = self
            .plugins
            .iter()
            .position(|known| known.name == plugin.name);
        let at = known.unwrap_or(self.plugins.len());
        if known.is_none() {
            self.plugins.push(plugin);
        }
        self.by_node.extend(nodes.map(|node| (node, at)));
    }
}

/// Loads a runner, by a name in fal_project.yml or by the name or path of its plugin, and checks that it is
/// a runner.
///
/// # Errors
/// If it cannot be loaded or is something else.
pub(super) fn load_runner(project: &Project, wanted: &str) -> Result<RunnerPlugin, HostError> {
    let Some((plugin, spec)) = project.runner_spec(wanted) else {
        return load(project, wanted, None);
    };
    let config = spec.config.clone().map(Value::Object);
    let loaded =
        load(project, &plugin, config.as_ref()).map_err(|error| of_spec(project, spec, &error))?;
    Ok(RunnerPlugin {
        name: spec.name.clone(),
        ..loaded
    })
}

fn load(
    project: &Project,
    plugin: &str,
    config: Option<&Value>,
) -> Result<RunnerPlugin, HostError> {
    let opened = project.stages.open_backend(plugin, config);
    let (chosen, backend) = opened.map_err(|error| unknown(project, error))?;
    let why = match backend.capabilities() {
        Capabilities { sql: true, .. } => "it runs dbt itself",
        Capabilities { python: false, .. } => "it does not run Python models",
        _ => {
            return Ok(RunnerPlugin {
                name: chosen.name,
                version: chosen.version,
                backend,
            });
        }
    };
    Err(RunnerError::NoRunner {
        name: chosen.name,
        why,
    }
    .into())
}

/// Moves an error to the place in fal_project.yml that names the runner.
fn of_spec(project: &Project, spec: &RunnerSpec, error: &HostError) -> HostError {
    let message = format!("the runner `{}` cannot be used: {error}", spec.name);
    let help = match error {
        // It names the place of another configuration.
        HostError::Plugin(PluginChoiceError::Open(OpenError::Config { .. }))
            if spec.config.is_some() =>
        {
            None
        }
        other => other.help(),
    };
    HostError::Scripts {
        files: vec![spec.error(&project.dbt.root, "runner::unusable", message, help)],
    }
}

/// Returns the runner if the execution backend lends models.
fn lent_by(
    project: &Project,
    owner: &Capabilities,
    plugin: RunnerPlugin,
) -> Result<RunnerPlugin, HostError> {
    if owner.lends {
        return Ok(plugin);
    }
    let backend = project.stages.execution_backend_names().join(", ");
    Err(RunnerError::NoLender {
        backend,
        runner: plugin.name,
    }
    .into())
}

/// Describes an unknown name. The known names leave out the execution backend, which is no runner.
fn unknown(project: &Project, error: PluginChoiceError) -> HostError {
    match error {
        PluginChoiceError::Unknown {
            name,
            mut known,
            searched,
            broken: None,
            ..
        } => {
            let backends = project.stages.execution_backend_names();
            known.retain(|known| !backends.contains(known));
            known.extend(project.fal.runners.iter().map(|spec| spec.name.clone()));
            RunnerError::Unknown {
                name,
                known,
                searched,
            }
            .into()
        }
        other => other.into(),
    }
}

/// Reports an error at each place that names the runner.
///
/// # Errors
/// The error itself if the command line names the runner.
fn complaints<'a>(
    project: &Project,
    error: HostError,
    destinations: impl Iterator<Item = &'a Destination>,
) -> Result<Vec<FileDiagnostic>, HostError> {
    if let HostError::Scripts { files } = error {
        return Ok(files);
    }
    let mut problems: Vec<FileDiagnostic> = Vec::new();
    for destination in destinations {
        match destination.complaint(project, &error) {
            Some(problem) if problems.contains(&problem) => {}
            Some(problem) => problems.push(problem),
            None => return Err(error),
        }
    }
    Ok(problems)
}
