//! Which Python model goes where: `--runner`, then the model's `meta`, then the first route that matches, then `local`.

use std::collections::HashMap;

use fal_graph::{Criteria, NodeId, NodeSet};
use fal_project::{FileDiagnostic, LOCAL, Route, ScriptOwner, placement_problem};

use super::placements::is_python;
use crate::{
    error::HostError,
    project::Project,
    session::{Loaded, OpenSession},
};

/// Who says where a model goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// `--runner`.
    Flag,
    /// The model's `meta`.
    Meta(ScriptOwner),
    /// A route of fal_project.yml.
    Route(Route),
}

/// Where a model goes, if not where dbt runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Destination {
    /// Name or path of the runner.
    pub(crate) wanted: String,
    pub(crate) origin: Origin,
}

/// The Python models that go elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    by_node: HashMap<NodeId, Destination>,
    /// What the user should know of routes that do nothing.
    pub(crate) warnings: Vec<String>,
}

impl Routing {
    /// Decides for all Python models of the graph; `flag` is `--runner`.
    pub(crate) fn of(
        project: &Project,
        session: &OpenSession,
        loaded: &Loaded,
        flag: Option<&str>,
    ) -> Result<Self, HostError> {
        let mut routing = Self::default();
        let python: NodeSet = loaded.dag.nodes().filter(|(_, node)| is_python(node)).map(|(id, _)| id).collect();
        if let Some(runner) = flag {
            let destination = Destination { wanted: runner.to_owned(), origin: Origin::Flag };
            python.iter().for_each(|id| routing.send(id, destination.clone()));
            return Ok(routing);
        }
        let taken = routing.by_meta(loaded, &python);
        routing.by_routes(project, session, loaded, (&python, taken))?;
        Ok(routing)
    }

    /// Where a node goes; `None`: where dbt runs.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<&Destination> {
        self.by_node.get(&node)
    }

    /// The runner of each model that goes to one.
    pub(crate) fn names(self) -> HashMap<NodeId, String> {
        self.by_node.into_iter().map(|(node, destination)| (node, destination.wanted)).collect()
    }

    /// The models whose `meta` decides.
    fn by_meta(&mut self, loaded: &Loaded, python: &NodeSet) -> NodeSet {
        let named = |id: NodeId| Some((id, loaded.placements.get(&id)?.runner.clone()?));
        let mut decided = NodeSet::default();
        for (id, wanted) in python.iter().filter_map(named) {
            let origin = Origin::Meta(ScriptOwner::of(loaded.dag.node(id).spec()));
            self.send(id, Destination { wanted, origin });
            decided.insert(id);
        }
        decided
    }

    fn by_routes(
        &mut self,
        project: &Project,
        session: &OpenSession,
        loaded: &Loaded,
        (python, mut decided): (&NodeSet, NodeSet),
    ) -> Result<(), HostError> {
        let mut problems = Vec::new();
        for route in &project.fal.routes {
            let (select, exclude) = (route.select.clone(), route.exclude.clone());
            let criteria = Criteria { select, exclude, include_empty: true, ..Criteria::default() };
            let mut matched = match session.select_quietly(loaded, &criteria) {
                Ok(selection) => selection.nodes,
                Err(error) => {
                    let message = format!("{} cannot be understood: {error}", route.describe());
                    problems.push(route.error(&project.dbt.root, "route::selection", message, None));
                    continue;
                }
            };
            matched.intersect_with(python);
            if matched.is_empty() {
                self.warnings.push(format!(
                    "fal_project.yml, line {}: {} matches no Python model",
                    route.line,
                    route.describe()
                ));
            }
            matched.subtract(&decided);
            decided.union_with(&matched);
            let destination = Destination { wanted: project.runner_of(route), origin: Origin::Route(route.clone()) };
            matched.iter().for_each(|id| self.send(id, destination.clone()));
        }
        if problems.is_empty() { Ok(()) } else { Err(HostError::Scripts { files: problems }) }
    }

    fn send(&mut self, node: NodeId, destination: Destination) {
        if destination.wanted != LOCAL {
            self.by_node.insert(node, destination);
        }
    }
}

impl Destination {
    /// That this runner cannot be had, said at the place that names it; `None`: that is the command line.
    pub(crate) fn complaint(&self, project: &Project, error: &HostError) -> Option<FileDiagnostic> {
        let root = &project.dbt.root;
        let code = "runner::unusable";
        match &self.origin {
            Origin::Flag => None,
            Origin::Meta(owner) => {
                let help = error.help().unwrap_or_else(|| "name another runner, or `local`".to_owned());
                Some(placement_problem(root, owner, code, error.to_string(), help, &self.wanted))
            }
            Origin::Route(route) => {
                let message = format!("{} leads nowhere: {error}", route.describe());
                Some(route.error(root, code, message, error.help()))
            }
        }
    }
}
