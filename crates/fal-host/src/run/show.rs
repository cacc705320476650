//! `show` of Python models: runs them without writing, and returns their rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use fal_graph::{Criteria, ResourceTypes};
use fal_plugin::PluginError;
use fal_project::Generated;
use fal_report::{EventKind, Reporter, Reporters, RunEvent};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use super::{
    execute::{Work, execute},
    finish::finish,
    nodes::plan_nodes,
    open::Opened,
    selection::RunOptions,
};
use crate::{
    RunOutcome, error::HostError, interrupt::Interrupt, project::Project, python_models::is_python,
    session::OpenSession,
};

const COMMAND: &str = "show";

/// The rows of a model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Shown {
    /// Unique id of the model.
    #[serde(skip)]
    pub unique_id: String,
    /// Its name, as dbt shows it: `orders`, `orders.v2`.
    #[serde(skip)]
    pub name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its first rows.
    pub rows: Vec<Vec<Value>>,
}

/// The Python models that `show` may be about.
pub struct PythonShow<'a> {
    project: &'a Project,
    criteria: &'a Criteria,
    generated: Generated,
}

/// How `show` of Python models ended.
pub struct ShowEnded {
    /// How the models ended.
    pub outcome: RunOutcome,
    /// The rows of those that ended well, in the order of the models' names.
    pub shown: Vec<Shown>,
    /// The names of the Python models, if dbt has others to show.
    pub not_for_dbt: Option<Vec<String>>,
}

impl<'a> PythonShow<'a> {
    /// Returns `None` if no Python model is named in the selection, so that `show` is dbt's alone. dbt too shows only
    /// nodes whose names are in it, and no parents that come with `+`.
    ///
    /// # Errors
    /// If the project or a plugin is wrong.
    pub fn new(project: &'a Project, criteria: &'a Criteria) -> Result<Option<Self>, HostError> {
        if criteria.select.is_empty() {
            return Ok(None);
        }
        let generated = project.prepare()?;
        let wrong = generated.wrong.iter().map(|file| &*file.name);
        let models = generated.models.iter().map(|model| &*model.name);
        let is_named = models.chain(wrong).any(|name| {
            // `orders_v2.py` may be a version of `orders`.
            let versioned = name.rsplit_once("_v").map(|(name, _)| name);
            is_named(criteria, name) || versioned.is_some_and(|name| is_named(criteria, name))
        });
        Ok(is_named.then_some(Self {
            project,
            criteria,
            generated,
        }))
    }

    /// Runs the models that are selected and named.
    ///
    /// # Errors
    /// If the command, the project or a plugin is wrong. A model that fails is an outcome.
    pub fn run(
        self,
        reporters: &Arc<Reporters>,
        interrupt: &Interrupt,
    ) -> Result<ShowEnded, HostError> {
        let (began, project) = (Instant::now(), self.project);
        let session = OpenSession::open(project, COMMAND, true, reporters, interrupt)?;
        // Backends of an earlier interface don't know the method.
        if !session.session.shows(&()).unwrap_or_default() {
            let message = "the execution backend cannot show rows of Python models";
            return Err(PluginError::new("host::show", message).into());
        }
        let loaded = session.load(project, &self.generated)?;
        let criteria = Criteria {
            resource_types: ResourceTypes::of_command("build"),
            ..self.criteria.clone()
        };
        let selected = session.select(&loaded, &criteria)?.nodes;
        let nodes = selected.iter().map(|id| loaded.dag.node(id));
        let named = nodes.filter(|node| is_named(self.criteria, node.name()));
        let (python, others): (Vec<_>, Vec<_>) = named.partition(|node| is_python(node));
        let names: BTreeMap<String, String> = python
            .iter()
            .map(|node| (node.unique_id().to_owned(), node.label()))
            .collect();
        let not_for_dbt = (python.is_empty() || !others.is_empty())
            .then(|| python.iter().map(|node| node.name().to_owned()).collect());
        let opened = Opened {
            project,
            command: COMMAND,
            runner: None,
            session,
            loaded,
            models: self.generated.models,
            began,
        };
        let (outcome, mut shown) = run(&opened, names.keys().cloned().collect(), interrupt)?;
        for shown in &mut shown {
            shown.name = names.get(&shown.unique_id).cloned().unwrap_or_default();
        }
        shown.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(ShowEnded {
            outcome,
            shown,
            not_for_dbt,
        })
    }
}

/// Runs these models, without their hooks.
fn run(
    opened: &Opened<'_>,
    ids: BTreeSet<String>,
    interrupt: &Interrupt,
) -> Result<(RunOutcome, Vec<Shown>), HostError> {
    let options = RunOptions {
        command: COMMAND.to_owned(),
        only: Some(ids),
        ..RunOptions::default()
    };
    let work = plan_nodes(opened, &options)?;
    let work = Work {
        plan: work.plan.without_hooks(),
        writes_results: false,
        ..work
    };
    let rows = Arc::new(Mutex::new(Rows::default()));
    opened.session.reporters.add(Arc::clone(&rows));
    let executed = execute(opened, work, interrupt)?;
    let outcome = finish(opened, executed)?;
    let shown = std::mem::take(&mut rows.lock().0);
    Ok((outcome, shown))
}

/// Whether a name is in the selection as dbt's `show` looks for it.
fn is_named(criteria: &Criteria, name: &str) -> bool {
    criteria.select.iter().any(|word| word.contains(name))
}

/// Collects the rows of models that end well.
#[derive(Default)]
struct Rows(Vec<Shown>);

impl Reporter for Rows {
    fn event(&mut self, event: &RunEvent) {
        let EventKind::NodeFinished { result, .. } = &event.kind else {
            return;
        };
        let preview = result.adapter_response.get("preview");
        let preview = preview.filter(|_| !result.status.is_failure());
        let shown = preview.and_then(|preview| Shown::deserialize(preview).ok());
        self.0.extend(shown.map(|shown| Shown {
            unique_id: result.unique_id.clone(),
            ..shown
        }));
    }
}
