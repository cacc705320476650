//! The engine over the `dbt` program.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, Weak},
    thread,
    time::Instant,
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Lineage,
        LoadRequest, LogLevel, NodeResult, OpenRequest, SelectRequest, SessionInfo,
    },
    PluginError,
};
use parking_lot::Mutex;
use serde_json::Value;

use super::{
    arguments,
    call::{Line, Program},
    calls::Calls,
    checks,
    manifest::{self, Manifest},
    parsed::{write_kept, Parsed},
    project::{is_dbt_2, Project},
    run_results::RunResults,
    schedule::{Caller, Schedule},
    settings::Settings,
    state::{order, Begun, Inner, Loaded, StartWorker},
    turns::Turns,
};
use crate::{
    cancel::Cancel,
    engine::{
        self, Engine, EngineClient, GatewayListen, JobClose, JobOpen, LentJob, PythonJobDone,
        SettledJob, Taker,
    },
    error::{AskError, StartError},
    result,
};

/// Adapters with a way to read and write that needs nothing of dbt.
const WITH_PYTHON: &[&str] = &["duckdb", "postgres"];

/// Runs dbt by its commands.
pub(crate) struct CommandEngine(Arc<Inner>);

impl CommandEngine {
    /// `python` is the interpreter of the user's models, and `reason` says why dbt is not driven
    /// from the inside.
    pub(crate) fn new(
        mut request: OpenRequest,
        program: PathBuf,
        reason: String,
        python: PathBuf,
        start_worker: StartWorker,
        cancel: Cancel,
    ) -> Self {
        // The engine reads what calls log, and chooses the level.
        request.dbt_args = arguments::without_value(&request.dbt_args, "--log-level");
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
        let parsed = settings.as_ref().ok().and_then(|settings| {
            Parsed::look(&inner.request, settings, &inner.program.path, request)
        });
        let cached = || {
            let parsed = parsed.as_ref()?;
            let version = parsed.current()?;
            // A call that died may have left half a manifest.
            let kept = settings.as_ref().ok()?.kept_manifest();
            Some((version, Manifest::open(&kept).ok()?))
        };
        let (adapter_version, manifest) = match cached() {
            Some(known) => known,
            None => {
                // dbt's own words on wrong settings come first.
                let version = inner.parse()?;
                let settings = settings.as_ref();
                let settings = settings.map_err(|error| AskError::Answered(error.clone()))?;
                let failed = |error: &dyn std::error::Error| {
                    AskError::Answered(PluginError::new("dbt::manifest", error.to_string()))
                };
                let read = Manifest::read(&settings.manifest());
                let (manifest, bytes) = read.map_err(|error| failed(&error))?;
                write_kept(&settings.kept_manifest(), &bytes).map_err(|error| failed(&error))?;
                parsed
                    .iter()
                    .for_each(|parsed| parsed.write_record(&version));
                (version, manifest)
            }
        };
        let settings = settings.map_err(AskError::Answered)?;
        let mut project = Project::new(settings, manifest, request);
        if inner.request.show_limit.is_some() {
            // dbt would write what its own Python models return.
            project.dbt_runs_python = false;
        }
        let version = project.manifest.metadata("dbt_version");
        let runs = inner.request.execute || inner.request.command == checks::COMMAND;
        if runs && is_dbt_2(version) {
            checks::of_address(&project.settings)?;
        }
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
        let mut facts = vec![format!(
            "the program {program}, by its commands: {}",
            inner.reason
        )];
        if inner.request.command == checks::COMMAND && is_dbt_2(version) {
            let (settings, request) = (&project.settings, &inner.request);
            let found = checks::of_warehouse(&inner.program, request, settings, &inner.python)?;
            facts.extend(found);
        }
        let info = SessionInfo {
            adapter_version: adapter_version.clone(),
            python: inner.python.display().to_string(),
            engine: Some(facts.join("\n")),
            args: project.args(&inner.request),
            ..SessionInfo::default()
        };
        let graph = project.graph(info);
        inner.results.lock().file = Some(RunResults::new(
            Path::new(&project.settings.target_path),
            project.run_results_metadata(),
            project.args(&inner.request),
        ));
        let loaded = Loaded {
            adapter_version,
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
        inner.loaded()?;
        let found = Arc::new(Mutex::new(Vec::new()));
        let words = arguments::list(&inner.request, &request.method, &request.value);
        let ended = inner.program.call(&words, {
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
            inner.warn_of_differences();
        }
        let of_calls = inner.of_calls(project, &plan, request)?;
        inner.start_hooks(project, &of_calls, &plan, request)?;
        let caller: Arc<dyn Caller> = Arc::new(Calls(Arc::downgrade(inner)));
        let calls = project.calls_at_a_time(&plan);
        let schedule = Schedule::start(plan, calls, project.settings.threads(), &caller);
        let begun = Begun {
            schedule,
            request: request.clone(),
            of_calls,
        };
        if inner.begun.set(begun).is_err() {
            return Err(order("the run has begun already"));
        }
        if needs_python {
            if let Some(client) = inner.client.get().and_then(Weak::upgrade) {
                client.needs_python();
            }
            if project.may_be_refused(request) {
                // Before any node runs. The worker reads the configuration of its models.
                drop(inner.worker()?);
                return Ok(());
            }
            let inner = Arc::clone(inner);
            // The first node that needs it reports what went wrong.
            thread::spawn(move || drop(inner.worker()));
        }
        Ok(())
    }

    fn run(&self, unique_id: &str) -> Result<NodeResult, AskError> {
        if self.0.runs_as_job(unique_id)? {
            return self.0.run_native(unique_id);
        }
        self.0
            .schedule()?
            .result(unique_id)
            .map_err(AskError::Answered)
    }

    fn run_lent(&self, unique_id: &str, taker: Taker<NodeResult>) {
        if self.0.runs_as_job(unique_id).is_ok_and(|as_job| as_job) {
            let (inner, unique_id) = (Arc::clone(&self.0), unique_id.to_owned());
            thread::spawn(move || taker(inner.run_native(&unique_id)));
            return;
        }
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

    fn lineage(&self) -> Result<Lineage, AskError> {
        let loaded = self.0.loaded()?;
        let columns = manifest::columns(&loaded.project.settings.kept_manifest());
        Ok(Lineage {
            connection: loaded.project.settings.place(),
            columns: columns.map_err(|error| {
                AskError::Answered(PluginError::new("dbt::manifest", error.to_string()))
            })?,
        })
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
        let opened = self
            .0
            .in_turn(request, |worker| worker.unit_test_open(request));
        opened.inspect_err(|error| {
            // A test that does not start has no job whose end would be noted.
            if let AskError::Answered(error) = error {
                let unique_id = request.owner.unique_id;
                self.0.ended(&result::failure(unique_id, &error.message));
            }
        })
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
            inner.ended(&result::interrupted(unique_id));
        }
        if deadline.is_none() && !request.interrupted && !inner.cancel.is_set() {
            if let Err(error) = inner.end_hooks(&loaded.project, &begun.of_calls) {
                return Some(Err(error));
            }
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
        // Scripts without nodes, and `show`, leave the results of the last run.
        let is_of_scripts = begun.request.selected.is_empty() && !begun.request.scripts.is_empty();
        let is_of_last_run = inner.request.command == arguments::OF_LAST_RUN;
        if is_of_scripts || is_of_last_run || inner.request.show_limit.is_some() {
            return Some(Ok(CloseResponse {
                artifacts_written: true,
                failed_hooks: failed,
            }));
        }
        let invocation_id = loaded.project.manifest.metadata("invocation_id");
        let host_args = &inner.request.host_args;
        let written = file.map(|file| file.write(results.rows.values(), invocation_id, host_args));
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
    /// Warns of what differs from what the user may expect, with Python models among the nodes.
    fn warn_of_differences(&self) {
        let has = |word: &str| self.request.dbt_args.iter().any(|given| given == word);
        if has("--defer") && !has("--no-defer") {
            let message = "with --defer SQL models read the tables of Python models in this target";
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

fn unique_id(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("unique_id")?.as_str().map(str::to_owned)
}
