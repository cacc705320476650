//! The plugins of the runners that the selected models need: loaded and asked what they are, no session opened.

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
    plugins::{OpenError, PluginDoorError},
    project::Project,
};

/// A runner's plugin.
pub(crate) struct Recruit {
    /// Name of the plugin.
    pub(crate) name: String,
    pub(super) version: String,
    pub(crate) backend: BackendClient,
}

/// The runners of a run.
#[derive(Default)]
pub(crate) struct Muster {
    pub(crate) recruits: Vec<Recruit>,
    by_node: HashMap<NodeId, usize>,
}

impl Muster {
    /// Loads what these nodes need; `owner` is what the execution backend can do.
    ///
    /// # Errors
    /// All runners that cannot be had, each where it is named.
    pub(crate) fn of(
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
        let (mut muster, mut problems) = (Self::default(), Vec::new());
        for (wanted, nodes) in by_runner {
            match recruit(project, wanted).and_then(|recruit| lent_by(project, owner, recruit)) {
                Ok(recruit) => muster.add(recruit, nodes.iter().map(|(node, _)| *node)),
                Err(error) => {
                    problems.extend(complaints(project, error, nodes.iter().map(|(_, to)| *to))?)
                }
            }
        }
        if problems.is_empty() {
            Ok(muster)
        } else {
            Err(HostError::Scripts { files: problems })
        }
    }

    /// Number of the runner that a node goes to.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<usize> {
        self.by_node.get(&node).copied()
    }

    fn add(&mut self, recruit: Recruit, nodes: impl Iterator<Item = NodeId>) {
        // A path and a name may mean the same plugin.
        let known = self
            .recruits
            .iter()
            .position(|known| known.name == recruit.name);
        let at = known.unwrap_or(self.recruits.len());
        if known.is_none() {
            self.recruits.push(recruit);
        }
        self.by_node.extend(nodes.map(|node| (node, at)));
    }
}

/// Loads a runner, by a name of fal_project.yml or by name or path of its plugin, and makes sure that it is one.
///
/// # Errors
/// If it cannot be loaded or is something else.
pub(super) fn recruit(project: &Project, wanted: &str) -> Result<Recruit, HostError> {
    let Some((plugin, spec)) = project.runner_spec(wanted) else {
        return load(project, wanted, None);
    };
    let config = spec.config.clone().map(Value::Object);
    let loaded =
        load(project, &plugin, config.as_ref()).map_err(|error| of_spec(project, spec, &error))?;
    Ok(Recruit {
        name: spec.name.clone(),
        ..loaded
    })
}

fn load(project: &Project, plugin: &str, config: Option<&Value>) -> Result<Recruit, HostError> {
    let opened = project.stages.open_backend(plugin, config);
    let (chosen, backend) = opened.map_err(|error| unknown(project, error))?;
    let why = match backend.capabilities() {
        Capabilities { sql: true, .. } => "it runs dbt itself",
        Capabilities { python: false, .. } => "it does not run Python models",
        _ => {
            return Ok(Recruit {
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

/// An error of a plugin that fal_project.yml calls a runner, at that place.
fn of_spec(project: &Project, spec: &RunnerSpec, error: &HostError) -> HostError {
    let message = format!("the runner `{}` cannot be used: {error}", spec.name);
    let help = match error {
        // It names the place of another configuration.
        HostError::Door(PluginDoorError::Open(OpenError::Config { .. }))
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

/// The runner, if there is somebody to lend it something.
fn lent_by(
    project: &Project,
    owner: &Capabilities,
    recruit: Recruit,
) -> Result<Recruit, HostError> {
    if owner.lends {
        return Ok(recruit);
    }
    let backend = project.stages.execution_backend_names().join(", ");
    Err(RunnerError::NoLender {
        backend,
        runner: recruit.name,
    }
    .into())
}

/// A name that nothing has: among those that are there the execution backend itself is none.
fn unknown(project: &Project, error: PluginDoorError) -> HostError {
    match error {
        PluginDoorError::Unknown {
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

/// The error at each place that names the runner; if the command line does, just the error.
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
