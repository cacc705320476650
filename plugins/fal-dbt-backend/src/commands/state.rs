//! What the parts of the engine share.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
};

use fal_plugin::{
    payload::{BeginRequest, Event, LoadRequest, LogLevel, NodeResult, NodeStatus, OpenRequest},
    PluginError,
};
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::{
    call::{Line, Program},
    outcome::Row,
    parsed::Parsed,
    plan::Ids,
    project::Project,
    run_hooks::{RunHooks, VARIABLE},
    run_results::{row_of, RunResults},
    schedule::Schedule,
    turns::Turns,
};
use crate::{
    cancel::Cancel,
    dbt::DbtProcess,
    engine::EngineClient,
    error::{AskError, StartError},
};

/// Starts the process that serves jobs.
pub(crate) type StartWorker = Box<dyn Fn() -> Result<DbtProcess, StartError> + Send + Sync>;

pub(super) struct Inner {
    pub(super) request: OpenRequest,
    pub(super) program: Program,
    /// Why this engine and not the other.
    pub(super) reason: String,
    pub(super) python: PathBuf,
    pub(super) start_worker: StartWorker,
    pub(super) cancel: Cancel,
    pub(super) client: OnceLock<Weak<dyn EngineClient>>,
    pub(super) loaded: OnceLock<Loaded>,
    pub(super) begun: OnceLock<Begun>,
    pub(super) results: Mutex<Results>,
    /// The open jobs, with their nodes.
    pub(super) jobs: Mutex<HashMap<String, String>>,
    pub(super) worker: Mutex<Option<Result<Arc<DbtProcess>, PluginError>>>,
}

pub(super) struct Loaded {
    pub(super) project: Project,
    pub(super) request: LoadRequest,
    pub(super) socket_dir: PathBuf,
    pub(super) turns: Turns,
    pub(super) parsed: Option<Parsed>,
    /// The version of dbt's adapter, where dbt names it.
    pub(super) adapter_version: String,
}

pub(super) struct Begun {
    pub(super) schedule: Arc<Schedule>,
    pub(super) request: BeginRequest,
    pub(super) of_calls: OfCalls,
}

/// The calls of a run.
pub(super) struct OfCalls {
    /// It may name a copy of the project.
    pub(super) request: OpenRequest,
    /// Variables of each call.
    pub(super) env: Vec<(&'static str, String)>,
    /// `None` if the run has no hooks, or one call, in which dbt runs them as ever.
    pub(super) hooks: Option<RunHooks>,
}

impl OfCalls {
    /// Returns the environment of a call that runs these hooks.
    pub(super) fn env(&self, hooks: Option<&str>) -> Vec<(&'static str, String)> {
        let mut env = self.env.clone();
        env.extend(hooks.map(|hooks| (VARIABLE, hooks.to_owned())));
        env
    }
}

#[derive(Default)]
pub(super) struct Results {
    pub(super) file: Option<RunResults>,
    /// Of the nodes, in the order in which they ended.
    pub(super) rows: IndexMap<String, Row>,
    /// The nodes of which the worker has not heard since they ended.
    pub(super) unsent: Ids,
    /// Failures that belong to no node.
    pub(super) problems: Vec<NodeResult>,
}

impl Results {
    pub(super) fn insert(&mut self, unique_id: &str, row: Row) {
        self.rows.insert(unique_id.to_owned(), row);
        self.unsent.insert(unique_id.to_owned());
    }
}

impl Inner {
    pub(super) fn loaded(&self) -> Result<&Loaded, AskError> {
        let missing = || order("the project is not loaded yet");
        self.loaded.get().ok_or_else(missing)
    }

    pub(super) fn begun(&self) -> Result<&Begun, AskError> {
        let begun = self.begun.get();
        begun.ok_or_else(|| order("`run` came before `begin` was answered"))
    }

    pub(super) fn schedule(&self) -> Result<&Schedule, AskError> {
        self.begun().map(|begun| &*begun.schedule)
    }

    pub(super) fn log(&self, level: LogLevel, name: &str, message: String) {
        self.emit(Event::Log {
            level,
            name: Some(name.to_owned()),
            unique_id: None,
            message,
        });
    }

    pub(super) fn emit(&self, event: Event) {
        if let Some(client) = self.client.get().and_then(Weak::upgrade) {
            client.event(event);
        }
    }

    /// Passes a line of dbt on to the user.
    pub(super) fn show(&self, line: &Line<'_>, of_run: bool) {
        match line {
            Line::Event(event) if event.is_wanted(self.request.debug) => self.emit(Event::Log {
                level: event.level,
                name: Some(event.name.clone()).filter(|name| !name.is_empty()),
                unique_id: event.node.clone(),
                message: event.message.clone(),
            }),
            Line::Event(_) => {}
            Line::Text(text) => {
                let level = if of_run {
                    LogLevel::Info
                } else {
                    LogLevel::Debug
                };
                self.log(level, "Print", (*text).to_owned());
            }
        }
    }

    /// Notes how a node ended that dbt did not run.
    pub(super) fn ended(&self, result: &NodeResult) {
        let Some(loaded) = self.loaded.get() else {
            return;
        };
        let Some(node) = loaded.project.manifest.node(&result.unique_id) else {
            return;
        };
        if node.is_ephemeral() && !loaded.project.stubs.contains(&result.unique_id) {
            return;
        }
        if let Some(begun) = self.begun.get() {
            begun.schedule.ended(result);
        }
        let mut results = self.results.lock();
        let known = results.rows.get(&result.unique_id);
        // dbt's word on a node that it did not run is not overruled.
        if known.is_some() && result.status == NodeStatus::Skipped {
            return;
        }
        let mut row = row_of(result);
        let relation = known.and_then(|known| known.get("relation_name")).cloned();
        if result.relation_name.is_none() {
            row.insert("relation_name".to_owned(), relation.unwrap_or_default());
        }
        results.insert(&result.unique_id, row);
    }
}

pub(super) fn order(message: &str) -> AskError {
    AskError::Answered(PluginError::new("session::order", message))
}
