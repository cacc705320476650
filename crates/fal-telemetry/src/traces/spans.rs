//! Makes spans of events.

use std::{
    collections::HashMap,
    thread,
    time::{Duration, SystemTime},
};

use fal_plugin::payload::{NodeResult, Timing};
use fal_report::{EventKind, Failure, NodeInfo, NodeKind, Reporter, RunEvent, RunInfo, Summary};
use jiff::Timestamp;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};

/// The longest message of a status, in characters.
const LONGEST: usize = 4096;

/// The spans of one command. Those of nodes are made when a node has ended, since only then is it known
/// when its steps were.
pub(crate) struct Spans {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    parent: Context,
    command: String,
    began: SystemTime,
    root: Option<SdkSpan>,
    /// Of the run's warehouse, for all its nodes.
    system: Option<KeyValue>,
    started: HashMap<String, Timestamp>,
    /// Hooks that ended before their model, by its name.
    hooks: HashMap<String, Vec<Ended>>,
    failed: Option<String>,
}

/// A node or hook that ended.
struct Ended {
    node: NodeInfo,
    result: NodeResult,
    failure: Failure,
    at: Timestamp,
}

impl Spans {
    pub(super) fn new(
        tracer: SdkTracer,
        parent: Context,
        command: &str,
        provider: SdkTracerProvider,
    ) -> Self {
        Self {
            tracer,
            provider,
            parent,
            command: command.to_owned(),
            began: SystemTime::now(),
            root: None,
            system: None,
            started: HashMap::new(),
            hooks: HashMap::new(),
            failed: None,
        }
    }

    /// Ends the root span; `error` ended the command.
    pub(super) fn finish(&mut self, error: Option<&str>) {
        if error.is_some() {
            // A command that failed before its first node has a trace too.
            self.begin(None);
        }
        let Some(mut root) = self.root.take() else {
            return;
        };
        if let Some(message) = error.or(self.failed.as_deref()) {
            root.set_status(Status::error(shortened(message)));
        }
        root.end();
    }

    fn begin(&mut self, info: Option<&RunInfo>) {
        if self.root.is_some() {
            return;
        }
        let name = match info {
            Some(info) => format!("{} {}", info.command, info.project_name),
            None => self.command.clone(),
        };
        let mut attributes = vec![KeyValue::new("dbt.command", self.command.clone())];
        if let Some(info) = info {
            self.system = Some(KeyValue::new("db.system.name", system(&info.adapter)));
            attributes.extend(self.system.clone());
            attributes.extend([
                KeyValue::new("dbt.project", info.project_name.clone()),
                KeyValue::new("dbt.target", info.target_name.clone()),
                KeyValue::new("dbt.version", info.dbt_version.clone()),
                KeyValue::new("dbt.adapter", info.adapter.clone()),
                KeyValue::new("dbt.invocation_id", info.invocation_id.clone()),
                KeyValue::new("dbt.threads", i64::from(info.threads)),
            ]);
        }
        let builder = SpanBuilder::from_name(name)
            .with_start_time(self.began)
            .with_attributes(attributes);
        self.root = Some(self.tracer.build_with_context(builder, &self.parent));
    }

    fn summarize(&mut self, summary: &Summary) {
        if summary.error > 0 {
            let message = format!("{} of {} nodes failed", summary.error, summary.total);
            self.failed.get_or_insert(message);
        }
        let counts = [
            ("dbt.nodes.pass", summary.pass),
            ("dbt.nodes.warn", summary.warn),
            ("dbt.nodes.error", summary.error),
            ("dbt.nodes.skip", summary.skip),
            ("dbt.nodes.noop", summary.no_op),
            ("dbt.nodes.total", summary.total),
        ];
        if let Some(root) = &mut self.root {
            let count = |(name, count)| KeyValue::new(name, whole(count));
            root.set_attributes(counts.map(count));
        }
    }

    fn node_ended(&self, ended: &Ended, hooks: &[Ended]) {
        let Some(root) = &self.root else { return };
        let started = self.started.get(&ended.node.unique_id).copied();
        let node = self.span_of(ended, started, root.span_context());
        for hook in hooks {
            self.span_of(hook, None, &node);
        }
    }

    /// Makes the span of a node and those of its steps, and returns the node's.
    fn span_of(
        &self,
        ended: &Ended,
        started: Option<Timestamp>,
        parent: &SpanContext,
    ) -> SpanContext {
        let steps = steps(&ended.result.timing);
        let times = times(ended, started, &steps);
        let Ended {
            node,
            result,
            failure,
            ..
        } = ended;
        let title = format!("{} {}", node.kind.resource_type(), node.name);
        let mut span = self.start(title, times.0, parent, attributes(ended));
        if let Some(system) = self
            .system
            .clone()
            .filter(|_| node.kind != NodeKind::Script)
        {
            span.set_attribute(system);
        }
        if result.status.is_failure() {
            let kind = failure
                .code
                .clone()
                .unwrap_or_else(|| result.status.as_str().to_owned());
            span.set_attribute(KeyValue::new("error.type", kind));
            let message = result.message.as_deref().unwrap_or_default();
            span.set_status(Status::error(shortened(message)));
        }
        let context = span.span_context().clone();
        span.end_with_timestamp(times.1);
        self.steps(&steps, &context);
        context
    }

    /// Makes the spans of steps: each below the shortest step around it, else below the node.
    fn steps(&self, steps: &[Step], node: &SpanContext) {
        let mut made: Vec<(&Step, SpanContext)> = Vec::new();
        for step in steps {
            let around = made.iter().rev().find(|(other, _)| other.holds(step));
            let parent = around.map_or(node, |(_, context)| context).clone();
            let mut span = self.start(step.name.clone(), step.from, &parent, Vec::new());
            made.push((step, span.span_context().clone()));
            span.end_with_timestamp(step.to);
        }
    }

    fn start(
        &self,
        name: String,
        from: SystemTime,
        parent: &SpanContext,
        attributes: Vec<KeyValue>,
    ) -> SdkSpan {
        let builder = SpanBuilder::from_name(name)
            .with_start_time(from)
            .with_attributes(attributes);
        let parent = Context::new().with_remote_span_context(parent.clone());
        self.tracer.build_with_context(builder, &parent)
    }
}

impl Reporter for Spans {
    fn event(&mut self, event: &RunEvent) {
        let at = event.at;
        match &event.kind {
            EventKind::RunStarted { info } => self.begin(Some(info)),
            EventKind::NodeStarted { node, .. } => {
                self.started.insert(node.unique_id.clone(), at);
            }
            EventKind::HookFinished {
                node,
                result,
                failure,
            } => {
                let model = node.model.clone().unwrap_or_default();
                let (node, result) = (node.clone(), (**result).clone());
                let failure = failure.clone();
                let ended = Ended {
                    node,
                    result,
                    failure,
                    at,
                };
                self.hooks.entry(model).or_default().push(ended);
            }
            EventKind::NodeFinished {
                node,
                result,
                failure,
                ..
            } => {
                let hooks = self.hooks.remove(&node.name).unwrap_or_default();
                let (node, result) = (node.clone(), (**result).clone());
                let failure = failure.clone();
                self.node_ended(
                    &Ended {
                        node,
                        result,
                        failure,
                        at,
                    },
                    &hooks,
                );
            }
            EventKind::Interrupted { .. } => {
                self.failed = Some("interrupted".to_owned());
                // What ended so far is sent now: the process may be ended before it closes all by itself.
                let provider = self.provider.clone();
                let flush = move || drop(provider.force_flush());
                let _ = thread::Builder::new().spawn(flush);
            }
            EventKind::RunFinished { summary, .. } => self.summarize(summary),
            _ => {}
        }
    }
}

/// A step of a node, with both its times.
struct Step {
    name: String,
    from: SystemTime,
    to: SystemTime,
}

impl Step {
    fn holds(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// Returns the steps whose times are known: the earliest first, and of two that start together the
/// longer.
fn steps(timing: &[Timing]) -> Vec<Step> {
    let time = |text: &Option<String>| {
        let time: Timestamp = text.as_deref()?.parse().ok()?;
        Some(SystemTime::from(time))
    };
    let step = |timing: &Timing| {
        let (from, to) = (time(&timing.started_at)?, time(&timing.completed_at)?);
        (from <= to).then(|| Step {
            name: timing.name.clone(),
            from,
            to,
        })
    };
    let mut steps: Vec<Step> = timing.iter().filter_map(step).collect();
    steps.sort_by(|one, other| one.from.cmp(&other.from).then(other.to.cmp(&one.to)));
    steps
}

/// Returns when a node began and ended: from its start to its end as the host saw them, wide enough for
/// its steps. Where one call of dbt runs many nodes, a node may be over before the host starts it: then its
/// steps alone count.
fn times(ended: &Ended, started: Option<Timestamp>, steps: &[Step]) -> (SystemTime, SystemTime) {
    let end = SystemTime::from(ended.at);
    let seconds = Duration::try_from_secs_f64(ended.result.execution_time).unwrap_or_default();
    let start = started.map_or_else(|| end.checked_sub(seconds).unwrap_or(end), SystemTime::from);
    let first = steps.iter().map(|step| step.from).min();
    let last = steps.iter().map(|step| step.to).max();
    match (first, last) {
        (Some(first), Some(last)) if last <= start => (first, last),
        (Some(first), Some(last)) => (start.min(first), end.max(last)),
        _ => (start, end),
    }
}

fn attributes(ended: &Ended) -> Vec<KeyValue> {
    let Ended {
        node,
        result,
        failure,
        ..
    } = ended;
    let mut all = vec![
        KeyValue::new("dbt.node.unique_id", node.unique_id.clone()),
        KeyValue::new("dbt.node.name", node.name.clone()),
        KeyValue::new("dbt.node.resource_type", node.kind.resource_type()),
        KeyValue::new("dbt.node.status", result.status.as_str()),
    ];
    let mut add = |name: &'static str, value: Option<opentelemetry::Value>| {
        all.extend(value.map(|value| KeyValue::new(name, value)));
    };
    let text = |text: &Option<String>| text.clone().map(opentelemetry::Value::from);
    add("dbt.node.materialized", text(&node.materialized));
    add("dbt.node.language", language(node.kind).map(Into::into));
    add("dbt.node.runner", text(&node.runner));
    add(
        "dbt.node.rows",
        result.rows_affected.map(|rows| whole(rows).into()),
    );
    add(
        "dbt.node.failures",
        result.failures.map(|rows| whole(rows).into()),
    );
    if node.relation_name.is_some() {
        add("db.namespace", text(&node.database));
        add("db.collection.name", Some(node.relation().into()));
    }
    add("code.file.path", text(&node.path));
    let line = failure.frames.last().filter(|frame| frame.cell.is_none());
    add(
        "code.line.number",
        line.map(|frame| i64::from(frame.line).into()),
    );
    if !result.thread_id.is_empty() {
        add("thread.name", Some(result.thread_id.clone().into()));
    }
    all
}

fn language(kind: NodeKind) -> Option<&'static str> {
    match kind {
        NodeKind::PythonModel | NodeKind::NotebookModel | NodeKind::Script => Some("python"),
        NodeKind::SqlModel => Some("sql"),
        _ => None,
    }
}

/// Returns OpenTelemetry's name of a database, which is dbt's but for a few.
fn system(adapter: &str) -> String {
    match adapter {
        "postgres" => "postgresql".to_owned(),
        "redshift" => "aws.redshift".to_owned(),
        "bigquery" => "gcp.bigquery".to_owned(),
        "sqlserver" => "microsoft.sql_server".to_owned(),
        other => other.to_owned(),
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn shortened(message: &str) -> String {
    message.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
