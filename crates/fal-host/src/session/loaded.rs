//! The graph of a project that a session has loaded.

use std::collections::{HashMap, HashSet};

use fal_graph::{Criteria, Dag, DagBuilder, NodeId, SelectError, Selection, Selector};
use fal_plugin::{
    ExecutionSession,
    payload::{GraphNode, RunGraph, SelectRequest, SessionInfo},
};
use fal_project::{DbtProject, Generated, ModelFile, Placement};

use crate::{error::HostError, faults::Faults, python_models::placements, scripts::Attachments};

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
        })
    }

    /// Selects nodes; asks `session` for methods that the graph alone cannot answer.
    pub(super) fn select(
        &self,
        session: &dyn ExecutionSession,
        criteria: &Criteria,
    ) -> Result<Selection, SelectError> {
        type Answer = Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>;
        let external = |method: &str, value: &str| -> Answer {
            Ok(session.select(&SelectRequest {
                method: method.to_owned(),
                value: value.to_owned(),
            })?)
        };
        Selector::new(&self.dag)
            .with_definitions(&self.info.selectors)
            .with_external(&external)
            .select(criteria)
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

/// The file by which dbt knows a model.
fn file_of_dbt(model: &ModelFile) -> &str {
    model.stub_path.as_deref().unwrap_or(&model.path)
}
