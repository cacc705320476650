//! What dbt's JSON log has besides the events: lines that only dbt has, and fields of nodes that need
//! what came before.

use std::collections::HashMap;

use fal_plugin::payload::{LogLevel, NodeResult, NodeStatus};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::stamp;
use crate::event::{EventKind, RunInfo, Summary};
use crate::node::{NodeInfo, NodeKind};
use crate::terminal::{
    ending::{Ending, lasted},
    line::{count, counts},
};
use crate::theme::Theme;

/// Version of the form of dbt's log, which dbt puts in its first line.
const LOG_VERSION: u32 = 3;

/// A line of dbt.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) code: &'static str,
    pub(super) level: LogLevel,
    pub(super) message: String,
    pub(super) data: Value,
}

/// What was seen of a run so far.
#[derive(Default)]
pub(super) struct Seen {
    command: String,
    started: HashMap<String, Timestamp>,
    ending: Ending,
}

impl Seen {
    /// Notes an event.
    pub(super) fn note(&mut self, at: Timestamp, event: &EventKind) {
        match event {
            EventKind::RunStarted { info } => self.command.clone_from(&info.command),
            EventKind::NodeStarted { node, .. } => {
                self.started.insert(node.unique_id.clone(), at);
            }
            EventKind::NodeFinished { node, result, .. } => self.ending.finished(node, result),
            EventKind::NodeSkipped { node, cause, .. } => self.ending.skipped(node, cause),
            EventKind::Interrupted { .. } => self.ending.interrupted(),
            _ => {}
        }
    }

    /// Returns dbt's lines ahead of an event.
    pub(super) fn before(&self, event: &EventKind) -> Vec<Line> {
        match event {
            EventKind::RunStarted { info } => vec![version(info)],
            EventKind::RunFinished { summary, elapsed } => self.ending(summary, *elapsed),
            _ => Vec::new(),
        }
    }

    /// Returns dbt's lines behind an event.
    pub(super) fn after(&self, at: Timestamp, event: &EventKind) -> Vec<Line> {
        match event {
            EventKind::RunStarted { info } => started(info),
            EventKind::RunFinished { summary, elapsed } => {
                let success = summary.error == 0 && !self.ending.was_interrupted();
                let how = if success { "succeeded" } else { "failed" };
                vec![Line {
                    name: "CommandCompleted",
                    code: "Q039",
                    level: LogLevel::Debug,
                    message: format!(
                        "Command `{}` {how} after {elapsed:.2} seconds",
                        self.command
                    ),
                    data: json!({
                        "command": self.command, "completed_at": stamp(at), "elapsed": elapsed, "success": success,
                    }),
                }]
            }
            _ => Vec::new(),
        }
    }

    fn ending(&self, summary: &Summary, elapsed: f64) -> Vec<Line> {
        let (errors, partial, warnings) = self.ending.numbers(summary);
        vec![
            Line {
                name: "FinishedRunningStats",
                code: "E047",
                level: LogLevel::Info,
                message: self.ending.finished_running(elapsed),
                data: json!({
                    "stat_line": self.ending.kinds(), "execution": lasted(elapsed), "execution_time": elapsed,
                }),
            },
            Line {
                name: "EndOfRunSummary",
                code: "Z030",
                level: LogLevel::Info,
                message: self.ending.verdict(Theme::PLAIN, summary),
                data: json!({
                    "num_errors": errors, "num_warnings": warnings, "num_partial_success": partial,
                    "keyboard_interrupt": self.ending.was_interrupted(),
                }),
            },
        ]
    }

    /// Adds what dbt's lines say of a node.
    pub(super) fn add_node(
        &self,
        fields: &mut Map<String, Value>,
        node: &NodeInfo,
        status: &str,
        at: Timestamp,
    ) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let started = self.started.get(&node.unique_id).copied();
        let started = started.or((status == "started").then_some(at));
        let has_ended = !matches!(status, "started" | "skipped");
        let node_info = json!({
            "materialized": text(&node.materialized), "meta": {}, "node_checksum": text(&node.checksum),
            "node_finished_at": if has_ended { local(at) } else { String::new() },
            "node_name": node.name,
            "node_path": node.node_path.as_ref().or(node.path.as_ref()).map_or("", String::as_str),
            "node_relation": {
                "alias": text(&node.alias), "database": text(&node.database),
                "relation_name": text(&node.relation_name), "schema": text(&node.schema),
            },
            "node_started_at": started.map(local).unwrap_or_default(), "node_status": status,
            "resource_type": node.kind.resource_type(), "unique_id": node.unique_id,
        });
        fields.insert("description".into(), json!(node.describe()));
        fields.insert("node_info".into(), node_info);
    }
}

/// Adds what dbt's lines say of the end of a node.
pub(super) fn add_result(
    fields: &mut Map<String, Value>,
    node: &NodeInfo,
    result: &NodeResult,
    total: u64,
) {
    let status = result.status.as_str();
    let message = result.message.as_deref().unwrap_or(status);
    // dbt has the warehouse's answer here for what makes a relation.
    let is_made = node.kind.is_model() || node.kind == NodeKind::Snapshot;
    let said = if is_made && result.status == NodeStatus::Success {
        message
    } else {
        status
    };
    fields.insert("status".into(), json!(said));
    fields.insert("execution_time".into(), json!(result.execution_time));
    fields.insert("num_failures".into(), json!(result.failures.unwrap_or(0)));
    match node.kind {
        NodeKind::Test | NodeKind::UnitTest => {
            fields.insert("name".into(), json!(node.name));
            fields.insert("num_models".into(), json!(total));
            let attached = node.attached_node.as_deref().unwrap_or_default();
            fields.insert("attached_node".into(), json!(attached));
        }
        NodeKind::Seed => {
            fields.insert("result_message".into(), json!(message));
            fields.insert("schema".into(), json!(node.schema));
            fields.insert("relation".into(), json!(node.alias));
        }
        NodeKind::Snapshot => {
            fields.insert("result_message".into(), json!(message));
        }
        _ => {}
    }
}

/// Formats a time as dbt does in `node_info`: UTC without a zone.
fn local(at: Timestamp) -> String {
    stamp(at).trim_end_matches('Z').to_owned()
}

fn version(info: &RunInfo) -> Line {
    // dbt writes its version with this sign.
    let version = format!("={}", info.dbt_version.trim_start_matches('='));
    Line {
        name: "MainReportVersion",
        code: "A001",
        level: LogLevel::Info,
        message: format!("Running with dbt{version}"),
        data: json!({ "version": version, "log_version": LOG_VERSION }),
    }
}

fn started(info: &RunInfo) -> Vec<Line> {
    let stat_line = counts(&info.found);
    let (threads, target) = (info.threads, &info.target_name);
    let adapter = format!("={}", info.adapter_version);
    vec![
        Line {
            name: "AdapterRegistered",
            code: "E034",
            level: LogLevel::Info,
            message: format!("Registered adapter: {}{adapter}", info.adapter),
            data: json!({ "adapter_name": info.adapter, "adapter_version": adapter }),
        },
        Line {
            name: "FoundStats",
            code: "W006",
            level: LogLevel::Info,
            message: format!("Found {stat_line}"),
            data: json!({ "stat_line": stat_line }),
        },
        Line {
            name: "ConcurrencyLine",
            code: "Q027",
            level: LogLevel::Info,
            message: format!(
                "Concurrency: {} (target='{target}')",
                count(threads.into(), "thread")
            ),
            data: json!({ "num_threads": threads, "target_name": target, "node_count": info.total }),
        },
    ]
}
