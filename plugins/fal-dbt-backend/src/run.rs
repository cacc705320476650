//! The state that the parts of a session share, from its start to its end.

use std::{
    collections::HashMap,
    env,
    path::PathBuf,
    sync::{atomic::AtomicBool, Arc, OnceLock},
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{
        Event, GraphNode, LogLevel, NodeError, NodeResult, NodeStatus, OpenRequest, RunGraph,
    },
    EventSink, PluginError,
};
use parking_lot::Mutex;
use serde::{de::DeserializeOwned, Serialize};
use serde_json::{json, Value};

use crate::{
    cancel::{self, Cancel},
    dbt::Dbt,
    door::Door,
    environments::{Environments, NoEnvironment},
    error::AskError,
    gateway_job::plain_result,
    job::{self, Kind, Work},
    job_end::JobEnd,
    jobs::{Jobs, Stop},
    last_needed,
    lease::Desk,
    run_dir::RunDir,
    zygotes::{Environment, Zygotes},
};

/// How long a request may take once the run was cancelled.
const AFTER_CANCEL: Duration = Duration::from_millis(300);

/// A run: its request, its processes and its state.
pub(crate) struct Run {
    pub(crate) request: OpenRequest,
    pub(crate) environments: Arc<Environments>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) dbt: Dbt,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) door: Door,
    pub(crate) zygotes: Zygotes,
    pub(crate) run_dir: RunDir,
    pub(crate) leases: Desk,
    /// Timeouts of the nodes that dbt runs, in seconds, by unique id.
    pub(crate) timeouts: Mutex<HashMap<String, f64>>,
    /// Errors of jobs that failed, by unique id of their node, until the host asks for them.
    pub(crate) errors: Mutex<HashMap<String, NodeError>>,
    pub(crate) loaded: OnceLock<Loaded>,
    pub(crate) cancel: Cancel,
    pub(crate) begun: AtomicBool,
    pub(crate) closed: AtomicBool,
}

/// What the backend knows once dbt has read the project.
pub(crate) struct Loaded {
    location: String,
    target_path: String,
    names: HashMap<String, String>,
    environments: HashMap<String, String>,
    target: Value,
}

impl Loaded {
    /// Takes what later requests need from the graph. `location` is the gateway's address; nodes
    /// name their environments under `keyword` in `meta`.
    pub(crate) fn new(graph: &RunGraph, location: String, keyword: &str) -> Self {
        let info = &graph.info;
        Self {
            location,
            target_path: info.target_path.clone(),
            names: graph
                .nodes
                .iter()
                .map(|node| (node.unique_id.clone(), node.name.clone()))
                .collect(),
            environments: graph
                .nodes
                .iter()
                .filter_map(|node| environment(node, keyword))
                .collect(),
            target: json!({ "name": info.target_name, "schema": info.schema, "type": info.adapter }),
        }
    }
}

impl Run {
    /// Sends a request to the session and waits for the answer. After a cancellation it waits for
    /// `AFTER_CANCEL` only.
    pub(crate) fn ask<R: DeserializeOwned>(
        &self,
        op: &'static str,
        body: &impl Serialize,
    ) -> Result<R, AskError> {
        let pending = self.dbt.channel.send(op, body);
        if self.cancel.is_set() {
            let late = || Err(AskError::Lost(cancel::interrupted()));
            return pending
                .wait_until(Instant::now() + AFTER_CANCEL)
                .unwrap_or_else(late);
        }
        pending.wait()
    }

    /// Returns the result of a node whose request failed. As long as the session lives, this is an
    /// error of the node alone.
    pub(crate) fn failed(
        &self,
        unique_id: &str,
        error: AskError,
    ) -> Result<NodeResult, PluginError> {
        let message = match error {
            _ if self.cancel.is_set() => cancel::interrupted().message,
            AskError::Answered(error) => error.message,
            AskError::Lost(error) => return Err(error),
        };
        Ok(plain_result(unique_id, NodeStatus::Error, Some(message)))
    }

    /// Runs a job in its environment, or in the model's environment, and keeps its error.
    pub(crate) fn run_job(&self, work: &Work<'_>) -> JobEnd {
        let end = self.run_to_its_end(work);
        self.keep_error(work.unique_id, &end);
        end
    }

    /// Keeps a job's error until the host asks for it.
    pub(crate) fn keep_error(&self, unique_id: &str, end: &JobEnd) {
        if let Some(error) = end.node_error() {
            self.errors.lock().insert(unique_id.to_owned(), error);
        }
    }

    /// Takes the error of a node's job, if it failed.
    pub(crate) fn take_error(&self, unique_id: &str) -> Option<NodeError> {
        let error = self.errors.lock().remove(unique_id);
        // After an interruption the node's result already says so, and the error of a killed job is
        // misleading.
        error.filter(|_| !self.cancel.is_set())
    }

    fn run_to_its_end(&self, work: &Work<'_>) -> JobEnd {
        let native = || self.native_environment(work.unique_id);
        let environment = work.environment.or_else(|| {
            if work.kind == Kind::Native {
                native()
            } else {
                None
            }
        });
        let environment = match self.environments.of(environment) {
            Ok(environment) => environment,
            Err(NoEnvironment::Stopped) => return JobEnd::Stopped(Stop::Interrupted),
            Err(NoEnvironment::Failed(message)) => return JobEnd::Crashed(message),
        };
        match self.zygotes.of(&environment) {
            Ok(zygote) => job::run(work, &zygote, self.door.path(), &self.jobs, &self.events),
            Err(error) => JobEnd::Crashed(error.to_string()),
        }
    }

    /// Returns the name of a dbt-native model's environment. dbt's request for the job does not
    /// name it.
    pub(crate) fn native_environment<'a>(&'a self, unique_id: &str) -> Option<&'a str> {
        let of_node = self
            .loaded
            .get()
            .and_then(|loaded| loaded.environments.get(unique_id));
        let of_packages = || self.environments.packages()?.name(unique_id);
        of_node.map(String::as_str).or_else(of_packages)
    }

    /// Sets the timeout for the Python code of a node that dbt runs.
    pub(crate) fn limit(&self, unique_id: &str, timeout: Option<f64>) {
        if let Some(timeout) = timeout {
            self.timeouts.lock().insert(unique_id.to_owned(), timeout);
        }
    }

    /// Seconds that it may run.
    pub(crate) fn timeout_of(&self, unique_id: &str) -> Option<f64> {
        self.timeouts.lock().get(unique_id).copied()
    }

    /// Prepares environments in the background while the run begins, and starts a warm process in
    /// each. These are the environments that the host names, and those of selected models that ask
    /// for packages.
    pub(crate) fn prepare(self: &Arc<Self>, names: &[String], selected: &[String]) {
        last_needed::write(&self.request.state_dir, names);
        let mut names = names.to_vec();
        if let Some(packages) = self.environments.packages() {
            packages
                .warnings(selected)
                .for_each(|warning| self.warn(warning));
            names.extend(packages.names(selected).map(str::to_owned));
        }
        self.environments.prepare(names, self.starter());
    }

    /// Starts the warm processes that will most likely be needed.
    pub(crate) fn warm_up(self: &Arc<Self>) {
        self.environments
            .look_up(last_needed::read(&self.request.state_dir), self.starter());
    }

    fn starter(self: &Arc<Self>) -> impl Fn(&Environment) + Send + Sync + 'static {
        let run = Arc::downgrade(self);
        move |environment| {
            if let Some(run) = run.upgrade() {
                // Start failures are reported by the job that needs the process.
                drop(run.zygotes.of(environment));
            }
        }
    }

    /// Returns the name of a node.
    pub(crate) fn name_of<'a>(&'a self, unique_id: &'a str) -> &'a str {
        let known = self
            .loaded
            .get()
            .and_then(|loaded| loaded.names.get(unique_id));
        known.map_or_else(
            || unique_id.rsplit('.').next().unwrap_or(unique_id),
            String::as_str,
        )
    }

    /// Returns the gateway's address.
    pub(crate) fn location(&self) -> &str {
        self.loaded.get().map_or("", |loaded| &loaded.location)
    }

    /// Returns dbt's target folder.
    pub(crate) fn target_path(&self) -> &str {
        self.loaded.get().map_or("", |loaded| &loaded.target_path)
    }

    /// Returns the target as models see it.
    pub(crate) fn target(&self) -> &Value {
        self.loaded
            .get()
            .map_or(&Value::Null, |loaded| &loaded.target)
    }

    /// Returns the folder in which models run: the user's current folder, so that relative paths
    /// mean what they mean in a shell.
    pub(crate) fn cwd(&self) -> PathBuf {
        env::current_dir().unwrap_or_else(|_| PathBuf::from(&self.request.project_dir))
    }

    /// Sends a warning to the user.
    pub(crate) fn warn(&self, message: String) {
        self.events.emit(Event::Log {
            level: LogLevel::Warn,
            name: None,
            unique_id: None,
            message,
        });
    }
}

fn environment(node: &GraphNode, keyword: &str) -> Option<(String, String)> {
    Some((
        node.unique_id.clone(),
        node.environment(keyword)?.to_owned(),
    ))
}
