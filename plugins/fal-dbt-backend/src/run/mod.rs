//! The state that the parts of a session share, from its start to its end.

mod close;

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, OnceLock, Weak,
    },
};

use fal_plugin::{
    payload::{
        BeginRequest, LoadRequest, LogLevel, NodeError, NodeResult, OpenRequest, RunGraph, Timing,
    },
    EventSink, PluginError,
};
use parking_lot::{Mutex, RwLock};
use serde_json::{json, Value};

use crate::{
    cancel::Cancel,
    engine::{Engine, Project},
    error::{AskError, StartError},
    lease::Leases,
    process::log,
    python::{JobEnd, Kind, Packages, PythonProcesses, Work},
    result,
    run_dir::RunDir,
};

/// Returns another engine for a dbt that the first engine refused with this error, if there is one.
pub(crate) type OtherEngine = Box<dyn Fn(&PluginError) -> Option<Arc<dyn Engine>> + Send + Sync>;

/// A run: its request, its processes and its state.
pub(crate) struct Run {
    pub(crate) request: OpenRequest,
    engine: RwLock<Arc<dyn Engine>>,
    /// Returns another engine for a dbt that the first cannot run.
    other_engine: OtherEngine,
    pub(crate) python: PythonProcesses,
    pub(crate) run_dir: RunDir,
    pub(crate) leases: Leases,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) cancel: Cancel,
    /// Timeouts of the nodes that dbt runs, in seconds, by unique id.
    timeouts: Mutex<HashMap<String, f64>>,
    /// Errors of jobs that failed, by unique id of their node, until the host asks for them.
    errors: Mutex<HashMap<String, NodeError>>,
    /// Steps of jobs, by unique id of their node, until its result takes them.
    steps: Mutex<HashMap<String, Vec<Timing>>>,
    loaded: OnceLock<Loaded>,
    begun: AtomicBool,
    closed: AtomicBool,
}

/// What the backend knows once dbt has read the project.
struct Loaded {
    location: String,
    target_path: String,
    names: HashMap<String, String>,
    environments: HashMap<String, String>,
    target: Value,
}

impl Loaded {
    /// Takes what later requests need from the graph. Nodes name their environments under
    /// `keyword` in `meta`.
    fn new(graph: &RunGraph, location: String, keyword: &str) -> Self {
        let info = &graph.info;
        let named = graph.nodes.iter();
        let with_environment = graph.nodes.iter().filter_map(|node| {
            let environment = node.environment(keyword)?;
            Some((node.unique_id.clone(), environment.to_owned()))
        });
        Self {
            location,
            target_path: info.target_path.clone(),
            names: named
                .map(|node| (node.unique_id.clone(), node.name.clone()))
                .collect(),
            environments: with_environment.collect(),
            target: json!({ "name": info.target_name, "schema": info.schema, "type": info.adapter }),
        }
    }
}

impl Run {
    /// Returns the run of a session whose engine was started.
    pub(crate) fn new(
        request: OpenRequest,
        (engine, other_engine): (Arc<dyn Engine>, OtherEngine),
        python: PythonProcesses,
        run_dir: RunDir,
        leases: Leases,
        events: Arc<dyn EventSink>,
        cancel: Cancel,
    ) -> Self {
        Self {
            request,
            engine: RwLock::new(engine),
            other_engine,
            python,
            run_dir,
            leases,
            events,
            cancel,
            timeouts: Mutex::default(),
            errors: Mutex::default(),
            steps: Mutex::default(),
            loaded: OnceLock::new(),
            begun: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns the engine that runs dbt.
    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine.read())
    }

    /// Starts to pass on the events of the engine.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<(), StartError> {
        let client: Weak<Self> = Arc::downgrade(self);
        self.engine().listen(client)
    }

    /// Reads the project, with another engine if the first cannot run this dbt.
    pub(crate) fn load(self: &Arc<Self>, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        let folder = self.run_dir.gateway_dir();
        let project = match self.engine().load(request, &folder) {
            Err(AskError::Answered(error)) => {
                let other = (self.other_engine)(&error).ok_or(error)?;
                self.engine().hang_up();
                *self.engine.write() = other;
                self.listen()?;
                self.engine().load(request, &folder)
            }
            loaded => loaded,
        }?;
        Ok(self.loaded(project))
    }

    /// Takes what later requests need from the project, and returns its graph. A second load keeps
    /// the first graph: dbt's graph does not change within a session.
    fn loaded(&self, project: Project) -> RunGraph {
        let Project { graph, location } = project;
        let keyword = &self.request.keyword;
        self.python
            .add_packages(Packages::new(&graph.nodes, keyword));
        let _ = self.loaded.set(Loaded::new(&graph, location, keyword));
        graph
    }

    /// Begins the selected nodes, and prepares their environments meanwhile.
    pub(crate) fn begin(&self, request: &BeginRequest) -> Result<(), AskError> {
        self.begun.store(true, Ordering::SeqCst);
        if let Some(packages) = self.python.packages() {
            packages
                .warnings(&request.selected)
                .for_each(|warning| self.warn(warning));
        }
        self.python
            .prepare(&request.environments, &request.selected);
        self.engine().begin(request)
    }

    /// Returns the result of a node whose request failed. As long as the engine lives, this is an
    /// error of the node alone.
    pub(crate) fn failed(
        &self,
        unique_id: &str,
        error: AskError,
    ) -> Result<NodeResult, PluginError> {
        match error {
            _ if self.cancel.is_set() => Ok(result::interrupted(unique_id)),
            AskError::Answered(error) => Ok(result::failure(unique_id, error.message)),
            AskError::Lost(error) => Err(error),
        }
    }

    /// Returns the work of a node's job as far as it follows from the run: the code and its access
    /// to the data are missing.
    pub(crate) fn work<'a>(&'a self, unique_id: &'a str, cwd: &'a Path) -> Work<'a> {
        let request = &self.request;
        Work {
            kind: Kind::Script,
            unique_id,
            name: self.name_of(unique_id),
            path: "",
            code: "",
            lines: None,
            project_dir: &request.project_dir,
            cwd,
            location: self.loaded.get().map_or("", |loaded| &loaded.location),
            token: "",
            vars: &request.vars,
            target: self
                .loaded
                .get()
                .map_or(&Value::Null, |loaded| &loaded.target),
            keyword: &request.keyword,
            scripts_dir: request.scripts_dir.as_deref(),
            attachment: None,
            unit_test: None,
            environment: None,
            timeout: None,
        }
    }

    /// Runs a job to its end, and keeps its error.
    pub(crate) fn run_job(&self, work: &Work<'_>) -> JobEnd {
        let (end, steps) = self.python.run(work);
        self.keep_error(work.unique_id, &end);
        self.steps.lock().insert(work.unique_id.to_owned(), steps);
        end
    }

    /// Adds the steps of the node's job to its result. dbt's artifacts have dbt's own steps alone.
    pub(crate) fn with_steps(&self, mut result: NodeResult) -> NodeResult {
        let steps = self.steps.lock().remove(&result.unique_id);
        result.timing.extend(steps.into_iter().flatten());
        result
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

    /// Returns the name of a dbt-native model's environment; `None` for the Python that runs dbt.
    pub(crate) fn native_environment<'a>(&'a self, unique_id: &str) -> Option<&'a str> {
        let of_node = self
            .loaded
            .get()
            .and_then(|loaded| loaded.environments.get(unique_id));
        let of_packages = || self.python.packages()?.name(unique_id);
        of_node.map(String::as_str).or_else(of_packages)
    }

    /// Sets the timeout for the Python code of a node that dbt runs.
    pub(crate) fn limit(&self, unique_id: &str, timeout: Option<f64>) {
        if let Some(timeout) = timeout {
            self.timeouts.lock().insert(unique_id.to_owned(), timeout);
        }
    }

    /// Returns how long the Python code of a node that dbt runs may take, in seconds.
    pub(crate) fn timeout_of(&self, unique_id: &str) -> Option<f64> {
        self.timeouts.lock().get(unique_id).copied()
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

    /// Returns dbt's target folder.
    pub(crate) fn target_path(&self) -> &str {
        self.loaded.get().map_or("", |loaded| &loaded.target_path)
    }

    /// Returns the folder in which models run: the user's current folder, so that relative paths
    /// mean what they mean in a shell.
    pub(crate) fn cwd(&self) -> PathBuf {
        env::current_dir().unwrap_or_else(|_| PathBuf::from(&self.request.project_dir))
    }

    /// Sends a warning to the user.
    pub(crate) fn warn(&self, message: String) {
        log(&self.events, LogLevel::Warn, message);
    }
}
