//! The JSON lines of `--log-format json` and of the record of a run: one object on each line.

mod of_dbt;

use std::io::{self, Write};

use fal_plugin::payload::{LogLevel, NodeStatus};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::of_dbt::Seen;
use crate::event::{EVENT_VERSION, EventKind, RunEvent};
use crate::node::NodeKind;
use crate::reporter::{Reporter, Sink};

/// Writes every event as a line of JSON.
///
/// # Form
/// Each line is `{"info": {...}, "data": {...}}`, dbt's envelope.
/// - `info`: `name`, `code`, `level`, `msg`, `ts` (RFC 3339, UTC, microseconds), `invocation_id`, `thread`, `category` and
///   `extra` as in dbt's own logs, and `event_version`, a number: see [`EVENT_VERSION`]. Events that dbt has too carry
///   dbt's name and code (`LogStartLine`, `LogModelResult`, `LogSeedResult`, `LogSnapshotResult`, `LogTestResult`,
///   `LogNodeNoOpResult`, `SkippingDetails`, `StatsLine`); the others have the name of the [`EventKind`].
/// - `data`: `event` (the kind, in snake case) and the fields of the [`EventKind`]. Lines about a node have besides
///   what dbt's lines have: `description`, `status`, `execution_time`, `node_info`, ...
///
/// Beside these are lines that dbt has, without `event`: `MainReportVersion`, `AdapterRegistered`, `FoundStats`,
/// `ConcurrencyLine`, `FinishedRunningStats`, `EndOfRunSummary` and `CommandCompleted`.
///
/// Lines are only ever extended with new fields and new events while `event_version` stays.
/// [`event_schema`] is the JSON schema of `data`, without dbt's additions.
pub struct JsonReporter {
    out: Sink,
    invocation_id: String,
    least: LogLevel,
    seen: Seen,
}

impl JsonReporter {
    /// Writes all events to `out`. Until the run's start names dbt's invocation id, lines carry `invocation_id`.
    pub fn new(out: Box<dyn Write + Send>, invocation_id: impl Into<String>) -> Self {
        Self {
            out: Sink::new(out, false),
            invocation_id: invocation_id.into(),
            least: LogLevel::Debug,
            seen: Seen::default(),
        }
    }

    /// Sets the least level to write: `Info` unless `--debug`, `Error` under `--quiet`.
    #[must_use]
    pub fn at_least(mut self, level: LogLevel) -> Self {
        self.least = level;
        self
    }
}

impl JsonReporter {
    fn write_line_of_dbt(&mut self, line: of_dbt::Line, at: Timestamp) {
        if line.level >= self.least {
            let info = info(
                &self.invocation_id,
                (line.name, line.code),
                line.level,
                &line.message,
                at,
            );
            self.write(&json!({ "info": info, "data": line.data }));
        }
    }

    fn write(&mut self, line: &Value) {
        // This cannot fail: all keys are strings, and numbers that JSON lacks become null.
        if let Ok(mut line) = serde_json::to_string(line) {
            line.push('\n');
            self.out.write(&line);
        }
    }
}

/// Returns the JSON schema of `data` in the lines of a [`JsonReporter`], which is that of
/// [`EventKind`].
pub fn event_schema() -> Value {
    schemars::schema_for!(EventKind).to_value()
}

impl Reporter for JsonReporter {
    fn event(&mut self, event: &RunEvent) {
        if let EventKind::RunStarted { info } = &event.kind
            && !info.invocation_id.is_empty()
        {
            self.invocation_id.clone_from(&info.invocation_id);
        }
        for line in self.seen.before(&event.kind) {
            self.write_line_of_dbt(line, event.at);
        }
        self.seen.note(event.at, &event.kind);
        if level(&event.kind) >= self.least {
            self.write(&envelope(event, &self.invocation_id, &self.seen));
        }
        for line in self.seen.after(event.at, &event.kind) {
            self.write_line_of_dbt(line, event.at);
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.finish()
    }
}

fn info(
    invocation_id: &str,
    (name, code): (&str, &str),
    level: LogLevel,
    message: &str,
    at: Timestamp,
) -> Value {
    json!({
        "category": "", "code": code, "event_version": EVENT_VERSION, "extra": {}, "invocation_id": invocation_id,
        "level": word(level), "msg": message, "name": name, "thread": "MainThread", "ts": stamp(at),
    })
}

fn envelope(event: &RunEvent, invocation_id: &str, seen: &Seen) -> Value {
    let kind = &event.kind;
    let mut info = info(
        invocation_id,
        name(kind),
        level(kind),
        &message(kind),
        event.at,
    );
    if let EventKind::NodeFinished { result, .. } = &event.kind
        && !result.thread_id.is_empty()
    {
        info["thread"] = json!(result.thread_id);
    }
    json!({ "info": info, "data": data(event, seen) })
}

/// Formats a time as dbt does.
pub(crate) fn stamp(at: Timestamp) -> String {
    format!("{at:.6}")
}

fn data(event: &RunEvent, seen: &Seen) -> Value {
    let mut data = serde_json::to_value(&event.kind).unwrap_or_default();
    let Some(fields) = data.as_object_mut() else {
        return data;
    };
    match &event.kind {
        EventKind::NodeStarted { node, .. } => seen.add_node(fields, node, "started", event.at),
        EventKind::NodeSkipped { node, .. } => {
            seen.add_node(fields, node, "skipped", event.at);
            fields.insert("resource_type".into(), json!(node.kind.resource_type()));
            fields.insert("node_name".into(), json!(node.name));
            fields.insert("schema".into(), json!(node.schema));
        }
        EventKind::NodeFinished {
            node,
            result,
            total,
            ..
        } => {
            seen.add_node(fields, node, result.status.as_str(), event.at);
            of_dbt::add_result(fields, node, result, *total);
        }
        EventKind::HookFinished { node, result, .. } => {
            seen.add_node(fields, node, result.status.as_str(), event.at);
            of_dbt::add_result(fields, node, result, 0);
        }
        EventKind::RunFinished { summary, elapsed } => {
            fields.insert("stats".into(), stats(summary));
            fields.insert("execution_time".into(), json!(elapsed));
        }
        _ => {}
    }
    data
}

fn stats(summary: &crate::event::Summary) -> Value {
    // dbt's words are the serialized names.
    serde_json::to_value(summary).unwrap_or_default()
}

fn name(kind: &EventKind) -> (&str, &'static str) {
    match kind {
        EventKind::RunStarted { .. } => ("RunStarted", ""),
        EventKind::StubsWritten { .. } => ("StubsWritten", ""),
        EventKind::Problem { .. } => ("Problem", ""),
        EventKind::NodeStarted { .. } => ("LogStartLine", "Q011"),
        EventKind::NodeOutput { .. } => ("NodeOutput", ""),
        EventKind::NodeFinished { node, result, .. } => finished_name(node.kind, result.status),
        EventKind::HookFinished { .. } => ("HookFinished", ""),
        EventKind::NodeSkipped { .. } => ("SkippingDetails", "Q034"),
        EventKind::Log { name, .. } => (name.as_deref().unwrap_or("Log"), ""),
        EventKind::Error(_) => ("Error", ""),
        EventKind::Interrupted { .. } => ("Interrupted", ""),
        EventKind::RunFinished { .. } => ("StatsLine", "Z023"),
    }
}

fn finished_name(kind: NodeKind, status: NodeStatus) -> (&'static str, &'static str) {
    match (kind, status) {
        (_, NodeStatus::NoOp) => ("LogNodeNoOpResult", "Q019"),
        (NodeKind::Test | NodeKind::UnitTest, _) => ("LogTestResult", "Q007"),
        (NodeKind::Snapshot, _) => ("LogSnapshotResult", "Q015"),
        (NodeKind::Seed, _) => ("LogSeedResult", "Q016"),
        (NodeKind::Function, _) => ("LogFunctionResult", "Q047"),
        (NodeKind::Hook, _) => ("LogHookEndLine", "Q033"),
        (NodeKind::Script, _) => ("ScriptFinished", ""),
        _ => ("LogModelResult", "Q012"),
    }
}

fn level(kind: &EventKind) -> LogLevel {
    use fal_plugin::payload::Severity;
    match kind {
        EventKind::Log { level, .. } => *level,
        EventKind::Problem { problem } => match problem.diagnostic.severity {
            Severity::Error => LogLevel::Error,
            Severity::Warning => LogLevel::Warn,
            Severity::Note => LogLevel::Info,
        },
        EventKind::NodeFinished { result, .. } | EventKind::HookFinished { result, .. }
            if result.status.is_failure() =>
        {
            LogLevel::Error
        }
        EventKind::NodeFinished { result, .. } if result.status == NodeStatus::Warn => {
            LogLevel::Warn
        }
        EventKind::Error(_) => LogLevel::Error,
        EventKind::Interrupted { .. } => LogLevel::Warn,
        _ => LogLevel::Info,
    }
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// Returns the message of an event in one line, for people who read the log directly.
fn message(kind: &EventKind) -> String {
    match kind {
        EventKind::RunStarted { info } => format!("Running with fal-host {}", info.version),
        EventKind::StubsWritten {
            written,
            removed,
            unchanged,
            ..
        } => {
            format!(
                "Stubs: {} written, {} removed, {unchanged} unchanged",
                written.len(),
                removed.len()
            )
        }
        EventKind::Problem { problem } => problem.one_line(),
        EventKind::NodeStarted { index, total, node } => {
            format!("{index} of {total} START {}", node.describe())
        }
        EventKind::NodeOutput { name, line, .. } => format!("{name} | {line}"),
        EventKind::NodeFinished {
            index,
            total,
            node,
            result,
            ..
        } => {
            let status = result.status.as_str().to_uppercase();
            format!(
                "{index} of {total} {status} {} in {:.2}s",
                node.describe(),
                result.execution_time
            )
        }
        EventKind::HookFinished { node, result, .. } => {
            let status = result.status.as_str().to_uppercase();
            format!(
                "{status} {} in {:.2}s",
                node.describe(),
                result.execution_time
            )
        }
        EventKind::NodeSkipped {
            index, total, node, ..
        } => format!("{index} of {total} SKIP {}", node.describe()),
        EventKind::Log { message, .. } => message.clone(),
        EventKind::Error(error) => match &error.code {
            Some(code) => format!("{} [{code}]", error.message),
            None => error.message.clone(),
        },
        EventKind::Interrupted { running } => {
            format!("Interrupted while {} ran", running.join(", "))
        }
        EventKind::RunFinished { summary, .. } => summary.to_string(),
    }
}

#[cfg(test)]
mod tests;
