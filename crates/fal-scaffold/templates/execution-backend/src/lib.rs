//! A runner for fal-host: it runs Python models on other machines than dbt's.
//!
//! fal-host and its dbt backend own the data. For each model that is routed to this runner they
//! provide a *lease*: a Python program in one file that reads and writes through the data gateway
//! and sends the model's output there. A runner only has to run that file with a Python that has
//! `pyarrow`, on any machine. This one starts a Python on this machine: change
//! [`Session::command`] to make it yours.

mod process;

use std::{
    path::Path,
    process::Command,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
};

use fal_plugin::{
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CompileRequest, CompileResponse,
        Event, LoadRequest, LogLevel, NodeRequest, NodeResult, NodeStatus, OpenRequest, RunGraph,
        SelectRequest,
    },
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use process::Ended;
use serde_json::{json, Value};

/// The stage, with its options.
pub struct Runner {
    python: Option<String>,
}

impl Runner {
    /// Reads the options: the mapping in `fal_project.yml` under `plugins: config: my-plugin:`, or
    /// `null`. fal-host has checked them against [`config_schema`].
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        Ok(Self {
            python: config["python"].as_str().map(str::to_owned),
        })
    }

    /// Returns the Python that the options name, or else the one that runs dbt here, which has
    /// pyarrow.
    fn python(&self, request: &OpenRequest) -> String {
        let venv = Path::new(&request.project_dir).join(".venv/bin/python");
        let venv = venv.is_file().then(|| venv.display().to_string());
        let named = request
            .python
            .clone()
            .or_else(|| std::env::var("FAL_HOST_PYTHON").ok());
        let here = named.or(venv);
        self.python
            .clone()
            .or(here)
            .unwrap_or_else(|| "python3".to_owned())
    }
}

/// Returns the JSON schema of the options.
pub fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "python": {
                "description": "Python that runs the models: one with pyarrow and what they import",
                "type": "string",
                "minLength": 1
            }
        },
        "additionalProperties": false
    })
}

impl ExecutionBackend for Runner {
    fn capabilities(&self) -> Capabilities {
        // `sql: false` makes it a runner: it gets a lease with every node, and never SQL. It runs
        // up to four models at once, in addition to dbt's threads.
        Capabilities {
            python: true,
            sql: false,
            concurrency: Some(4),
            ..Capabilities::default()
        }
    }

    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        Ok(Box::new(Session {
            python: self.python(&request),
            events,
            ended: AtomicBool::new(false),
        }))
    }
}

struct Session {
    python: String,
    events: Arc<dyn EventSink>,
    /// Whether the session is cancelled or closed. Running nodes end then, and no new ones start.
    ended: AtomicBool,
}

impl Session {
    /// Returns the command that runs a lease's script. The script holds a secret: pass on the file
    /// or its content, and put neither the content nor the token on a command line, where every
    /// user of the machine could read it.
    fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(script);
        command
    }
}

impl ExecutionSession for Session {
    /// A runner has no nodes.
    fn load(&self, _request: &LoadRequest) -> Result<RunGraph, PluginError> {
        Ok(RunGraph::default())
    }

    /// Called before the first node. This is the place to start machines.
    fn begin(&self, _request: &BeginRequest) -> Result<(), PluginError> {
        Ok(())
    }

    /// Called from many threads at once, one per node. Returns when the node has ended.
    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(PluginError::new("runner::ended", "the session has ended"));
        }
        let lease = request.lease.as_ref();
        let lease = lease.ok_or_else(|| {
            PluginError::new("runner::lease", "a runner needs a lease with every node")
        })?;
        // The model's output goes to fal-host through the gateway. The runner passes on what the
        // command itself prints.
        let tell = |line: &str| {
            let unique_id = Some(request.unique_id.clone());
            self.events.emit(Event::Log {
                level: LogLevel::Info,
                name: None,
                unique_id,
                message: line.to_owned(),
            });
        };
        let ended = process::run(self.command(Path::new(&lease.script)), &self.ended, &tell)
            // An `Err` means that the runner is broken: this node fails, and the command ends
            // with exit code 2.
            .map_err(|error| {
                PluginError::new(
                    "runner::start",
                    format!("cannot start {}: {error}", self.python),
                )
            })?;
        Ok(result(&request.unique_id, ended))
    }

    /// Called from another thread, while `run_node` waits: see `process::run`.
    fn cancel(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    fn close(&self, _request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        self.cancel();
        Ok(CloseResponse::default())
    }

    // The methods below are called only on the backend that owns the project, never on a runner.

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        Err(PluginError::new(
            "runner::select",
            format!("a runner does not know the selection `{}`", request.method),
        ))
    }

    fn record(&self, _result: &NodeResult) -> Result<(), PluginError> {
        Ok(())
    }

    fn compile(&self, _request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        Err(PluginError::new(
            "runner::compile",
            "a runner compiles no SQL",
        ))
    }
}

/// Turns the script's exit code into a result. The codes are part of the interface. If the model
/// failed, the gateway knows why, and its message takes precedence.
fn result(unique_id: &str, ended: Ended) -> NodeResult {
    let (status, message) = match ended {
        Ended::Code { code: 0, .. } => (NodeStatus::Success, None),
        Ended::Code { code: 1, .. } => (NodeStatus::Error, Some("the model failed".to_owned())),
        Ended::Code { code: 3, last } => (
            NodeStatus::Error,
            Some(format!("the model could not work: {last}")),
        ),
        Ended::Code { code, last } => (
            NodeStatus::Error,
            Some(format!("its process ended with code {code}: {last}")),
        ),
        Ended::Cancelled => (NodeStatus::Error, Some("the run was cancelled".to_owned())),
    };
    NodeResult {
        message,
        ..NodeResult::new(unique_id, status)
    } // fal-host measures the time
}

fal_plugin::export_plugin! {
    description: "Runs Python models on our machines",
    config_schema: config_schema,
    execution_backend: Runner::new,
}
