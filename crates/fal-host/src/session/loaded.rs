//! The graph of a project that a session has loaded.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    path::Path,
};

use fal_graph::{Criteria, Dag, DagBuilder, EdgeKind, NodeId, SelectError, Selection, Selector};
use fal_plugin::{
    ExecutionSession,
    payload::{GraphNode, RunGraph, SelectRequest, SessionInfo},
};
use fal_project::{DbtProject, Generated, ModelFile, Placement};
use fal_report::{ReportError, below_model_path};

use crate::{
    error::HostError,
    faults::Faults,
    manifest::{Compared, PythonNode, ScriptModel, checksum, write_manifest},
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

impl Loaded {
    /// Puts the Python models and scripts of a project into the graph that its backend has read.
    pub(crate) fn new(
        project: &DbtProject,
        keyword: &str,
        generated: &Generated,
        graph: RunGraph,
    ) -> Result<Self, HostError> {
        let RunGraph { info, mut nodes } = graph;
        let (attachments, of_scripts) = Attachments::from_nodes(project, keyword, &nodes);
        let disabled: HashSet<&str> = info.disabled.iter().map(String::as_str).collect();
        let (left_out, models): (Vec<&ModelFile>, Vec<&ModelFile>) = generated
            .models
            .iter()
            .partition(|model| disabled.contains(file_of_dbt(model)));
        let left_out: HashSet<&str> = left_out.iter().map(|model| model.path.as_str()).collect();
        let scripts = scripts(project, &info, &mut nodes, &models);
        let dag = build(project, &info, nodes, models.into_iter(), &attachments)?;
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

    /// Writes dbt's manifest.json with the models of scripts as what they are.
    pub(crate) fn write_manifest(&self) -> Result<(), ReportError> {
        let nodes = self.scripts.iter().filter_map(|script| {
            let node = self.dag.find(&script.unique_id)?;
            let spec = self.dag.node(node).spec();
            let parents = self.dag.parents(node);
            let parents = parents.filter(|(_, why)| *why == EdgeKind::Data);
            let parents = parents.map(|(parent, _)| self.dag.node(parent));
            Some(PythonNode {
                unique_id: script.unique_id.clone(),
                path: script.path.clone(),
                path_in_model_path: below_model_path(spec, &script.path).to_owned(),
                code: script.code.clone()?,
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
    let ids: HashMap<String, String> = models_of_dbt
        .map(|node| (path_in_project(project, info, node), node.unique_id.clone()))
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

/// Returns the models that are in the graph by their stubs, and gives these nodes the checksums of
/// the code.
fn scripts(
    project: &DbtProject,
    info: &SessionInfo,
    nodes: &mut [GraphNode],
    models: &[&ModelFile],
) -> Vec<ScriptModel> {
    let by_file: HashMap<String, usize> = (nodes.iter().enumerate())
        .filter(|(_, node)| node.resource_type == "model")
        .map(|(number, node)| (path_in_project(project, info, node), number))
        .collect();
    let found = models.iter().filter_map(|model| {
        let stub = model.stub_path.as_deref()?;
        let node = &mut nodes[*by_file.get(stub)?];
        // What comes before the path that dbt has below the package.
        let package = stub.strip_suffix(&*node.original_file_path)?;
        let code = model.code().ok().map(Cow::into_owned);
        if let Some(code) = &code {
            node.extra.insert("checksum".to_owned(), checksum(code));
        }
        Some(ScriptModel {
            unique_id: node.unique_id.clone(),
            name: model.name.clone(),
            path: model.path.strip_prefix(package)?.to_owned(),
            code,
        })
    });
    found.collect()
}

/// Returns the path of a node's file below the project.
fn path_in_project(project: &DbtProject, info: &SessionInfo, node: &GraphNode) -> String {
    // A backend may call the project otherwise than dbt_project.yml.
    match node.package_name == info.project_name {
        true => node.original_file_path.clone(),
        false => project.path_of(&node.package_name, &node.original_file_path),
    }
}

/// The file by which dbt knows a model.
fn file_of_dbt(model: &ModelFile) -> &str {
    model.stub_path.as_deref().unwrap_or(&model.path)
}
