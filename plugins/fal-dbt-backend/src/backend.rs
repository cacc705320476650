//! The execution backend, which opens sessions.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_plugin::{
    payload::{Capabilities, CommandLine, CommandRequest, OpenRequest},
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use serde_json::Value;

use crate::{
    assets,
    cancel::Cancel,
    command_line,
    commands::{self, Choice, CommandEngine},
    config::Config,
    dbt::DbtProcess,
    engine::Engine,
    error::{self, StartError},
    lease::Leases,
    process::Launch,
    python::PythonProcesses,
    run::{OtherEngine, Run},
    run_dir::RunDir,
    session::DbtSession,
};

/// Runs dbt's nodes in a dbt session and each Python model in a separate process.
#[derive(Clone, Debug, Default)]
pub struct DbtBackend {
    config: Config,
    worker: Option<PathBuf>,
}

impl DbtBackend {
    /// Creates a backend from the plugin's configuration in `fal_project.yml`; `null` means all
    /// defaults.
    ///
    /// # Errors
    /// If the configuration is not what [`Config`] says.
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        Ok(Self {
            config: Config::read(config)?,
            worker: None,
        })
    }

    /// JSON schema of the configuration.
    pub fn config_schema() -> Value {
        schemars::schema_for!(Config).to_value()
    }

    /// Uses the package `fal_worker` in this folder instead of the embedded one: for tests, and for
    /// developing the worker.
    #[must_use]
    pub fn with_worker(mut self, folder: impl Into<PathBuf>) -> Self {
        self.worker = Some(folder.into());
        self
    }

    fn home(&self, request: &OpenRequest) -> Result<PathBuf, PluginError> {
        match &self.worker {
            Some(folder) => Ok(folder.clone()),
            None => Ok(assets::unpack(Path::new(&request.state_dir))?),
        }
    }

    fn start(&self, request: OpenRequest, events: Arc<dyn EventSink>) -> Result<Run, PluginError> {
        let named = request.python.as_deref().map(Path::new);
        let python = fal_environments::find_interpreter(named, Path::new(&request.project_dir))?;
        let choice = commands::choose(&self.config, &python)?;
        let home = self.home(&request)?;
        let run_dir = RunDir::create()?;
        let cancel = Cancel::default();
        let launcher = Launcher {
            python: python.clone(),
            home: home.clone(),
            open: run_dir.write_open(&request)?,
            events: Arc::clone(&events),
            cancel: cancel.clone(),
        };
        let engines: (Arc<dyn Engine>, OtherEngine) = match choice {
            Choice::Commands { program, reason } => {
                let engine = launcher.program(&request, program, reason);
                (Arc::new(engine), Box::new(|_| None))
            }
            Choice::Inside => (Arc::new(launcher.session()?), Box::new(|_| None)),
            Choice::InsideIfPossible => {
                let engine = Arc::new(launcher.session()?);
                let (config, request) = (self.config.clone(), request.clone());
                let other = move |error: &PluginError| -> Option<Arc<dyn Engine>> {
                    let is_other = commands::asks_for_commands(error);
                    let program =
                        is_other.then(|| commands::find_program(&config, &launcher.python));
                    let program = program?.ok()??;
                    let reason = error.message.clone();
                    Some(Arc::new(launcher.program(&request, program, reason)))
                };
                (engine, Box::new(other))
            }
        };
        let jobs = PythonProcesses::new(&request, &python, &home, run_dir.job_socket(), &events)?;
        let access = self
            .config
            .gateway
            .access()
            .map_err(|message| PluginError::new(error::CONFIG, message))?;
        let leases = Leases::new(access, self.config.bundle.clone());
        Ok(Run::new(
            request, engines, jobs, run_dir, leases, events, cancel,
        ))
    }
}

/// Starts the engines of a run.
#[derive(Clone)]
struct Launcher {
    python: PathBuf,
    home: PathBuf,
    /// The file with the request.
    open: PathBuf,
    events: Arc<dyn EventSink>,
    cancel: Cancel,
}

impl Launcher {
    /// Starts dbt in a session process.
    fn session(&self) -> Result<DbtProcess, StartError> {
        self.start("the dbt session", "fal_worker.engine")
    }

    /// Returns the engine over the `dbt` program.
    fn program(&self, request: &OpenRequest, program: PathBuf, reason: String) -> CommandEngine {
        let launcher = self.clone();
        let start = move || launcher.start("the data gateway", "fal_worker.engine.manifest");
        let python = self.python.clone();
        CommandEngine::new(
            request.clone(),
            program,
            reason,
            python,
            Box::new(start),
            self.cancel.clone(),
        )
    }

    fn start(&self, title: &'static str, module: &'static str) -> Result<DbtProcess, StartError> {
        let launch = Launch {
            title,
            module,
            python: &self.python,
            home: &self.home,
            variables: vec![("FAL_OPEN", self.open.clone().into())],
            events: Arc::clone(&self.events),
        };
        DbtProcess::start(launch, self.cancel.clone())
    }
}

impl ExecutionBackend for DbtBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sql: true,
            python: true,
            unit_tests: true,
            lends: true,
            ..Capabilities::default()
        }
    }

    fn command(&self, request: &CommandRequest) -> Result<CommandLine, PluginError> {
        let open = &request.open;
        let named = open.python.as_deref().map(Path::new);
        let python = fal_environments::find_interpreter(named, Path::new(&open.project_dir))?;
        command_line::of(request, &self.config, &python, || self.home(open))
    }

    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        let run = Arc::new(self.start(request, events)?);
        let session = DbtSession::new(run, self.config.preload.clone())?;
        Ok(Box::new(session))
    }
}
