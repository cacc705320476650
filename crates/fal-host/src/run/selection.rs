//! Which nodes run: those that the criteria select, or those to retry.

use std::collections::BTreeSet;

use fal_graph::{Criteria, NodeId, NodeSet, Selection};
use fal_plugin::payload::LogLevel;

use crate::{
    error::HostError,
    python_models::tested_python,
    session::{Loaded, OpenSession},
};

/// What to run, and how.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// dbt's name of the command.
    pub command: String,
    /// The selection.
    pub criteria: Criteria,
    /// `--fail-fast`.
    pub fail_fast: bool,
    /// `--warn-error`: a warning before the first node ends the command.
    pub warn_error: bool,
    /// Just these nodes, by unique id, whatever the selection says.
    pub only: Option<BTreeSet<String>>,
    /// `--runner`: where all Python models go, by name or path; `local` means where dbt runs.
    pub runner: Option<String>,
}

/// Selects the nodes that a command runs.
pub(super) struct NodeSelection<'a> {
    pub(super) session: &'a OpenSession,
    pub(super) loaded: &'a Loaded,
    pub(super) options: &'a RunOptions,
}

impl NodeSelection<'_> {
    pub(super) fn nodes(&self) -> Result<NodeSet, HostError> {
        let nodes = match &self.options.only {
            Some(ids) => self.named(ids),
            None => self.matching()?,
        };
        Ok(nodes.iter().filter(|id| self.can_run(*id)).collect())
    }

    fn named(&self, ids: &BTreeSet<String>) -> NodeSet {
        let find = |id: &String| {
            let found = self.loaded.dag.find(id);
            if found.is_none() {
                self.warn(format!(
                    "{id} is not tried again: it is not in the project any more"
                ));
            }
            found
        };
        ids.iter().filter_map(find).collect()
    }

    fn matching(&self) -> Result<NodeSet, HostError> {
        let criteria = &self.options.criteria;
        let Selection { nodes, .. } = self.session.select(self.loaded, criteria)?;
        // Without a selection a script runs if its model is of a kind that the command runs: `run` loads no seeds.
        if criteria.select.is_empty() && criteria.selector.is_none() {
            let models = if criteria.exclude.is_empty() {
                nodes.clone()
            } else {
                let everything = Criteria {
                    exclude: Vec::new(),
                    ..criteria.clone()
                };
                self.session.select(self.loaded, &everything)?.nodes
            };
            return Ok(nodes
                .iter()
                .filter(|id| self.is_of_one(*id, &models))
                .collect());
        }
        if self.options.command == "run" {
            return Ok(nodes);
        }
        Ok(nodes.iter().filter(|id| self.is_of_kind(*id)).collect())
    }

    /// Whether a node is no script, or a script of one of these models.
    fn is_of_one(&self, id: NodeId, models: &NodeSet) -> bool {
        self.model_of(id)
            .is_none_or(|model| model.is_some_and(|model| models.contains(model)))
    }

    /// Whether a node is no script, or a script of a model of a type that the command runs.
    fn is_of_kind(&self, id: NodeId) -> bool {
        let of_kind = |model| {
            let kind = self.loaded.dag.node(model).resource_type();
            self.options.criteria.resource_types.includes(kind)
        };
        self.model_of(id)
            .is_none_or(|model| model.is_some_and(of_kind))
    }

    /// Returns the model of a script; `None` if the node is no script.
    fn model_of(&self, id: NodeId) -> Option<Option<NodeId>> {
        let script = self
            .loaded
            .attachments
            .find(self.loaded.dag.node(id).unique_id())?;
        Some(
            script
                .model
                .as_deref()
                .and_then(|model| self.loaded.dag.find(model)),
        )
    }

    /// Whether a node can run. dbt must never run a unit test of a Python model: it would test the stub's SQL
    /// instead of the Python code, and pass.
    fn can_run(&self, id: NodeId) -> bool {
        let node = self.loaded.dag.node(id);
        let Some(model) = tested_python(&self.loaded.dag, node) else {
            return true;
        };
        let why = if !self.session.capabilities.unit_tests {
            "is a Python model, and the execution backend has no unit tests of those"
        } else if model.spec().package_name != self.loaded.info.project_name {
            "is a Python model of another package"
        } else {
            return true;
        };
        self.warn(format!(
            "The unit test {} does not run: {} {why}",
            node.name(),
            model.name()
        ));
        false
    }

    fn warn(&self, message: String) {
        self.session.log(LogLevel::Warn, message);
    }
}
