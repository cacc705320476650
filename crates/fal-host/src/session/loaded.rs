//! The graph of a project that a session has loaded.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use fal_graph::{Criteria, Dag, DagBuilder, EdgeKind, NodeId, SelectError, Selection, Selector};
use fal_plugin::{
    ExecutionSession,
    payload::{GraphNode, RunGraph, SelectRequest, SessionInfo},
};
use fal_project::{DbtProject, Generated, ModelFile, Placement};
use fal_report::ReportError;

use crate::{
    error::HostError,
    faults::Faults,
    manifest::{Compared, PythonNode, write_manifest},
    python_models::placements,
    scripts::Attachments,
};

/// A project's graph, with what the host adds to it.
pub(crate) struct Loaded {
    pub(crate) info: SessionInfo,
    pub(crate) dag: Dag,
    pub(crate) attachments: Attachments,
    /// Where Python models want to run and what they need there, by their `meta`.
    pub(crate) placements: HashMap<NodeId, Placement>,
    /// Key of `meta` that attaches scripts.
    pub(crate) keyword: String,
    /// What is wrong with single files and nodes.
    pub(crate) faults: Faults,
    /// The models that dbt knows by their stubs.
    pub(crate) scripts: Vec<ScriptModel>,
}

/// Where the code of a model is whose node is that of its stub.
pub(crate) struct ScriptModel {
    node: NodeId,
    /// Below its package.
    path: String,
    model: ModelFile,
}

impl Loaded {
    /// Puts the Python models and scripts of a project into the graph that its backend has read.
    pub(super) fn new(
        project: &DbtProject,
        keyword: &str,
        generated: &Generated,
        graph: RunGraph,
    ) -> Result<Self, HostError> {
        let RunGraph { info, nodes } = graph;
        let (attachments, of_scripts) = Attachments::from_nodes(project, keyword, &nodes);
        let disabled: HashSet<&str> = info.disabled.iter().map(String::as_str).collect();
        let (left_out, models): (Vec<&ModelFile>, Vec<&ModelFile>) = generated
            .models
            .iter()
            .partition(|model| disabled.contains(file_of_dbt(model)));
        let left_out: HashSet<&str> = left_out.iter().map(|model| model.path.as_str()).collect();
        let dag = build(project, &info, nodes, models.iter().copied(), &attachments)?;
        let scripts = scripts(&dag, &models);
        let (placements, of_placements) = placements(&dag, keyword, &project.root);
        let mut faults = Faults::from_files(&generated.wrong, |path| left_out.contains(path));
        faults.extend(of_scripts);
        faults.extend(of_placements);
        Ok(Self {
            info,
            dag,
            attachments,
            placements,
            keyword: keyword.to_owned(),
            faults,
            scripts,
        })
    }

    /// Selects nodes; asks `session` for methods that the graph alone cannot answer. `compared` is
    /// what `state:` must know of scripts.
    pub(super) fn select(
        &self,
        session: &dyn ExecutionSession,
        compared: &dyn Fn() -> Compared,
        criteria: &Criteria,
    ) -> Result<Selection, SelectError> {
        type Answer = Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>;
        let external = |method: &str, value: &str| -> Answer {
            let mut found = session.select(&SelectRequest {
                method: method.to_owned(),
                value: value.to_owned(),
            })?;
            match (method, value) {
                ("state", "modified" | "modified.body") => {
                    let known: HashSet<String> = found.iter().cloned().collect();
                    let changed = compared().changed;
                    found.extend(changed.difference(&known).cloned());
                }
                ("state", "unmodified") => {
                    let changed = compared().changed;
                    found.retain(|unique_id| !changed.contains(unique_id));
                }
                _ => {}
            }
            Ok(found)
        };
        Selector::new(&self.dag)
            .with_definitions(&self.info.selectors)
            .with_external(&external)
            .select(criteria)
    }

    /// Returns the models that dbt knows by their stubs, with their unique ids.
    pub(super) fn scripts_by_id(&self) -> impl Iterator<Item = (&str, &ModelFile)> {
        let scripts = self.scripts.iter();
        scripts.map(|script| (self.dag.node(script.node).unique_id(), &script.model))
    }

    /// Writes dbt's manifest.json with the models of scripts as what they are.
    pub(super) fn write_manifest(&self) -> Result<(), ReportError> {
        let nodes = self.scripts.iter().filter_map(|script| {
            let spec = self.dag.node(script.node).spec();
            let parents = self.dag.parents(script.node);
            let parents = parents.filter(|(_, why)| *why == EdgeKind::Data);
            let parents = parents.map(|(parent, _)| self.dag.node(parent));
            Some(PythonNode {
                unique_id: spec.unique_id.clone(),
                path: script.path.clone(),
                // A file that is gone has no code to show.
                code: script.model.code().ok()?.into_owned(),
                relation_name: spec.relation_name.clone(),
                materialized: spec.materialized().unwrap_or("table").to_owned(),
                parents: parents
                    .map(|parent| parent.unique_id().to_owned())
                    .collect(),
            })
        });
        let nodes: Vec<_> = nodes.collect();
        write_manifest(Path::new(&self.info.target_path), &nodes)
    }

    /// Returns the unique id and the name of every node and script.
    pub(super) fn names(&self) -> impl Iterator<Item = (String, String)> {
        let nodes = self
            .dag
            .nodes()
            .map(|(_, node)| (node.unique_id().to_owned(), node.name().to_owned()));
        let scripts = self
            .attachments
            .iter()
            .map(|attached| (attached.id.clone(), attached.info().name));
        nodes.chain(scripts)
    }
}

/// dbt's nodes, with the Python models in the places of their stubs.
fn build<'a>(
    project: &DbtProject,
    info: &SessionInfo,
    nodes: Vec<GraphNode>,
    models: impl Iterator<Item = &'a ModelFile>,
    attachments: &Attachments,
) -> Result<Dag, HostError> {
    let models_of_dbt = nodes.iter().filter(|node| node.resource_type == "model");
    // A backend may call the project otherwise than dbt_project.yml.
    let path = |node: &GraphNode| match node.package_name == info.project_name {
        true => node.original_file_path.clone(),
        false => project.path_of(&node.package_name, &node.original_file_path),
    };
    let ids: HashMap<String, String> = models_of_dbt
        .map(|node| (path(node), node.unique_id.clone()))
        .collect();
    let mut builder = DagBuilder::new(&info.project_name);
    builder.nodes(nodes);
    for model in models {
        match ids.get(file_of_dbt(model)) {
            Some(id) => _ = builder.python_model(id.clone(), model.path.clone()),
            // One that dbt passes over, by a rule that the user wrote.
            None if model.stub_path.is_none() => {}
            None => {
                return Err(HostError::UnknownModel {
                    name: model.name.clone(),
                    path: model.path.clone(),
                });
            }
        }
    }
    attachments.add_to(&mut builder);
    Ok(builder.build()?)
}

/// Returns the models that are in the graph by their stubs.
fn scripts(dag: &Dag, models: &[&ModelFile]) -> Vec<ScriptModel> {
    let by_file: HashMap<&str, NodeId> = (dag.nodes())
        .filter(|(_, node)| node.resource_type() == "model")
        .map(|(id, node)| (node.file(), id))
        .collect();
    let found = models.iter().filter_map(|model| {
        let stub = model.stub_path.as_deref()?;
        let node = *by_file.get(&*model.path)?;
        // What comes before the path that dbt has below the package.
        let package = stub.strip_suffix(&*dag.node(node).spec().original_file_path)?;
        Some(ScriptModel {
            node,
            path: model.path.strip_prefix(package)?.to_owned(),
            model: (*model).clone(),
        })
    });
    found.collect()
}

/// The file by which dbt knows a model.
fn file_of_dbt(model: &ModelFile) -> &str {
    model.stub_path.as_deref().unwrap_or(&model.path)
}
