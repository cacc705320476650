//! The interface of the engine that runs dbt: the operations that the backend asks for, and the
//! events that it gets.

use std::{
    path::Path,
    sync::{Arc, Weak},
    time::Instant,
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Event,
        LeaseInput, Lineage, LoadRequest, NodeResult, RunGraph, ScriptRole, SelectRequest,
    },
    PluginError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{AskError, StartError},
    python::{Answer, JobEnd, JobError},
};

/// Receives the answer to a request that does not block.
pub(crate) type Taker<R> = Box<dyn FnOnce(Result<R, AskError>) + Send>;

/// Runs dbt and the data gateway for one run. Any thread may call it. Requests block until the
/// answer is there, or until the run was cancelled.
pub(crate) trait Engine: Send + Sync {
    /// Returns whether the engine itself is a Python process, so that a run always has one.
    fn is_python(&self) -> bool;

    /// Starts to report events to `client`.
    fn listen(&self, client: Weak<dyn EngineClient>) -> Result<(), StartError>;

    /// Reads the project, and opens the gateway's socket for jobs in `socket_dir`.
    fn load(&self, request: &LoadRequest, socket_dir: &Path) -> Result<Project, AskError>;

    /// Returns the unique ids of the nodes that a selection method selects.
    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, AskError>;

    /// Prepares the run of the selected nodes: schemas, caches, on-run-start hooks.
    fn begin(&self, request: &BeginRequest) -> Result<(), AskError>;

    /// Runs a node of dbt.
    fn run(&self, unique_id: &str) -> Result<NodeResult, AskError>;

    /// Runs a dbt-native model whose Python code a runner runs. Returns at once.
    fn run_lent(&self, unique_id: &str, taker: Taker<NodeResult>);

    /// Records the result of a node that the engine did not run.
    fn record(&self, result: &NodeResult) -> Result<(), AskError>;

    /// Compiles a node or a piece of SQL.
    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, AskError>;

    /// Returns where the warehouse is and which columns nodes have.
    fn lineage(&self) -> Result<Lineage, AskError>;

    /// Opens a job at the gateway.
    fn job_open(&self, request: &JobOpen<'_>) -> Result<(), AskError>;

    /// Commits or rolls back what a job wrote, and records its node's result.
    fn job_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError>;

    /// Opens a unit test's job at the gateway. Returns the given rows and other data for the job.
    fn unit_test_open(&self, request: &JobOpen<'_>) -> Result<Value, AskError>;

    /// Compares the rows of a unit test's job, and records the test's result.
    fn unit_test_close(&self, request: &JobClose<'_>) -> Result<NodeResult, AskError>;

    /// Reports the end of a dbt-native model's code. Returns at once. If the engine is gone, the
    /// node is lost too and reports that itself.
    fn python_job_done(&self, done: &PythonJobDone<'_>);

    /// Makes the gateway listen for runners. Returns its port.
    fn gateway_listen(&self, request: &GatewayListen<'_>) -> Result<u16, AskError>;

    /// Describes an open job for a lease.
    fn job_lend(&self, job: &str) -> Result<LentJob, AskError>;

    /// Ends the lease of a job: its token no longer works.
    fn job_settle(&self, job: &str) -> Result<SettledJob, AskError>;

    /// Interrupts all work except `finish`. Returns at once.
    fn cancel(&self);

    /// Runs the on-run-end hooks and writes the artifacts. Without a deadline they may take any
    /// time; returns `None` if the deadline passed.
    fn finish(
        &self,
        request: &CloseRequest,
        deadline: Option<Instant>,
    ) -> Option<Result<CloseResponse, AskError>>;

    /// Announces that there will be no more requests.
    fn hang_up(&self);

    /// Waits until all processes of the engine are gone. Kills the rest at `deadline`.
    fn end_by(&self, deadline: Instant);
}

/// Receives what an engine reports by itself.
pub(crate) trait EngineClient: Send + Sync {
    /// Passes on an event to the host.
    fn event(&self, event: Event);

    /// Warns the user.
    fn warn(&self, message: String);

    /// Starts the code of a dbt-native model, which dbt requests in the middle of its
    /// materialization. Returns at once.
    fn python_job(self: Arc<Self>, job: NativeJob);

    /// Prepares for Python code, which the run turned out to have. Returns at once.
    fn needs_python(&self);

    /// Handles the unexpected end of the engine.
    fn died(&self, error: &PluginError);
}

/// The answer to `load`.
pub(crate) struct Project {
    pub(crate) graph: RunGraph,
    /// The gateway's address for jobs on this machine.
    pub(crate) location: String,
}

/// The node that a job runs.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Owner<'a> {
    pub(crate) unique_id: &'a str,
    /// When the script runs, for scripts and hooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<ScriptRole>,
    /// The model that the script or hook belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<&'a str>,
}

/// The requests `job_open` and `unit_test_open`.
#[derive(Serialize)]
pub(crate) struct JobOpen<'a> {
    pub(crate) job: &'a str,
    pub(crate) token: &'a str,
    #[serde(flatten)]
    pub(crate) owner: Owner<'a>,
}

/// The requests `job_close` and `unit_test_close`.
#[derive(Serialize)]
pub(crate) struct JobClose<'a> {
    pub(crate) job: &'a str,
    pub(crate) ok: bool,
    /// The rows that the model of a unit test wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<&'a str>,
    pub(crate) result: &'a NodeResult,
}

/// The request for the code of a dbt-native model.
#[derive(Debug, Deserialize)]
pub(crate) struct NativeJob {
    pub(crate) job: String,
    pub(crate) token: String,
    pub(crate) unique_id: String,
    pub(crate) path: String,
    pub(crate) code: String,
    pub(crate) location: String,
}

/// The message `python_job_done`: how a job of a dbt-native model ended.
#[derive(Serialize)]
pub(crate) struct PythonJobDone<'a> {
    job: &'a str,
    ok: bool,
    error: Option<JobError>,
}

impl<'a> PythonJobDone<'a> {
    pub(crate) fn new(job: &'a str, end: &JobEnd) -> Self {
        Self {
            job,
            ok: *end == JobEnd::Done,
            error: end.error(),
        }
    }
}

/// The request `gateway_listen`.
#[derive(Serialize)]
pub(crate) struct GatewayListen<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) certificate: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) env_vars: &'a [String],
}

/// The answer to `job_lend`: the relations that the job reads and writes.
#[derive(Deserialize)]
pub(crate) struct LentJob {
    pub(crate) inputs: Vec<LeaseInput>,
    pub(crate) output: Option<String>,
    pub(crate) output_is_rows: bool,
}

/// The answer to `job_settle`: what the engine knows of the job at the end of its lease.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettledJob {
    /// How often the job was started.
    pub(crate) attempts: u32,
    /// The answer of the last attempt.
    pub(crate) answer: Option<Answer>,
    /// Whether the last attempt wrote its rows.
    pub(crate) wrote: bool,
    /// Seconds from the start of the last attempt to its end.
    pub(crate) seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_name_their_role() {
        let open = |owner| {
            serde_json::to_string(&JobOpen {
                job: "s-1",
                token: "t",
                owner,
            })
            .unwrap()
        };
        let model = Owner {
            unique_id: "model.p.a",
            ..Owner::default()
        };
        insta::assert_snapshot!(open(model), @r#"{"job":"s-1","token":"t","unique_id":"model.p.a"}"#);
        let hook = Owner {
            unique_id: "hook.a.PRE.x.py",
            role: Some(ScriptRole::PreHook),
            model: Some("model.p.a"),
        };
        insta::assert_snapshot!(open(hook), @r#"{"job":"s-1","token":"t","unique_id":"hook.a.PRE.x.py","role":"pre_hook","model":"model.p.a"}"#);
    }
}
