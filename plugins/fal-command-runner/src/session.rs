//! A session of the runner, which runs the nodes of one command.

use std::{
    path::PathBuf,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, LoadRequest,
        NodeRequest, NodeResult, NodeStatus, RunGraph, SelectRequest, SessionInfo,
    },
    EventSink, ExecutionSession, PluginError,
};

use crate::{
    error,
    node::{self, Outcome},
    settings::Settings,
    shared::Shared,
};

/// How long `close` waits for running nodes to end.
const CLOSING: Duration = Duration::from_millis(1500);

/// A running session of the command runner.
pub(crate) struct CommandSession {
    settings: Arc<Settings>,
    python: String,
    shared: Shared,
    running: AtomicUsize,
    closed: AtomicBool,
}

impl CommandSession {
    pub(crate) fn new(
        settings: Arc<Settings>,
        project_dir: PathBuf,
        python: String,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, PluginError> {
        let shared = Shared::new(project_dir, events)?;
        let (running, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Self {
            settings,
            python,
            shared,
            running,
            closed,
        })
    }

    fn check_open(&self) -> Result<(), PluginError> {
        let closed = self.closed.load(Ordering::Acquire);
        if closed {
            Err(PluginError::new(
                error::CLOSED,
                "the session of the command runner is closed",
            ))
        } else {
            Ok(())
        }
    }

    /// Ends all running nodes and the processes that earlier commands left behind.
    fn end(&self) {
        self.closed.store(true, Ordering::Release);
        self.shared.stop.raise();
        let until = Instant::now() + CLOSING;
        self.shared
            .stop
            .wait_anyway(until, || self.running.load(Ordering::Acquire) == 0);
        self.shared.sweep(until);
    }
}

/// Counts a node as running until it is dropped.
struct Running<'a>(&'a CommandSession);

impl<'a> Running<'a> {
    fn begin(session: &'a CommandSession) -> Self {
        session.running.fetch_add(1, Ordering::AcqRel);
        Self(session)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.shared.stop.ring();
    }
}

impl ExecutionSession for CommandSession {
    fn load(&self, _request: &LoadRequest) -> Result<RunGraph, PluginError> {
        self.check_open()?;
        Ok(RunGraph {
            info: SessionInfo::default(),
            nodes: Vec::new(),
        })
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        Err(no_sql(&format!("selection by `{}`", request.method)))
    }

    fn begin(&self, _request: &BeginRequest) -> Result<(), PluginError> {
        self.check_open()
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let _running = Running::begin(self);
        self.check_open()?;
        let begin = Instant::now();
        let outcome = node::run(&self.shared, &self.settings, &self.python, request)?;
        let (status, message) = match outcome {
            Outcome::Done => (NodeStatus::Success, None),
            Outcome::Failed(message) => (NodeStatus::Error, Some(message)),
        };
        Ok(NodeResult {
            message,
            execution_time: begin.elapsed().as_secs_f64(),
            ..NodeResult::new(request.unique_id.as_str(), status)
        })
    }

    fn record(&self, _result: &NodeResult) -> Result<(), PluginError> {
        Ok(())
    }

    fn compile(&self, _request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        Err(no_sql("SQL"))
    }

    fn cancel(&self) {
        self.shared.stop.raise();
    }

    fn close(&self, _request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        self.end();
        Ok(CloseResponse::default())
    }
}

impl Drop for CommandSession {
    fn drop(&mut self) {
        self.end();
    }
}

fn no_sql(what: &str) -> PluginError {
    PluginError::new(
        error::NO_SQL,
        format!("the command runner only runs Python models; {what} is for the execution backend"),
    )
}
