//! Whether the faults of a project concern a command, by what it selects.

use std::collections::HashSet;

use fal_graph::{Criteria, DagBuilder, GraphNode, NodeSet, Selector};
use fal_project::DbtProject;

use crate::{error::HostError, faults::About, python_models::tested_python, session::Loaded};

/// The nodes and files that a command would run.
pub(crate) struct Concerned<'a> {
    files: HashSet<&'a str>,
    nodes: HashSet<&'a str>,
}

impl<'a> Concerned<'a> {
    /// Takes the selected nodes with their files.
    pub(crate) fn by_selection(loaded: &'a Loaded, selected: &NodeSet) -> Self {
        let mut concerned = Self {
            files: HashSet::new(),
            nodes: HashSet::new(),
        };
        for node in selected.iter().map(|id| loaded.dag.node(id)) {
            concerned
                .files
                .insert(tested_python(&loaded.dag, node).unwrap_or(node).file());
            concerned.nodes.insert(node.unique_id());
            let script = loaded.attachments.find(node.unique_id());
            concerned
                .nodes
                .extend(script.and_then(|attached| attached.model.as_deref()));
        }
        concerned
    }

    /// Adds selected files with errors. dbt does not know these files, as they have no stub, so the selection
    /// finds them by their names and folders.
    pub(crate) fn and_unknown(
        mut self,
        project: &DbtProject,
        loaded: &'a Loaded,
        criteria: &Criteria,
    ) -> Result<Self, HostError> {
        let known: HashSet<&str> = loaded.dag.nodes().map(|(_, node)| node.file()).collect();
        let unknown: Vec<&str> = loaded
            .faults
            .files()
            .filter(|path| !known.contains(path))
            .collect();
        let mut builder = DagBuilder::new(&loaded.info.project_name);
        builder.nodes(
            unknown
                .iter()
                .map(|path| stand_in(project, &loaded.info.project_name, path)),
        );
        let dag = builder.build()?;
        let nothing = |_: &str, _: &str| Ok(Vec::new());
        let selector = Selector::new(&dag)
            .with_definitions(&loaded.info.selectors)
            .with_external(&nothing);
        let selected: HashSet<&str> = selector.select(criteria)?.ids(&dag).into_iter().collect();
        self.files
            .extend(unknown.into_iter().filter(|path| selected.contains(path)));
        Ok(self)
    }

    pub(crate) fn has(&self, about: &About) -> bool {
        match about {
            About::File(path) => self.files.contains(path.as_str()),
            About::Scripts(id) | About::Placement(id) => self.nodes.contains(id.as_str()),
        }
    }
}

/// Makes the node that dbt would make of the file; its path is its id.
fn stand_in(project: &DbtProject, package: &str, path: &str) -> GraphNode {
    let roots = project.model_paths.iter().chain(&project.fal_models_paths);
    let below = roots
        .filter_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'))
        .min_by_key(|below| below.len());
    let below = below.unwrap_or(path);
    let (folders, file) = below.rsplit_once('/').unwrap_or(("", below));
    let name = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let folders = folders.split('/').filter(|folder| !folder.is_empty());
    GraphNode {
        unique_id: path.to_owned(),
        name: name.to_owned(),
        resource_type: "model".to_owned(),
        package_name: package.to_owned(),
        original_file_path: path.to_owned(),
        path: below.to_owned(),
        fqn: [package]
            .into_iter()
            .chain(folders)
            .chain([name])
            .map(str::to_owned)
            .collect(),
        ..GraphNode::default()
    }
}
