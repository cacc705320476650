//! dbt's `run_results.json` made from the events of a run, for when the backend could not write it itself.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use fal_plugin::payload::{NodeResult, NodeStatus, SessionInfo};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::atomic;
use crate::error::ReportError;
use crate::event::{EventKind, RunEvent, SkipCause};
use crate::json::stamp;
use crate::node::{NodeInfo, NodeKind};
use crate::reporter::Reporter;

const SCHEMA: &str = "https://schemas.getdbt.com/dbt/run-results/v6.json";

/// Collects the results of a run in dbt's form.
#[derive(Debug, Default)]
pub struct RunResults {
    metadata: Map<String, Value>,
    args: Map<String, Value>,
    /// Planned nodes without a result so far.
    waiting: IndexMap<String, NodeInfo>,
    running: IndexMap<String, NodeInfo>,
    ended: IndexMap<String, Value>,
    elapsed: f64,
    began: Option<Timestamp>,
    dbt_version: String,
    interrupted: bool,
}

impl RunResults {
    /// Creates a reporter from `metadata` and `args` as dbt's artifact has them. `planned` are all nodes
    /// that should run; those that never do are recorded as skipped.
    pub fn new(
        metadata: Map<String, Value>,
        args: Map<String, Value>,
        planned: impl IntoIterator<Item = NodeInfo>,
    ) -> Self {
        let planned = planned.into_iter().filter(is_of_dbt);
        let waiting = planned.map(|node| (node.unique_id.clone(), node)).collect();
        Self {
            metadata,
            args,
            waiting,
            ..Self::default()
        }
    }

    /// Creates a reporter with the session's `metadata` and `args`.
    pub fn from_session(info: &SessionInfo, planned: impl IntoIterator<Item = NodeInfo>) -> Self {
        let mut results = Self::new(
            info.run_results_metadata.clone(),
            info.args.clone(),
            planned,
        );
        results.dbt_version.clone_from(&info.dbt_version);
        if !info.invocation_id.is_empty() {
            results
                .metadata
                .entry("invocation_id")
                .or_insert_with(|| json!(info.invocation_id));
        }
        results
    }

    /// Returns a shared reporter, whose results can be read after the run.
    pub fn shared(self) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(self))
    }

    /// Returns the artifact in its current state.
    pub fn to_value(&self, generated_at: Timestamp) -> Value {
        let broken_off = self
            .running
            .values()
            .map(|node| entry(node, &self.broken_off(node)));
        let never_ran = self
            .waiting
            .values()
            .map(|node| entry(node, &skipped(node, self.never_ran())));
        let results = self
            .ended
            .values()
            .cloned()
            .chain(broken_off)
            .chain(never_ran)
            .collect::<Vec<_>>();
        json!({
            "metadata": self.metadata(generated_at),
            "results": results,
            "elapsed_time": self.elapsed,
            "args": self.args,
        })
    }

    /// Writes `run_results.json` into the target folder atomically.
    pub fn write(&self, target: &Path, generated_at: Timestamp) -> Result<(), ReportError> {
        let bytes = serde_json::to_vec(&self.to_value(generated_at)).map_err(|source| {
            ReportError::Encode {
                what: "run_results",
                source,
            }
        })?;
        atomic::write(target, "run_results.json", &bytes)
    }

    fn metadata(&self, generated_at: Timestamp) -> Value {
        let mut metadata = Map::new();
        metadata.insert("dbt_schema_version".into(), json!(SCHEMA));
        metadata.insert("dbt_version".into(), json!(self.dbt_version));
        metadata.insert("generated_at".into(), Value::Null);
        metadata.insert("invocation_id".into(), Value::Null);
        metadata.insert("invocation_started_at".into(), json!(self.began.map(stamp)));
        metadata.insert("env".into(), json!({}));
        metadata.extend(self.metadata.clone());
        metadata.insert("generated_at".into(), json!(stamp(generated_at)));
        Value::Object(metadata)
    }

    fn broken_off(&self, node: &NodeInfo) -> NodeResult {
        let why = if self.interrupted {
            "Interrupted while it ran"
        } else {
            "The run broke off while it ran"
        };
        ended_by_host(node, NodeStatus::Error, Some(why))
    }

    fn never_ran(&self) -> Option<&'static str> {
        Some(if self.interrupted {
            "Skipped because the run was interrupted"
        } else {
            "Skipped because the run broke off"
        })
    }

    fn ended(&mut self, node: &NodeInfo, result: &NodeResult) {
        self.waiting.shift_remove(&node.unique_id);
        self.running.shift_remove(&node.unique_id);
        self.ended
            .insert(node.unique_id.clone(), entry(node, result));
    }
}

impl Reporter for RunResults {
    fn event(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted { info } => {
                self.began = Some(event.at);
                if !info.dbt_version.is_empty() {
                    self.dbt_version.clone_from(&info.dbt_version);
                }
                if !info.invocation_id.is_empty() {
                    self.metadata
                        .entry("invocation_id")
                        .or_insert_with(|| json!(info.invocation_id));
                }
            }
            EventKind::NodeStarted { node, .. } if is_of_dbt(node) => {
                self.waiting.shift_remove(&node.unique_id);
                self.running.insert(node.unique_id.clone(), node.clone());
            }
            EventKind::NodeFinished { node, result, .. } if is_of_dbt(node) => {
                self.ended(node, result)
            }
            EventKind::NodeSkipped { node, cause, .. } if is_of_dbt(node) => {
                self.ended(node, &skipped(node, reason(cause)));
            }
            EventKind::Interrupted { .. } => self.interrupted = true,
            EventKind::RunFinished { elapsed, .. } => self.elapsed = *elapsed,
            EventKind::NodeStarted { .. }
            | EventKind::NodeFinished { .. }
            | EventKind::NodeSkipped { .. }
            | EventKind::HookFinished { .. }
            | EventKind::StubsWritten { .. }
            | EventKind::Problem { .. }
            | EventKind::NodeOutput { .. }
            | EventKind::Log { .. }
            | EventKind::Error(_) => {}
        }
    }
}

/// Returns whether dbt's artifact includes the node. Scripts exist only in fal-host.
fn is_of_dbt(node: &NodeInfo) -> bool {
    node.kind != NodeKind::Script
}

/// Returns the message of a skipped node. dbt has none for a node whose parent failed.
fn reason(cause: &SkipCause) -> Option<&str> {
    match cause {
        SkipCause::Upstream { .. } => None,
        SkipCause::FailFast => Some("Skipping due to fail_fast"),
        SkipCause::Interrupted => Some("Skipped because the run was interrupted"),
        SkipCause::Other { reason } => Some(reason),
    }
}

fn skipped(node: &NodeInfo, message: Option<&str>) -> NodeResult {
    ended_by_host(node, NodeStatus::Skipped, message)
}

fn ended_by_host(node: &NodeInfo, status: NodeStatus, message: Option<&str>) -> NodeResult {
    NodeResult {
        message: message.map(str::to_owned),
        thread_id: "MainThread".to_owned(),
        ..NodeResult::new(node.unique_id.as_str(), status)
    }
}

/// Returns a result with dbt's fields in dbt's order.
fn entry(node: &NodeInfo, result: &NodeResult) -> Value {
    // dbt keeps these three for what it compiles, and null for seeds, exposures and hooks.
    let compiles = node.kind.is_model() || node.kind.is_test() || node.kind == NodeKind::Snapshot;
    let compiled = result.compiled.or(compiles.then_some(false));
    let relation_name = result
        .relation_name
        .as_ref()
        .or(node.relation_name.as_ref())
        .filter(|_| compiles);
    json!({
        "status": result.status,
        "timing": result.timing,
        "thread_id": result.thread_id,
        "execution_time": result.execution_time,
        "adapter_response": result.adapter_response,
        "message": result.message,
        "failures": result.failures,
        "unique_id": result.unique_id,
        "compiled": compiled,
        "compiled_code": result.compiled_code,
        "relation_name": relation_name,
        "batch_results": null,
    })
}

#[cfg(test)]
mod tests;
