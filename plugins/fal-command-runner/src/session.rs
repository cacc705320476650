//! A session: the nodes of one run.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        Arc, Mutex, PoisonError,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, LoadRequest, LogLevel, NodeRequest,
        NodeResult, NodeStatus, RunGraph, SelectRequest, SessionInfo,
    },
    EventSink, ExecutionSession, PluginError,
};

use crate::{
    attempt::{attempt, Attempt, Refused},
    end::{seconds, End},
    error, leftover,
    plan::Plan,
    process::log,
    random, retry,
    settings::Settings,
    stop::{Stop, Waited},
};

/// How long `close` waits for nodes that end.
const CLOSING: Duration = Duration::from_millis(1500);

/// What the nodes of a session share.
pub(crate) struct Shared {
    pub(crate) project_dir: PathBuf,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stop: Arc<Stop>,
    mark: String,
    marks: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    /// The mark of the next command: the session's and a number.
    pub(crate) fn next_mark(&self) -> String {
        format!("{}{}.", self.mark, self.marks.fetch_add(1, Ordering::Relaxed))
    }

    /// Keeps threads until the session ends.
    pub(crate) fn keep(&self, threads: Vec<JoinHandle<()>>) {
        let mut kept = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|thread| !thread.is_finished());
        kept.extend(threads);
    }

    pub(crate) fn debug(&self, unique_id: &str, message: &str) {
        self.events.emit(log(LogLevel::Debug, unique_id, message));
    }

    pub(crate) fn warn(&self, unique_id: &str, message: &str) {
        self.events.emit(log(LogLevel::Warn, unique_id, message));
    }
}

/// A running session of the command runner.
pub(crate) struct CommandSession {
    settings: Arc<Settings>,
    python: String,
    shared: Shared,
    running: AtomicUsize,
    closed: AtomicBool,
    warned: Mutex<BTreeSet<String>>,
}

impl CommandSession {
    pub(crate) fn new(
        settings: Arc<Settings>,
        project_dir: PathBuf,
        python: String,
        events: Arc<dyn EventSink>,
    ) -> Self {
        let shared = Shared {
            project_dir,
            events,
            stop: Arc::default(),
            mark: format!("{}.", random::name()),
            marks: AtomicU64::new(1),
            threads: Mutex::default(),
        };
        let (running, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { settings, python, shared, running, closed, warned: Mutex::default() }
    }

    fn check_open(&self) -> Result<(), PluginError> {
        let closed = self.closed.load(Ordering::Acquire);
        if closed {
            Err(PluginError::new(error::CLOSED, "the session of the command runner is closed"))
        } else {
            Ok(())
        }
    }

    fn run(&self, request: &NodeRequest) -> Result<Outcome, PluginError> {
        let Some(lease) = request.lease.as_deref() else {
            let text = format!(
                "the command runner got `{}` without a lease: it owns no data, and runs Python models only",
                request.unique_id
            );
            return Err(PluginError::new(error::NO_LEASE, text).with_help(
                "it is a runner: choose it with --runner, `routes` or `meta`, beside an execution backend that lends",
            ));
        };
        let plan = match Plan::of(&self.settings, request, lease, &self.python) {
            Ok(plan) => plan,
            Err(why) => return Ok(Outcome::Failed(why)),
        };
        self.tell_unused(&plan);
        let mut number = 1;
        loop {
            if self.shared.stop.is_raised() {
                return Ok(Outcome::Failed("interrupted".to_owned()));
            }
            let attempt = match attempt(&self.shared, &plan) {
                Ok(attempt) => attempt,
                Err(Refused::Node(why)) => return Ok(Outcome::Failed(why)),
                Err(Refused::Runner(error)) => return Err(error),
            };
            if let Some(outcome) = self.settled(&plan, &attempt, number) {
                return Ok(outcome);
            }
            number += 1;
        }
    }

    /// The outcome of a node behind an attempt; `None` after the wait for the next one.
    fn settled(&self, plan: &Plan<'_>, attempt: &Attempt, number: u32) -> Option<Outcome> {
        match attempt.end {
            End::Exited(0) => return Some(Outcome::Done),
            End::Stopped => return Some(Outcome::Failed("interrupted".to_owned())),
            _ => {}
        }
        let retries = &plan.settings.config.retries;
        let Some(wait) = retry::wait(retries, number, attempt.end, random::part()) else {
            let tries =
                if number > 1 { format!("\nIt was attempt {number} of {}", retries.attempts) } else { String::new() };
            return Some(Outcome::Failed(format!("{}{tries}", attempt.told)));
        };
        let (told, again) = (&attempt.told, seconds(wait));
        self.shared.warn(
            &plan.request.unique_id,
            &format!("attempt {number} of {}: {told}\nTried again in {again}", retries.attempts),
        );
        let waited = self.shared.stop.wait(Some(Instant::now() + wait), || false);
        (waited == Waited::Stopped).then(|| Outcome::Failed("interrupted".to_owned()))
    }

    /// A key that nobody asks for is mostly a misspelt one.
    fn tell_unused(&self, plan: &Plan<'_>) {
        for key in plan.unused() {
            let new = self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
            if new {
                let text = format!("`resources: {{{key}: ...}}` does nothing here: no placeholder `{{custom.{key}}}` is in the runner's configuration");
                self.shared.warn(&plan.request.unique_id, &text);
            }
        }
    }

    /// Ends all that runs, and all that was left running.
    fn end(&self) {
        self.closed.store(true, Ordering::Release);
        self.shared.stop.raise();
        let until = Instant::now() + CLOSING;
        self.shared.stop.wait_anyway(until, || self.running.load(Ordering::Acquire) == 0);
        leftover::sweep(&self.shared.mark);
        let threads = std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
            // Whoever holds a stream and cannot be found keeps its reader, not us.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

enum Outcome {
    Done,
    Failed(String),
}

/// Counts a node while it runs.
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
        Ok(RunGraph { info: SessionInfo::default(), nodes: Vec::new() })
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
        let outcome = self.run(request)?;
        let (status, message) = match outcome {
            Outcome::Done => (NodeStatus::Success, None),
            Outcome::Failed(message) => (NodeStatus::Error, Some(message)),
        };
        Ok(NodeResult {
            unique_id: request.unique_id.clone(),
            status,
            message,
            execution_time: begin.elapsed().as_secs_f64(),
            rows_affected: None,
            failures: None,
            timing: Vec::new(),
            thread_id: String::new(),
            adapter_response: serde_json::Map::new(),
            compiled: None,
            compiled_code: None,
            relation_name: None,
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
