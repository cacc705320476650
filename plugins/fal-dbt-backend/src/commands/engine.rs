//! The engine over the `dbt` program.

use std::{
    collections::{BTreeMap, HashMap},
    env,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, Weak},
    thread,
    time::Instant,
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Event,
        LoadRequest, LogLevel, NodeResult, NodeStatus, OpenRequest, SelectRequest, SessionInfo,
    },
    PluginError,
};
use indexmap::IndexMap;
use parking_lot::Mutex;
use serde_json::{json, Value};

use super::{
    arguments,
    call::{Ended, Line, Program},
    copied,
    manifest::Manifest,
    outcome::{row_status, Outcome, Row},
    parsed::Parsed,
    plan::{went_well, Ids},
    project::{is_dbt_2, Project},
    run_results::{row_of, RunResults},
    schedule::{Caller, Schedule},
    settings::Settings,
    turns::Turns,
};
use crate::{
    cancel::{self, Cancel},
    dbt::DbtProcess,
    engine::{
        self, Engine, EngineClient, GatewayListen, JobClose, JobOpen, LentJob, PythonJobDone,
        SettledJob, Taker,
    },
    error::{AskError, StartError},
};

/// Adapters with a way to read and write that needs nothing of dbt.
const WITH_PYTHON: &[&str] = &["duckdb", "postgres"];

/// Starts the process that serves jobs.
pub(crate) type StartWorker = Box<dyn Fn() -> Result<DbtProcess, StartError> + Send + Sync>;

/// Runs dbt by its commands.
pub(crate) struct CommandEngine(Arc<Inner>);

struct Inner {
    request: OpenRequest,
    program: Program,
    /// Why this engine and not the other.
    reason: String,
    python: PathBuf,
    start_worker: StartWorker,
    cancel: Cancel,
    client: OnceLock<Weak<dyn EngineClient>>,
    loaded: OnceLock<Loaded>,
    begun: OnceLock<Begun>,
    results: Mutex<Results>,
    /// The open jobs, with their nodes.
    jobs: Mutex<HashMap<String, String>>,
    worker: Mutex<Option<Result<Arc<DbtProcess>, PluginError>>>,
}

struct Loaded {
    project: Project,
    request: LoadRequest,
    socket_dir: PathBuf,
    turns: Turns,
    parsed: Option<Parsed>,
    /// The request for calls that run nodes. It may name a copy of the project.
    of_calls: OpenRequest,
}

struct Begun {
    schedule: Arc<Schedule>,
    request: BeginRequest,
}

#[derive(Default)]
struct Results {
    file: Option<RunResults>,
    /// Of the nodes, in the order in which they ended.
    rows: IndexMap<String, Row>,
    /// The nodes of which the worker has not heard since they ended.
    unsent: Ids,
    /// Failures that belong to no node.
    problems: Vec<NodeResult>,
}

impl Results {
    fn insert(&mut self, unique_id: &str, row: Row) {
        self.rows.insert(unique_id.to_owned(), row);
        self.unsent.insert(unique_id.to_owned());
    }
}

impl CommandEngine {
    /// `python` is the interpreter of the user's models, and `reason` says why dbt is not driven
    /// from the inside.
    pub(crate) fn new(
        request: OpenRequest,
        program: PathBuf,
        reason: String,
        python: PathBuf,
        start_worker: StartWorker,
        cancel: Cancel,
    ) -> Self {
        Self(Arc::new(Inner {
            request,
            program: Program::new(program),
            reason,
            python,
            start_worker,
            cancel,
            client: OnceLock::new(),
            loaded: OnceLock::new(),
            begun: OnceLock::new(),
            results: Mutex::default(),
            jobs: Mutex::default(),
            worker: Mutex::default(),
        }))
    }
}

impl Inner {
    fn loaded(&self) -> Result<&Loaded, AskError> {
        let missing = || order("the project is not loaded yet");
        self.loaded.get().ok_or_else(missing)
    }

    fn schedule(&self) -> Result<&Schedule, AskError> {
        let begun = self.begun.get();
        let begun = begun.ok_or_else(|| order("`run` came before `begin` was answered"));
        begun.map(|begun| &*begun.schedule)
    }

    fn log(&self, level: LogLevel, name: &str, message: String) {
        self.emit(Event::Log {
            level,
            name: Some(name.to_owned()),
            unique_id: None,
            message,
        });
    }

    fn emit(&self, event: Event) {
        if let Some(client) = self.client.get().and_then(Weak::upgrade) {
            client.event(event);
        }
    }

    /// Passes a line of dbt on to the user.
    fn show(&self, line: &Line<'_>, of_run: bool) {
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

    fn folder() -> PathBuf {
        env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
    }

    /// Has dbt parse the project. Returns the version of the adapter, where dbt names it.
    fn parse(self: &Arc<Self>) -> Result<String, AskError> {
        let version = Arc::new(Mutex::new(String::new()));
        let (inner, heard) = (Arc::clone(self), Arc::clone(&version));
        let words = arguments::parse(&self.request);
        let ended = self.program.call(&words, &Self::folder(), move |line| {
            if let Line::Event(event) = &line {
                if let Some(version) = &event.adapter_version {
                    version.clone_into(&mut heard.lock());
                }
                // The error of a failed parse has them.
                if event.level == LogLevel::Error {
                    return;
                }
            }
            inner.show(&line, false);
        })?;
        if ended.failure.is_some() {
            return Err(AskError::Answered(error_of(&ended)));
        }
        let version = version.lock().clone();
        Ok(version)
    }

    /// Returns the process that serves jobs. Starts it for the first of them.
    fn worker(&self) -> Result<Arc<DbtProcess>, AskError> {
        let mut worker = self.worker.lock();
        if self.cancel.is_set() && worker.is_none() {
            return Err(AskError::Lost(cancel::interrupted()));
        }
        let started =
            worker.get_or_insert_with(|| self.started_worker().map_err(PluginError::from));
        started.clone().map_err(AskError::Answered)
    }

    fn started_worker(&self) -> Result<Arc<DbtProcess>, AskError> {
        let loaded = self.loaded()?;
        let failed = |error: StartError| AskError::Answered(error.into());
        let process = Arc::new((self.start_worker)().map_err(failed)?);
        if let Some(client) = self.client.get() {
            process.listen(Weak::clone(client)).map_err(failed)?;
        }
        let settings = &loaded.project.settings;
        process.command(
            "load",
            &json!({
                "python_models": loaded.request.python_models,
                "gateway": { "socket_dir": loaded.socket_dir },
                "manifest": Path::new(&settings.target_path).join("manifest.json"),
                "settings": settings,
            }),
        )?;
        if let Some(begun) = self.begun.get() {
            process.begin(&begun.request)?;
        }
        Ok(process)
    }

    /// Returns the process if it was started.
    fn running_worker(&self) -> Option<Arc<DbtProcess>> {
        self.worker.lock().as_ref()?.as_ref().ok().map(Arc::clone)
    }

    /// Notes how a node ended that dbt did not run.
    fn ended(&self, result: &NodeResult) {
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

    /// Runs one call of dbt.
    fn call(
        self: &Arc<Self>,
        begin: &mut dyn FnMut() -> (Ids, HashMap<String, NodeStatus>),
        early: &Arc<dyn Fn(NodeResult) + Send + Sync>,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError> {
        let (loaded, schedule) = (self.loaded()?, self.schedule()?);
        let manifest = &loaded.project.manifest;
        let turn = loaded.turns.dbt(|| {
            if let Some(worker) = self.running_worker() {
                // A worker that cannot answer has ended, and its database with it.
                let _ = worker.command("release", &json!({}));
            }
        })?;
        let (batch, before) = begin();
        self.results.lock().file.iter().for_each(RunResults::forget);
        let names: Vec<_> = batch.iter().map(String::as_str).collect();
        self.log(
            LogLevel::Debug,
            "Batch",
            format!("a call of dbt: {}", names.join(", ")),
        );
        let nodes = || {
            batch
                .iter()
                .filter_map(|unique_id| manifest.node(unique_id))
        };
        let selectors = nodes().map(|node| arguments::selector(node, manifest.is_in_project(node)));
        // `build` runs a unit test only ahead of its model.
        let all_unit_tests = nodes().all(|node| node.resource_type() == "unit_test");
        let command = if all_unit_tests {
            "test"
        } else {
            arguments::command_of(&self.request)
        };
        let words = arguments::run(&loaded.of_calls, command, selectors.collect());
        let heard = Arc::new(Mutex::new(HashMap::new()));
        let ended = self.program.call(&words, &Self::folder(), {
            let (inner, early, heard, batch) = (
                Arc::clone(self),
                Arc::clone(early),
                Arc::clone(&heard),
                batch.clone(),
            );
            move |line| {
                // Errors are in the results.
                if !matches!(&line, Line::Event(event) if event.level == LogLevel::Error) {
                    inner.show(&line, true);
                }
                let Line::Event(event) = line else { return };
                let Some(result) = event.result else { return };
                if went_well(result.status) && batch.contains(&result.unique_id) {
                    let mut results = inner.results.lock();
                    results.insert(&result.unique_id, row_of(&result));
                    drop(results);
                    early(result.clone());
                }
                heard.lock().insert(result.unique_id.clone(), result);
            }
        });
        let rows = self
            .results
            .lock()
            .file
            .as_mut()
            .map(RunResults::take)
            .unwrap_or_default();
        drop(turn);
        let ended = ended?;
        if self.cancel.is_set() && rows.is_empty() {
            return Err(cancel::interrupted());
        }
        if let Some(parsed) = &loaded.parsed {
            // dbt has written the manifest anew.
            parsed.keep_again();
        }
        let heard = heard.lock();
        let outcome = Outcome {
            batch: &batch,
            ended: &ended,
            rows: &rows,
            heard: &heard,
            plan: &schedule.plan,
            manifest,
            before: &before,
        };
        let results = outcome.results();
        if let Some(message) = outcome
            .failure_of_none(&results)
            .filter(|_| !self.cancel.is_set())
        {
            let problem = NodeResult {
                message: Some(message),
                ..NodeResult::new("dbt", NodeStatus::Error)
            };
            self.results.lock().problems.push(problem);
        }
        self.keep(&results, &rows);
        self.show_other_errors(&ended, &results);
        Ok(results)
    }

    /// Shows the errors of a call that no result has.
    fn show_other_errors(&self, ended: &Ended, results: &BTreeMap<String, NodeResult>) {
        let problems = self.results.lock().problems.clone();
        let messages: Vec<_> = (results.values().chain(&problems))
            .filter_map(|result| result.message.as_deref())
            .collect();
        for said in ended.errors.iter().filter(|said| said.node.is_none()) {
            if !messages
                .iter()
                .any(|message| message.contains(&said.message))
            {
                self.log(LogLevel::Error, "Generic", said.message.clone());
            }
        }
    }

    /// Keeps the results of a call for run_results.json.
    fn keep(&self, results: &BTreeMap<String, NodeResult>, rows: &IndexMap<String, Row>) {
        let ordered = rows.keys().filter_map(|unique_id| results.get(unique_id));
        let without_row = results
            .values()
            .filter(|result| !rows.contains_key(&result.unique_id));
        for result in ordered.chain(without_row) {
            let row = rows.get(&result.unique_id);
            let row = row
                .filter(|row| row_status(row) == Some(result.status))
                .cloned();
            let mut row = row.unwrap_or_else(|| row_of(result));
            if let Some(message) = &result.message {
                row.insert("message".to_owned(), message.as_str().into());
            }
            self.results.lock().insert(&result.unique_id, row);
        }
    }
}

struct Calls(Weak<Inner>);

impl Caller for Calls {
    fn call(
        &self,
        begin: &mut dyn FnMut() -> (Ids, HashMap<String, NodeStatus>),
        early: &Arc<dyn Fn(NodeResult) + Send + Sync>,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError> {
        let inner = self.0.upgrade().ok_or_else(cancel::interrupted)?;
        inner.call(begin, early)
    }
}

impl Engine for CommandEngine {
    fn is_python(&self) -> bool {
        false
    }

    fn listen(&self, client: Weak<dyn EngineClient>) -> Result<(), StartError> {
        let _ = self.0.client.set(client);
        Ok(())
    }

    fn load(&self, request: &LoadRequest, socket_dir: &Path) -> Result<engine::Project, AskError> {
        let inner = &self.0;
        let settings = Settings::read(&inner.request);
        let parsed = settings
            .as_ref()
            .ok()
            .and_then(|settings| Parsed::look(&inner.request, settings, &inner.program.path));
        let known = parsed.as_ref().and_then(Parsed::current);
        let adapter_version = match &known {
            Some(version) => version.clone(),
            // dbt's own words on wrong settings come first.
            None => inner.parse()?,
        };
        let settings = settings.map_err(AskError::Answered)?;
        let manifest = Manifest::open(&Path::new(&settings.target_path).join("manifest.json"));
        let manifest = manifest.map_err(|error| {
            AskError::Answered(PluginError::new("dbt::manifest", error.to_string()))
        })?;
        if let (None, Some(parsed)) = (&known, &parsed) {
            parsed.keep(&adapter_version);
        }
        let project = Project::new(settings, manifest, request);
        let version = project.manifest.metadata("dbt_version");
        let program = inner.program.path.display();
        let level = if inner.request.execute && !is_dbt_2(version) {
            LogLevel::Info
        } else {
            LogLevel::Debug
        };
        inner.log(
            level,
            "SecondEngine",
            format!(
                "dbt {version} runs as a program, {program}: {}",
                inner.reason
            ),
        );
        let info = SessionInfo {
            adapter_version,
            python: inner.python.display().to_string(),
            engine: Some(format!(
                "the program {program}, by its commands: {}",
                inner.reason
            )),
            args: project.args(&inner.request),
            ..SessionInfo::default()
        };
        let graph = project.graph(info);
        inner.results.lock().file = Some(RunResults::new(
            Path::new(&project.settings.target_path),
            project.run_results_metadata(),
            project.args(&inner.request),
        ));
        let mut of_calls = inner.request.clone();
        if inner.request.execute && !project.stubs.is_empty() && copied::is_needed(version) {
            let stubs = project
                .stubs
                .iter()
                .filter_map(|stub| project.manifest.node(stub));
            let copy = copied::make(&project.settings, &project.manifest, stubs);
            let copy = copy.map_err(|cause| {
                let message = format!("dbt {version} needs a copy of the project below {}, which cannot be made: {cause}", project.settings.target_path);
                let error = PluginError::new("engine::copy", message);
                AskError::Answered(error.with_help("Use dbt 2.0.0-beta.1 or newer, or the option `relation: target_schema` of the stub writer."))
            })?;
            of_calls.project_dir = copy.display().to_string();
            of_calls.profiles_dir = Some(project.settings.profiles_dir.display().to_string());
            of_calls.target_path = Some(project.settings.target_path.clone());
        }
        let loaded = Loaded {
            of_calls,
            turns: Turns::new(project.settings.adapter() != "duckdb"),
            project,
            request: request.clone(),
            socket_dir: socket_dir.to_owned(),
            parsed,
        };
        if inner.loaded.set(loaded).is_err() {
            return Err(order("the project is loaded already"));
        }
        let location = format!("grpc+unix://{}", socket_dir.join("gateway.sock").display());
        Ok(engine::Project { graph, location })
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, AskError> {
        let inner = &self.0;
        let loaded = inner.loaded()?;
        if request.method == "state" && !loaded.project.stubs.is_empty() {
            let message = "`state:` sees changes of what Python models read, not of their code, where dbt runs as a program";
            inner.log(LogLevel::Warn, "StateOfStubs", message.to_owned());
        }
        let found = Arc::new(Mutex::new(Vec::new()));
        let words = arguments::list(&inner.request, &request.method, &request.value);
        let ended = inner.program.call(&words, &Inner::folder(), {
            let found = Arc::clone(&found);
            move |line| {
                let text = match &line {
                    // With JSON logs, what `ls` lists comes as events.
                    Line::Event(event) if matches!(&*event.name, "ListCmdOut" | "PrintEvent") => {
                        &*event.message
                    }
                    Line::Event(_) => return,
                    Line::Text(text) => text,
                };
                found.lock().extend(unique_id(text));
            }
        })?;
        if ended.failure.is_some() {
            return Err(AskError::Answered(PluginError::new(
                "dbt::selector",
                ended.message(),
            )));
        }
        let mut found = std::mem::take(&mut *found.lock());
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), AskError> {
        let inner = &self.0;
        let project = &inner.loaded()?.project;
        if !inner.request.execute {
            return Err(order("this session was opened to look at the graph only"));
        }
        let plan = project.plan(&inner.request, request);
        let needs_python = project.needs_python(&plan, request);
        if needs_python {
            check_adapter(project.settings.adapter())?;
        }
        if !plan.elsewhere.is_empty() {
            inner.warn_of_differences(project);
        }
        let schedule = Schedule::start(plan, Arc::new(Calls(Arc::downgrade(inner))));
        let begun = Begun {
            schedule,
            request: request.clone(),
        };
        if inner.begun.set(begun).is_err() {
            return Err(order("the run has begun already"));
        }
        if needs_python {
            if let Some(client) = inner.client.get().and_then(Weak::upgrade) {
                client.needs_python();
            }
            let inner = Arc::clone(inner);
            // The first node that needs it reports what went wrong.
            thread::spawn(move || drop(inner.worker()));
        }
        Ok(())
    }

    fn run(&self, unique_id: &str) -> Result<NodeResult, AskError> {
        self.0
            .schedule()?
            .result(unique_id)
            .map_err(AskError::Answered)
    }

    fn run_lent(&self, unique_id: &str, taker: Taker<NodeResult>) {
        let message = format!("{unique_id} is a dbt-native Python model, which dbt runs itself where it runs as a program: no runner can");
        let error = PluginError::new("session::lend", message).with_help(
            "Let it run here (runner: local), or make it a script that calls write_to_model.",
        );
        taker(Err(AskError::Answered(error)));
    }

    fn record(&self, result: &NodeResult) -> Result<(), AskError> {
        self.0.ended(result);
        Ok(())
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, AskError> {
        self.0.worker()?.compile(request)
    }

    fn job_open(&self, request: &JobOpen<'_>) -> Result<(), AskError> {
        if request.owner.role.is_none() {
            self.0.schedule()?.reached(request.owner.unique_id);
        }
        self.0.in_turn(request, |worker| worker.job_open(request))
    }

    fn job_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError> {
        self.0
            .after_turn(request, |worker| worker.job_close(request))
    }

    fn unit_test_open(&self, request: &JobOpen<'_>) -> Result<Value, AskError> {
        self.0
            .in_turn(request, |worker| worker.unit_test_open(request))
    }

    fn unit_test_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError> {
        self.0
            .after_turn(request, |worker| worker.unit_test_close(request))
    }

    fn python_job_done(&self, done: &PythonJobDone<'_>) {
        if let Some(worker) = self.0.running_worker() {
            worker.python_job_done(done);
        }
    }

    fn gateway_listen(&self, request: &GatewayListen<'_>) -> Result<u16, AskError> {
        self.0.worker()?.gateway_listen(request)
    }

    fn job_lend(&self, job: &str) -> Result<LentJob, AskError> {
        self.0.worker()?.job_lend(job)
    }

    fn job_settle(&self, job: &str) -> Result<SettledJob, AskError> {
        self.0.worker()?.job_settle(job)
    }

    fn cancel(&self) {
        let inner = &self.0;
        inner.program.cancel();
        if let Some(loaded) = inner.loaded.get() {
            loaded.turns.close();
        }
        let inner = Arc::clone(inner);
        // The worker may be starting, and `cancel` must not block.
        thread::spawn(move || {
            if let Some(worker) = inner.running_worker() {
                worker.cancel();
            }
        });
    }

    fn finish(
        &self,
        request: &CloseRequest,
        deadline: Option<Instant>,
    ) -> Option<Result<CloseResponse, AskError>> {
        let inner = &self.0;
        let (Some(loaded), Some(begun)) = (inner.loaded.get(), inner.begun.get()) else {
            return Some(Ok(CloseResponse::default()));
        };
        begun.schedule.close(deadline);
        for unique_id in inner.jobs.lock().values() {
            // A job that never reports a result was interrupted.
            let message = Some(cancel::interrupted().message);
            let result = NodeResult::new(unique_id, NodeStatus::Error);
            inner.ended(&NodeResult { message, ..result });
        }
        if let Some(worker) = inner.running_worker() {
            // The results are here: all that can be lost is the time until the process is killed.
            let _ = worker.finish(request, deadline);
        }
        let mut failed = begun.schedule.retracted();
        let results = inner.results.lock();
        failed.extend(results.problems.iter().cloned());
        let file = results.file.as_ref();
        failed.extend(file.into_iter().flat_map(RunResults::failed_hooks));
        // Scripts without nodes leave the results of the last run.
        let is_of_scripts = begun.request.selected.is_empty() && !begun.request.scripts.is_empty();
        if is_of_scripts || inner.request.command == arguments::OF_LAST_RUN {
            return Some(Ok(CloseResponse {
                artifacts_written: true,
                failed_hooks: failed,
            }));
        }
        let invocation_id = loaded.project.manifest.metadata("invocation_id");
        let written = file.map(|file| file.write(results.rows.values(), invocation_id));
        if let Some(Err(cause)) = &written {
            let message = format!("run_results.json cannot be written: {cause}");
            return Some(Err(AskError::Answered(PluginError::new(
                "dbt::artifacts",
                message,
            ))));
        }
        Some(Ok(CloseResponse {
            artifacts_written: written.is_some(),
            failed_hooks: failed,
        }))
    }

    fn hang_up(&self) {
        if let Some(worker) = self.0.running_worker() {
            worker.hang_up();
        }
    }

    fn end_by(&self, deadline: Instant) {
        self.0.program.end_by(deadline);
        if let Some(begun) = self.0.begun.get() {
            begun.schedule.close(Some(deadline));
        }
        if let Some(worker) = self.0.running_worker() {
            worker.end_by(deadline);
        }
    }
}

impl Inner {
    /// Opens a job in the turn of jobs.
    fn in_turn<R>(
        &self,
        request: &JobOpen<'_>,
        open: impl FnOnce(&DbtProcess) -> Result<R, AskError>,
    ) -> Result<R, AskError> {
        let worker = self.worker()?;
        self.send_results(&worker)?;
        let turns = &self.loaded()?.turns;
        turns.enter(request.job).map_err(AskError::Answered)?;
        let owner = &request.owner;
        if owner.role.is_none() {
            let unique_id = owner.unique_id.to_owned();
            self.jobs.lock().insert(request.job.to_owned(), unique_id);
        }
        open(&worker).inspect_err(|_| self.leave(request.job))
    }

    /// Sends the results that the worker has not heard of: scripts may ask for them.
    fn send_results(&self, worker: &DbtProcess) -> Result<(), AskError> {
        let unsent: Vec<Row> = {
            let mut results = self.results.lock();
            let unsent = std::mem::take(&mut results.unsent);
            unsent
                .iter()
                .filter_map(|node| results.rows.get(node).cloned())
                .collect()
        };
        unsent
            .iter()
            .try_for_each(|row| worker.command("record", row))
    }

    /// Closes a job, and ends its turn.
    fn after_turn(
        &self,
        request: &JobClose<'_>,
        close: impl FnOnce(&DbtProcess) -> Result<NodeResult, AskError>,
    ) -> Result<NodeResult, AskError> {
        let result = self.worker().and_then(|worker| close(&worker));
        self.leave(request.job);
        if let Ok(result) = &result {
            self.ended(result);
        }
        result
    }

    fn leave(&self, job: &str) {
        self.jobs.lock().remove(job);
        if let Some(loaded) = self.loaded.get() {
            loaded.turns.leave(job);
        }
    }

    /// Warns of what differs from what the user may expect, with Python models among the nodes.
    fn warn_of_differences(&self, project: &Project) {
        let has_hooks = project
            .manifest
            .members()
            .any(|node| node.resource_type() == "operation");
        if has_hooks {
            let message = "on-run-start and on-run-end run in every call of dbt, of which there may be several";
            self.log(LogLevel::Warn, "HooksRunAgain", message.to_owned());
        }
        let has = |word: &str| self.request.dbt_args.iter().any(|given| given == word);
        if has("--defer") && !has("--no-defer") {
            let message = "--defer counts for SQL: Python models read the tables of this target";
            self.log(LogLevel::Warn, "NotDeferred", message.to_owned());
        }
    }
}

fn check_adapter(adapter: &str) -> Result<(), AskError> {
    if WITH_PYTHON.contains(&adapter) {
        return Ok(());
    }
    let known = WITH_PYTHON.join(" and ");
    let message = format!("where dbt runs as a program, Python models work on {known}; the profile's type is {adapter}");
    let error = PluginError::new("engine::unsupported", message).with_help(
        "Use dbt-core 1.8 to 1.12 with the warehouse's adapter in the Python of --python.",
    );
    Err(AskError::Answered(error))
}

fn order(message: &str) -> AskError {
    AskError::Answered(PluginError::new("session::order", message))
}

fn unique_id(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("unique_id")?.as_str().map(str::to_owned)
}

/// Returns dbt's error with the code that its words mean.
fn error_of(ended: &Ended) -> PluginError {
    let message = ended.message();
    let kinds = ended.errors.iter().filter_map(|said| said.kind.as_deref());
    let words: Vec<_> = kinds.chain([message.as_str()]).collect();
    let codes = [
        ("Could not find profile", "dbt::profile"),
        ("Credentials in profile", "dbt::profile"),
        ("Profile", "dbt::profile"),
        ("Found a cycle", "dbt::cycle"),
        ("Cycl", "dbt::cycle"),
        ("Parsing Error", "dbt::parse"),
        ("Yaml", "dbt::parse"),
        ("Syntax", "dbt::parse"),
        ("Jinja", "dbt::compile"),
        ("Compilation Error", "dbt::compile"),
        ("DbDriver", "dbt::database"),
        ("Database Error", "dbt::database"),
    ];
    let code = codes
        .iter()
        .find(|(said, _)| words.iter().any(|words| words.contains(said)));
    PluginError::new(code.map_or("dbt::error", |(_, code)| code), message)
}
