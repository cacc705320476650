//! The engine that runs dbt from the inside: the dbt session process.

use std::{
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Weak,
    },
    thread,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Event, Lineage,
        LoadRequest, LogLevel, NodeResult, SelectRequest, Stream,
    },
    PluginError,
};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::{json, Value};

use crate::{
    cancel::{self, Cancel},
    channel::{Channel, Listener},
    engine::{
        Engine, EngineClient, GatewayListen, JobClose, JobOpen, LentJob, NativeJob, Project,
        PythonJobDone, SettledJob, Taker,
    },
    error::{AskError, StartError, SESSION_DIED},
    process::{Launch, Process},
};

/// How long a request may take once the run was cancelled.
const AFTER_CANCEL: Duration = Duration::from_millis(300);
/// How long the session may take to end its queries after a cancellation.
const QUERIES: Duration = Duration::from_millis(700);

/// The dbt session process.
pub(crate) struct DbtProcess {
    process: Arc<Process>,
    channel: Arc<Channel>,
    cancel: Cancel,
    /// Whether the process may end by now.
    is_over: Arc<AtomicBool>,
}

impl DbtProcess {
    /// Starts the session process. Its messages are not read before [`listen`](Engine::listen).
    pub(crate) fn start(launch: Launch<'_>, cancel: Cancel) -> Result<Self, StartError> {
        let (process, channel) = Process::start(launch)?;
        Ok(Self {
            process,
            channel,
            cancel,
            is_over: Arc::default(),
        })
    }

    /// Sends a request and waits for the answer. After a cancellation it waits for `AFTER_CANCEL`
    /// only.
    pub(crate) fn ask<R: DeserializeOwned>(
        &self,
        op: &'static str,
        body: &impl Serialize,
    ) -> Result<R, AskError> {
        let pending = self.channel.send(op, body);
        if self.cancel.is_set() {
            let late = || Err(AskError::Lost(cancel::interrupted()));
            return pending
                .wait_until(Instant::now() + AFTER_CANCEL)
                .unwrap_or_else(late);
        }
        pending.wait()
    }

    /// Sends a request whose answer holds nothing of interest.
    pub(crate) fn command(&self, op: &'static str, body: &impl Serialize) -> Result<(), AskError> {
        self.ask::<Value>(op, body).map(drop)
    }
}

#[derive(Serialize)]
struct Load<'a> {
    #[serde(flatten)]
    request: &'a LoadRequest,
    gateway: Value,
}

/// The part of the answer to `load` that the host does not get.
#[derive(Deserialize)]
struct WithGateway {
    gateway: Option<Gateway>,
}

#[derive(Deserialize)]
struct Gateway {
    location: String,
}

#[derive(Deserialize)]
struct Selected {
    unique_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

impl Engine for DbtProcess {
    fn is_python(&self) -> bool {
        true
    }

    fn listen(&self, client: Weak<dyn EngineClient>) -> Result<(), StartError> {
        let process = Arc::clone(&self.process);
        let is_over = Arc::clone(&self.is_over);
        self.channel.listen(Incoming {
            client,
            process,
            is_over,
        })
    }

    fn load(&self, request: &LoadRequest, socket_dir: &Path) -> Result<Project, AskError> {
        let gateway = json!({ "socket_dir": socket_dir });
        let load = Load { request, gateway };
        let reply = self.channel.send("load", &load).reply()?;
        let graph = reply.read()?;
        let WithGateway { gateway } = reply.read()?;
        let location = gateway.map(|gateway| gateway.location).unwrap_or_default();
        Ok(Project { graph, location })
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, AskError> {
        self.ask("select", request)
            .map(|selected: Selected| selected.unique_ids)
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), AskError> {
        self.command("begin", request)
    }

    fn run(&self, unique_id: &str) -> Result<NodeResult, AskError> {
        self.ask("run", &json!({ "unique_id": unique_id }))
    }

    fn run_lent(&self, unique_id: &str, taker: Taker<NodeResult>) {
        let body = json!({ "unique_id": unique_id, "lend": true });
        self.channel.send_then("run", &body, |outcome| {
            let reply = outcome.map_err(AskError::Lost);
            taker(reply.and_then(|reply| reply.read()));
        });
    }

    fn record(&self, result: &NodeResult) -> Result<(), AskError> {
        self.command("record", result)
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, AskError> {
        self.ask("compile", request)
    }

    fn lineage(&self) -> Result<Lineage, AskError> {
        self.ask("lineage", &json!({}))
    }

    fn job_open(&self, request: &JobOpen<'_>) -> Result<(), AskError> {
        self.command("job_open", request)
    }

    fn job_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError> {
        self.ask("job_close", request)
    }

    fn unit_test_open(&self, request: &JobOpen<'_>) -> Result<Value, AskError> {
        self.ask("unit_test_open", request)
    }

    fn unit_test_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError> {
        self.ask("unit_test_close", request)
    }

    fn python_job_done(&self, done: &PythonJobDone<'_>) {
        drop(self.channel.send("python_job_done", done));
    }

    fn gateway_listen(&self, request: &GatewayListen<'_>) -> Result<u16, AskError> {
        self.ask("gateway_listen", request)
            .map(|listening: Listening| listening.port)
    }

    fn job_lend(&self, job: &str) -> Result<LentJob, AskError> {
        self.ask("job_lend", &json!({ "job": job }))
    }

    fn job_settle(&self, job: &str) -> Result<SettledJob, AskError> {
        self.ask("job_settle", &json!({ "job": job }))
    }

    fn cancel(&self) {
        let channel = Arc::clone(&self.channel);
        // Send from another thread: the session may be too busy to read, and `cancel` must not
        // block.
        thread::spawn(move || drop(channel.send("cancel", &json!({}))));
        let channel = Arc::clone(&self.channel);
        thread::spawn(move || {
            thread::sleep(QUERIES);
            channel.give_up(|op| op != "finish", &cancel::interrupted());
            thread::sleep(cancel::ALL - QUERIES);
            channel.give_up(|_| true, &cancel::interrupted());
        });
    }

    fn finish(
        &self,
        request: &CloseRequest,
        deadline: Option<Instant>,
    ) -> Option<Result<CloseResponse, AskError>> {
        let pending = self.channel.send("finish", request);
        match deadline {
            Some(deadline) => pending.wait_until(deadline),
            None => Some(pending.wait()),
        }
    }

    fn hang_up(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.channel.hang_up();
    }

    fn end_by(&self, deadline: Instant) {
        self.process.end_by(deadline);
    }
}

impl Drop for DbtProcess {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Handles the session's events. It holds no strong reference to the run, since dropping the run
/// ends the session.
struct Incoming {
    client: Weak<dyn EngineClient>,
    process: Arc<Process>,
    is_over: Arc<AtomicBool>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum SessionEvent {
    Log {
        level: LogLevel,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        unique_id: Option<String>,
        message: String,
    },
    Output {
        unique_id: String,
        lines: Vec<(Stream, String)>,
    },
    PythonJob(NativeJob),
    #[serde(other)]
    Other,
}

impl Listener for Incoming {
    fn event(&mut self, line: &[u8]) {
        let Some(client) = self.client.upgrade() else {
            return;
        };
        match serde_json::from_slice(line) {
            Ok(SessionEvent::Log {
                level,
                name,
                unique_id,
                message,
            }) => client.event(Event::Log {
                level,
                name,
                unique_id,
                message,
            }),
            Ok(SessionEvent::Output { unique_id, lines }) => {
                for (stream, line) in lines {
                    client.event(Event::Output {
                        unique_id: unique_id.clone(),
                        stream,
                        line,
                    });
                }
            }
            Ok(SessionEvent::PythonJob(job)) => client.python_job(job),
            Ok(SessionEvent::Other) => {}
            Err(_) => self.malformed(&String::from_utf8_lossy(line)),
        }
    }

    fn malformed(&mut self, line: &str) {
        if let Some(client) = self.client.upgrade() {
            client.warn(format!("the dbt session sent an invalid message: {line}"));
        }
    }

    fn ended(&mut self) -> PluginError {
        let error = PluginError::new(SESSION_DIED, self.process.describe_end());
        let client = self.client.upgrade();
        if let Some(client) = client.filter(|_| !self.is_over.load(Ordering::SeqCst)) {
            client.died(&error);
        }
        error
    }
}
