//! The execution backend, which opens sessions.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_plugin::{
    payload::{Capabilities, OpenRequest},
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use serde_json::Value;

use crate::{
    assets, cancel::Cancel, config::Config, dbt::DbtProcess, error, lease::Leases, process::Launch,
    python::PythonProcesses, run::Run, run_dir::RunDir, session::DbtSession,
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

    fn session_launch<'a>(
        &self,
        python: &'a Path,
        home: &'a Path,
        open: OsString,
        events: &Arc<dyn EventSink>,
    ) -> Launch<'a> {
        Launch {
            title: "the dbt session",
            module: "fal_worker.engine",
            python,
            home,
            variables: [("FAL_OPEN", open)]
                .into_iter()
                .chain(self.config.variables())
                .collect(),
            events: Arc::clone(events),
        }
    }

    fn start(&self, request: OpenRequest, events: Arc<dyn EventSink>) -> Result<Run, PluginError> {
        let named = request.python.as_deref().map(Path::new);
        let python = fal_environments::find_interpreter(named, Path::new(&request.project_dir))?;
        let home = self.home(&request)?;
        let run_dir = RunDir::create()?;
        let open = run_dir.write_open(&request)?;
        let launch = self.session_launch(&python, &home, open.into(), &events);
        let cancel = Cancel::default();
        let engine = Box::new(DbtProcess::start(launch, cancel.clone())?);
        let jobs = PythonProcesses::new(&request, &python, &home, run_dir.job_socket(), &events)?;
        let access = self
            .config
            .gateway
            .access()
            .map_err(|message| PluginError::new(error::CONFIG, message))?;
        let leases = Leases::new(access, self.config.bundle.clone());
        Ok(Run::new(
            request, engine, jobs, run_dir, leases, events, cancel,
        ))
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

    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        let run = Arc::new(self.start(request, events)?);
        let session = DbtSession::new(Arc::clone(&run), self.config.preload.clone())?;
        if run.request.execute {
            // Start the engine first, since it takes longest. The zygote imports its libraries
            // meanwhile, on another core.
            run.python.warm_up()?;
        }
        Ok(Box::new(session))
    }
}
