//! What will run: the selected nodes, with their code and hooks, all read before anything runs.

use std::collections::HashMap;

use fal_graph::{Dag, Node, NodeId, NodeSet};
use fal_plugin::payload::{
    BeginRequest, FileKind, NodeRequest, NodeWork, Resources, ScriptRole, UnitTestWork,
};
use fal_project::{ModelFile, ScriptOwner};
use fal_report::NodeInfo;

use super::{
    executor::Hook,
    task::{Hooks, Task},
};
use crate::{
    error::HostError,
    project::Project,
    python_models::{does_nothing, is_python, tested_python},
    runners::RunnerPlugins,
    scripts::{Attachment, Attachments, Preparer},
    session::Loaded,
};

/// Where a Python model runs, and what it asks for.
#[derive(Clone, Debug, Default)]
struct Assignment {
    /// Number and name of its runner; none: where dbt runs.
    runner: Option<(usize, String)>,
    resources: Resources,
    environment: Option<String>,
}

/// The work of a command.
#[derive(Default)]
pub(crate) struct Plan {
    /// Number of nodes that run.
    pub(crate) total: u64,
    /// Names of the environments that they need.
    pub(crate) environments: Vec<String>,
    /// Models that have hooks but do not run by themselves.
    pub(crate) idle: Vec<String>,
    /// The work of nodes that dbt does not run itself.
    works: HashMap<NodeId, NodeWork>,
    scripts: HashMap<NodeId, NodeInfo>,
    hooks: HashMap<NodeId, Hooks>,
    assignments: HashMap<NodeId, Assignment>,
}

impl Plan {
    /// Plans the selected nodes. Reads their code now, so that editing a file during the run changes nothing.
    pub(crate) fn new(
        project: &Project,
        loaded: &Loaded,
        selected: &NodeSet,
        models: &[ModelFile],
        runners: &RunnerPlugins,
    ) -> Result<Self, HostError> {
        let mut preparer = Preparer::new(project)?;
        let mut plan = Self::default();
        let by_path: HashMap<&str, &ModelFile> = models
            .iter()
            .map(|model| (model.path.as_str(), model))
            .collect();
        // dbt names files of a package below the package: only those of models that we found there are below the project.
        let model_of = |node: &Node| {
            let package = &node.spec().package_name;
            let is_here = *package == loaded.info.project_name
                || node.file().starts_with(&project.dbt.path_of(package, ""));
            by_path.get(node.file()).copied().filter(|_| is_here)
        };
        for id in selected.iter() {
            let node = loaded.dag.node(id);
            if let Some(attached) = loaded.attachments.find(node.unique_id()) {
                plan.script(id, attached, &mut preparer);
            } else if does_nothing(node) {
                plan.idle
                    .extend(has_hooks(&loaded.attachments, node).then(|| node.name().to_owned()));
            } else if let Some(model) = tested_python(&loaded.dag, node) {
                plan.total += 1;
                plan.unit_test(id, model, &loaded.keyword, model_of(model), &mut preparer)?;
            } else {
                plan.total += 1;
                plan.assign(id, node, loaded, runners);
                let model = model_of(node).filter(|model| model.kind == FileKind::Script);
                plan.model(id, node, &loaded.keyword, model, &mut preparer)?;
                plan.hooks(id, &loaded.attachments, node, &mut preparer);
            }
        }
        plan.environments = preparer.finish()?;
        Ok(plan)
    }

    /// Plans scripts and hooks that run without their models, as nodes of a separate graph.
    pub(crate) fn for_scripts(
        project: &Project,
        dag: &Dag,
        scripts: &[&Attachment],
    ) -> Result<Self, HostError> {
        let mut preparer = Preparer::new(project)?;
        let mut plan = Self::default();
        for attached in scripts {
            if let Some(id) = dag.find(&attached.id) {
                plan.script(id, attached, &mut preparer);
            }
        }
        plan.environments = preparer.finish()?;
        Ok(plan)
    }

    /// Leaves out the hooks of models.
    pub(super) fn without_hooks(mut self) -> Self {
        self.hooks.clear();
        self
    }

    /// A plan of dbt's nodes with these hooks.
    #[cfg(test)]
    pub(super) fn with_hooks(dag: &Dag, hooks: HashMap<NodeId, Hooks>) -> Self {
        Self {
            total: dag.len() as u64,
            hooks,
            ..Self::default()
        }
    }

    /// A plan of dbt's nodes, of which these go to the runner of this number.
    #[cfg(test)]
    pub(super) fn with_runners(dag: &Dag, runners: HashMap<NodeId, usize>) -> Self {
        let assignment = |number| Assignment {
            runner: Some((number, "acme".to_owned())),
            ..Assignment::default()
        };
        let assignments = runners
            .into_iter()
            .map(|(id, number)| (id, assignment(number)))
            .collect();
        Self {
            total: dag.len() as u64,
            assignments,
            ..Self::default()
        }
    }

    fn script(&mut self, id: NodeId, attached: &Attachment, preparer: &mut Preparer<'_>) {
        self.total += 1;
        self.scripts.insert(id, attached.info());
        if let Some(request) = preparer.request(attached) {
            self.works.insert(id, request.work);
        }
    }

    fn assign(&mut self, id: NodeId, node: &Node, loaded: &Loaded, runners: &RunnerPlugins) {
        if is_python(node) {
            let resources = loaded
                .placements
                .get(&id)
                .map(|said| said.resources.clone())
                .unwrap_or_default();
            let runner = runners
                .of_node(id)
                .map(|number| (number, runners.plugins[number].name.clone()));
            self.assignments.insert(
                id,
                Assignment {
                    runner,
                    resources,
                    environment: None,
                },
            );
        }
    }

    fn model(
        &mut self,
        id: NodeId,
        node: &Node,
        keyword: &str,
        model: Option<&ModelFile>,
        preparer: &mut Preparer<'_>,
    ) -> Result<(), HostError> {
        if !is_python(node) {
            return Ok(());
        }
        let named = node.spec().environment(keyword);
        let owner = ScriptOwner::from_node(node.spec());
        let environment = match self
            .assignments
            .get_mut(&id)
            .filter(|assignment| assignment.runner.is_some())
        {
            // The runner builds the environment.
            Some(assignment) => {
                assignment.environment = preparer.foreign_environment(&owner, named);
                assignment.environment.clone()
            }
            None => preparer.environment(&owner, None, named),
        };
        if let Some(model) = model {
            let mut work = model.work()?;
            work.environment = environment;
            self.works.insert(id, NodeWork::Python(work));
        }
        Ok(())
    }

    /// Plans a unit test: it runs the model's code in the model's environment, without its hooks.
    fn unit_test(
        &mut self,
        id: NodeId,
        node: &Node,
        keyword: &str,
        model: Option<&ModelFile>,
        preparer: &mut Preparer<'_>,
    ) -> Result<(), HostError> {
        let Some(model) = model else { return Ok(()) };
        let named = node.spec().environment(keyword);
        let mut python = model.work()?;
        python.environment =
            preparer.environment(&ScriptOwner::from_node(node.spec()), None, named);
        let dbt_native = model.kind == FileKind::DbtNative;
        self.works
            .insert(id, NodeWork::UnitTest(UnitTestWork { python, dbt_native }));
        Ok(())
    }

    fn hooks(
        &mut self,
        id: NodeId,
        attachments: &Attachments,
        node: &Node,
        preparer: &mut Preparer<'_>,
    ) {
        let mut read = |role| -> Vec<Hook> {
            let hooks = attachments.of_model(node.unique_id(), role);
            hooks
                .filter_map(|attached| {
                    let request = preparer.request(attached)?;
                    Some(Hook {
                        info: attached.info(),
                        request,
                    })
                })
                .collect()
        };
        let hooks = Hooks {
            pre: read(ScriptRole::PreHook),
            post: read(ScriptRole::PostHook),
        };
        if !hooks.pre.is_empty() || !hooks.post.is_empty() {
            self.hooks.insert(id, hooks);
        }
    }

    /// Returns the work for a node.
    pub(super) fn task(&self, dag: &Dag, id: NodeId) -> Task {
        debug_assert!(!does_nothing(dag.node(id)));
        let work = self.works.get(&id).cloned().unwrap_or(NodeWork::Dbt);
        let assignment = self.assignments.get(&id);
        let resources = assignment
            .map(|assignment| assignment.resources.clone())
            .unwrap_or_default();
        let request = NodeRequest {
            resources,
            ..NodeRequest::new(dag.node(id).unique_id().to_owned(), work)
        };
        Task {
            request,
            hooks: self.hooks.get(&id).cloned().unwrap_or_default(),
            runner: self.runner(id),
        }
    }

    /// Returns the number of the runner that a node goes to.
    pub(crate) fn runner(&self, id: NodeId) -> Option<usize> {
        self.assignments
            .get(&id)?
            .runner
            .as_ref()
            .map(|(number, _)| *number)
    }

    /// Returns the request that begins each of the `runners` runners.
    pub(crate) fn runner_requests(&self, dag: &Dag, runners: usize) -> Vec<BeginRequest> {
        let mut requests = vec![BeginRequest::default(); runners];
        for (id, assignment) in &self.assignments {
            if let Some(request) = assignment
                .runner
                .as_ref()
                .and_then(|(number, _)| requests.get_mut(*number))
            {
                request.selected.push(dag.node(*id).unique_id().to_owned());
                request.environments.extend(assignment.environment.clone());
            }
        }
        for BeginRequest {
            selected,
            environments,
            ..
        } in &mut requests
        {
            selected.sort_unstable();
            environments.sort_unstable();
            environments.dedup();
        }
        requests
    }

    /// Returns a node as reports name it.
    pub(crate) fn info(&self, dag: &Dag, id: NodeId) -> NodeInfo {
        let node = dag.node(id);
        let info = match (self.scripts.get(&id), self.works.get(&id)) {
            (Some(info), _) => info.clone(),
            (None, Some(NodeWork::Python(work))) => NodeInfo::from_stub(node.spec(), &work.path),
            (None, _) => NodeInfo::from_graph(node.spec()),
        };
        let runner = self
            .assignments
            .get(&id)
            .and_then(|assignment| assignment.runner.as_ref());
        NodeInfo {
            runner: runner.map(|(_, name)| name.clone()),
            ..info
        }
    }

    /// Returns the code of a Python model or notebook that will run.
    pub(crate) fn code(&self, id: NodeId) -> Option<&str> {
        match self.works.get(&id)? {
            NodeWork::Python(work) => Some(&work.code),
            _ => None,
        }
    }

    /// Whether a node is a script.
    pub(crate) fn is_script(&self, id: NodeId) -> bool {
        self.scripts.contains_key(&id)
    }
}

fn has_hooks(attachments: &Attachments, node: &Node) -> bool {
    let of_role = |role| {
        attachments
            .of_model(node.unique_id(), role)
            .next()
            .is_some()
    };
    of_role(ScriptRole::PreHook) || of_role(ScriptRole::PostHook)
}
