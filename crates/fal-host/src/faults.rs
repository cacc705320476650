//! What is wrong with single files and nodes: an error for a command that would run them, a warning for every other.

use std::collections::HashSet;

use fal_graph::{Criteria, DagBuilder, GraphNode, NodeSet, Selector};
use fal_plugin::payload::Severity;
use fal_project::{DbtProject, FileDiagnostic, WrongFile};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;

use crate::{error::HostError, run::tested_python, session::Loaded};

/// Whom problems keep from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The model or script in this file, below the project.
    File(String),
    /// Everything attached to the node of this unique id, and the node itself.
    Scripts(String),
    /// The Python model of this unique id: where it runs, and on what.
    Placement(String),
}

/// Problems and whom they are about.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) about: About,
    pub(crate) problems: Vec<FileDiagnostic>,
}

/// All that is wrong with single files and nodes of a project.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Errors of files, less those that the project switches off.
    pub(crate) fn of_files(wrong: &[WrongFile], is_disabled: impl Fn(&str) -> bool) -> Self {
        let wrong = wrong.iter().filter(|file| !is_disabled(&file.path));
        Self(
            wrong
                .map(|file| Fault {
                    about: About::File(file.path.clone()),
                    problems: file.problems.clone(),
                })
                .collect(),
        )
    }

    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.0.extend(faults);
    }

    /// Shows what concerns nobody as warnings.
    ///
    /// # Errors
    /// All errors that concern the command.
    pub(crate) fn settle(
        &self,
        reporters: &Reporters,
        concerns: impl Fn(&About) -> bool,
    ) -> Result<(), HostError> {
        let mut files: Vec<FileDiagnostic> = Vec::new();
        for fault in &self.0 {
            let stops = concerns(&fault.about);
            for problem in &fault.problems {
                if !stops || !problem.is_error() {
                    warn(reporters, problem);
                } else if !files.contains(problem) {
                    files.push(problem.clone());
                }
            }
        }
        if files.is_empty() {
            Ok(())
        } else {
            Err(HostError::Scripts { files })
        }
    }

    /// Shows all of it as it is: what follows may come from it.
    pub(crate) fn show(&self, reporters: &Reporters) {
        self.0
            .iter()
            .flat_map(|fault| &fault.problems)
            .for_each(|problem| emit(reporters, problem));
    }

    fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|fault| match &fault.about {
            About::File(path) => Some(path.as_str()),
            About::Scripts(_) | About::Placement(_) => None,
        })
    }
}

/// What the selection of a command would run.
pub(crate) struct Concerned<'a> {
    files: HashSet<&'a str>,
    nodes: HashSet<&'a str>,
}

impl<'a> Concerned<'a> {
    /// The selected nodes with their files.
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

    /// With the wrong files that dbt does not know, as they have no stub, as far as the selection means them: they are
    /// found by their names and folders.
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

/// A node in the place of the one that dbt would make of the file; its path is its id.
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

fn warn(reporters: &Reporters, problem: &FileDiagnostic) {
    let severity = if problem.is_error() {
        Severity::Warning
    } else {
        problem.severity
    };
    emit(
        reporters,
        &FileDiagnostic {
            severity,
            ..problem.clone()
        },
    );
}

pub(crate) fn emit(reporters: &Reporters, problem: &FileDiagnostic) {
    for problem in crate::problems::of(problem) {
        reporters.emit(
            Timestamp::now(),
            EventKind::Problem {
                problem: Box::new(problem),
            },
        );
    }
}
