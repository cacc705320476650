//! A run for the tests of the reporters: SQL, a Python model, a notebook and a test.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use fal_plugin::payload::{
    Diagnostic, ErrorFrame, Label, LogLevel, NodeResult, NodeStatus, Position, ScriptRole,
    Severity, Span, Stream, Timing,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use NodeStatus::{Error, Pass, Skipped, Success, Warn};

use crate::*;

/// A writer whose text the test reads.
#[derive(Clone, Default)]
pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    pub(crate) fn boxed(&self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// 12:03:14 UTC and some milliseconds.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    "2026-11-22T12:03:14Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(milliseconds)
}

pub(crate) fn node(kind: NodeKind, name: &str, materialized: &str, path: &str) -> NodeInfo {
    let resource = kind.resource_type();
    let has_relation = kind.is_model() || matches!(kind, NodeKind::Seed | NodeKind::Snapshot);
    NodeInfo {
        unique_id: format!("{resource}.shop.{name}"),
        name: name.to_owned(),
        kind,
        materialized: Some(materialized.to_owned()).filter(|text| !text.is_empty()),
        database: has_relation.then(|| "shop".to_owned()),
        schema: has_relation.then(|| "main".to_owned()),
        alias: has_relation.then(|| name.to_owned()),
        relation_name: has_relation.then(|| format!("\"shop\".\"main\".\"{name}\"")),
        path: Some(path.to_owned()),
        ..NodeInfo::default()
    }
}

/// A script or hook of `customer_clusters`.
pub(crate) fn script(role: ScriptRole, path: &str) -> NodeInfo {
    let model = clusters().name;
    let (kind, side) = match role {
        ScriptRole::PreHook => ("hook", "PRE"),
        ScriptRole::PostHook => ("hook", "POST"),
        ScriptRole::Before => ("script", "BEFORE"),
        ScriptRole::After | ScriptRole::Global => ("script", "AFTER"),
    };
    let file = path.rsplit('/').next().unwrap_or(path);
    NodeInfo::script(
        &format!("{kind}.{model}.{side}.{file}"),
        path,
        role,
        Some(&model),
    )
}

pub(crate) fn seed() -> NodeInfo {
    node(NodeKind::Seed, "raw_orders", "seed", "seeds/raw_orders.csv")
}

pub(crate) fn staging() -> NodeInfo {
    node(
        NodeKind::SqlModel,
        "stg_orders",
        "view",
        "models/staging/stg_orders.sql",
    )
}

pub(crate) fn clusters() -> NodeInfo {
    node(
        NodeKind::PythonModel,
        "customer_clusters",
        "table",
        "models/customer_clusters.py",
    )
}

pub(crate) fn forecast() -> NodeInfo {
    node(
        NodeKind::NotebookModel,
        "forecast",
        "table",
        "models/forecast.ipynb",
    )
}

pub(crate) fn report() -> NodeInfo {
    node(NodeKind::SqlModel, "report", "table", "models/report.sql")
}

pub(crate) fn unique() -> NodeInfo {
    node(
        NodeKind::Test,
        "unique_stg_orders_id",
        "",
        "models/schema.yml",
    )
}

pub(crate) fn result(node: &NodeInfo, status: NodeStatus, seconds: f64) -> NodeResult {
    NodeResult {
        message: Some("OK".to_owned()).filter(|_| status == Success),
        execution_time: seconds,
        timing: vec![Timing {
            name: "execute".to_owned(),
            started_at: Some("2026-11-22T12:03:14.250000Z".to_owned()),
            completed_at: Some("2026-11-22T12:03:14.500000Z".to_owned()),
        }],
        thread_id: "Thread-1 (worker)".to_owned(),
        relation_name: node.relation_name.clone(),
        ..NodeResult::new(node.unique_id.as_str(), status)
    }
}

pub(crate) const TRACEBACK: &str = "Traceback (most recent call last):
  File \"models/customer_clusters.py\", line 12, in <module>
    labels = fit(frame)
  File \"models/customer_clusters.py\", line 7, in fit
    raise ValueError(\"no customers\")
ValueError: no customers
";

/// The model and the notebook, which failed in a line and in a line of a cell.
pub(crate) fn failed_with_frames() -> Vec<RunEvent> {
    let ended = |index, node: NodeInfo, frames: Vec<ErrorFrame>| {
        let message = Some("Traceback ...\nValueError: 100% wrong".to_owned());
        let result = NodeResult {
            message,
            ..result(&node, Error, 0.5)
        };
        EventKind::NodeFinished {
            index,
            total: 2,
            node,
            result: Box::new(result),
            failure: Failure {
                code: Some("exception".to_owned()),
                frames,
            },
        }
    };
    let frame = |file: &str, cell, line, text: &str| ErrorFrame {
        cell,
        text: text.to_owned(),
        ..ErrorFrame::new(file, line)
    };
    let python = [
        frame(
            "models/customer_clusters.py",
            None,
            12,
            "labels = fit(frame)",
        ),
        frame("scripts/fit, all.py", None, 7, "raise ValueError()"),
    ];
    let notebook = frame("models/forecast.ipynb", Some(3), 2, "raise ValueError()");
    timed([
        ended(1, clusters(), python.into()),
        ended(2, forecast(), vec![notebook]),
        finished(3, 3, report(), result(&report(), Error, 0.1)),
    ])
}

pub(crate) fn started(index: u64, total: u64, node: NodeInfo) -> EventKind {
    EventKind::NodeStarted { index, total, node }
}

pub(crate) fn finished(index: u64, total: u64, node: NodeInfo, result: NodeResult) -> EventKind {
    EventKind::NodeFinished {
        index,
        total,
        node,
        result: Box::new(result),
        failure: Failure::default(),
    }
}

/// The end of a node that took a tenth of a second.
fn succeeded(index: u64, total: u64, node: &NodeInfo) -> EventKind {
    let result = result(node, Success, 0.1);
    finished(index, total, node.clone(), result)
}

fn skipped(index: u64, total: u64, node: NodeInfo, cause: SkipCause) -> EventKind {
    EventKind::NodeSkipped {
        index,
        total,
        node,
        cause,
    }
}

/// The cause of skipping what depends on this node.
fn because_of(node: &NodeInfo) -> SkipCause {
    SkipCause::Upstream {
        unique_id: node.unique_id.clone(),
        name: node.name.clone(),
    }
}

fn hook_finished(node: NodeInfo, result: NodeResult) -> EventKind {
    EventKind::HookFinished {
        node,
        result: Box::new(result),
        failure: Failure::default(),
    }
}

pub(crate) fn output(node: &NodeInfo, line: &str) -> EventKind {
    let (unique_id, name) = (node.unique_id.clone(), node.name.clone());
    EventKind::NodeOutput {
        unique_id,
        name,
        stream: Stream::Stdout,
        line: line.to_owned(),
    }
}

pub(crate) fn log(level: LogLevel, message: &str) -> EventKind {
    EventKind::Log {
        level,
        name: None,
        unique_id: None,
        message: message.to_owned(),
    }
}

fn run_started(total: u64) -> EventKind {
    let found = [
        ("model", 2),
        ("notebook model", 1),
        ("python model", 1),
        ("seed", 1),
    ];
    EventKind::RunStarted {
        info: RunInfo {
            command: "run".into(),
            version: "0.1.0".into(),
            dbt_version: "1.11.2".into(),
            adapter: "duckdb".into(),
            adapter_version: "1.10.0".into(),
            project_name: "shop".into(),
            target_name: "dev".into(),
            threads: 2,
            invocation_id: "6d3dda8b-aa88-4a4c-bba6-915f98eb26d5".into(),
            runner: None,
            found: BTreeMap::from(found.map(|(kind, number)| (kind.to_owned(), number))),
            total,
        },
    }
}

pub(crate) fn run_finished(statuses: &[NodeStatus], elapsed: f64) -> EventKind {
    EventKind::RunFinished {
        summary: statuses.iter().copied().collect(),
        elapsed,
    }
}

/// Puts the events a quarter of a second apart.
fn timed(kinds: impl IntoIterator<Item = EventKind>) -> Vec<RunEvent> {
    (0..)
        .step_by(250)
        .zip(kinds)
        .map(|(milliseconds, kind)| RunEvent::new(at(milliseconds), kind))
        .collect()
}

/// Everything works; two models print at the same time.
pub(crate) fn success() -> Vec<RunEvent> {
    let (seed, staging, clusters, forecast, unique) =
        (seed(), staging(), clusters(), forecast(), unique());
    let mut rows = result(&clusters, Success, 0.4149);
    rows.rows_affected = Some(2000);
    let mut row = result(&forecast, Success, 1.2);
    (row.rows_affected, row.message) = (Some(1), None);
    let mut inserted = result(&seed, Success, 0.129);
    inserted.message = Some("INSERT 2".into());
    inserted
        .adapter_response
        .insert("rows_affected".into(), json!(2));
    let mut passed = result(&unique, Pass, 0.03);
    passed.failures = Some(0);
    timed([
        EventKind::StubsWritten {
            written: vec!["models/fal/customer_clusters.sql".into()],
            removed: vec!["models/fal/old.sql".into()],
            unchanged: 1,
            ignore_changed: true,
        },
        run_started(5),
        started(1, 5, seed.clone()),
        finished(1, 5, seed, inserted),
        started(2, 5, staging.clone()),
        succeeded(2, 5, &staging),
        started(3, 5, clusters.clone()),
        started(4, 5, forecast.clone()),
        output(&clusters, "fitting 3 clusters"),
        output(&forecast, "\u{1b}[32mepoch 1\u{1b}[0m\u{1b}[2J"),
        output(&clusters, " 10%|#   |\r100%|####|\r"),
        output(&forecast, ""),
        finished(3, 5, clusters, rows),
        started(5, 5, unique.clone()),
        finished(5, 5, unique, passed),
        finished(4, 5, forecast, row),
        run_finished(&[Success, Success, Success, Success, Pass], 3.21),
    ])
}

/// A Python model fails, what depends on it is skipped, a test warns.
pub(crate) fn failure() -> Vec<RunEvent> {
    let (staging, clusters, report, unique) = (staging(), clusters(), report(), unique());
    let mut error = result(&clusters, Error, 0.5);
    error.message = Some(TRACEBACK.into());
    let mut binder = result(&staging, Error, 0.2);
    binder.message = Some("Runtime Error in model stg_orders (models/staging/stg_orders.sql)\n  Binder Error: no column \"nope\"\n  Candidate bindings: \"id\"".into());
    let mut warn = result(&unique, Warn, 0.02);
    (warn.failures, warn.message) = (
        Some(2),
        Some("Got 2 results, configured to warn if != 0".into()),
    );
    let mut compiled = staging.clone();
    compiled.compiled_path = Some("target/compiled/shop/models/staging/stg_orders.sql".into());
    let cause = because_of(&clusters);
    timed([
        run_started(4),
        started(1, 4, staging),
        started(2, 4, clusters.clone()),
        finished(1, 4, compiled, binder),
        output(&clusters, "about to fail"),
        finished(2, 4, clusters, error),
        skipped(3, 4, report, cause),
        started(4, 4, unique.clone()),
        finished(4, 4, unique, warn),
        run_finished(&[Error, Error, Skipped, Warn], 3723.456),
    ])
}

/// A before-script does well, a pre-hook fails, so its model does not run and its after-script is skipped.
pub(crate) fn scripts() -> Vec<RunEvent> {
    let clusters = clusters();
    let (before, after) = (
        script(ScriptRole::Before, "scripts/load.py"),
        script(ScriptRole::After, "tell.ipynb"),
    );
    let (pre, post) = (
        script(ScriptRole::PreHook, "scripts/check.py"),
        script(ScriptRole::PostHook, "log.py"),
    );
    let mut wrong = result(&pre, Error, 0.2);
    wrong.message =
        Some("Traceback (most recent call last):\n  ...\nValueError: too few rows".into());
    let mut error = result(&clusters, Error, 0.3);
    error.message = Some(
        "The pre-hook scripts/check.py failed, so the model did not run\n".to_owned()
            + wrong.message.as_deref().unwrap(),
    );
    let cause = because_of(&clusters);
    timed([
        run_started(3),
        started(1, 3, before.clone()),
        output(&before, "loading"),
        succeeded(1, 3, &before),
        started(2, 3, clusters.clone()),
        hook_finished(pre, wrong),
        hook_finished(post.clone(), result(&post, Success, 0.1)),
        finished(2, 3, clusters, error),
        skipped(3, 3, after, cause),
        run_finished(&[Success, Error, Skipped], 1.5),
    ])
}

/// The user stops the run while a model runs.
pub(crate) fn interrupted() -> Vec<RunEvent> {
    let (staging, clusters, report) = (staging(), clusters(), report());
    let mut error = result(&clusters, Error, 0.75);
    error.message = Some("Interrupted".into());
    timed([
        run_started(3),
        started(1, 3, staging.clone()),
        succeeded(1, 3, &staging),
        started(2, 3, clusters.clone()),
        EventKind::Interrupted {
            running: vec![clusters.name.clone()],
        },
        finished(2, 3, clusters, error),
        skipped(3, 3, report, SkipCause::Interrupted),
        run_finished(&[Success, Error, Skipped], 1.5),
    ])
}

/// Messages of every weight, and a problem in a file.
pub(crate) fn messages() -> Vec<RunEvent> {
    timed([
        log(LogLevel::Debug, "acquired a connection"),
        log(LogLevel::Info, "1 of 1 START hook"),
        log(
            LogLevel::Warn,
            "model reads 'x', which it does not declare\nadd - ref('x') to its docstring",
        ),
        log(
            LogLevel::Warn,
            "\u{1b}[33m[WARNING]\u{1b}[0m: dbt said so itself",
        ),
        log(LogLevel::Error, "the session is gone"),
        EventKind::Error(CommandError {
            code: Some("dbt::parse".to_owned()),
            message: "dbt cannot read the project".to_owned(),
            causes: vec!["orders.sql is not UTF-8".to_owned()],
            help: Some("save it as UTF-8".to_owned()),
        }),
        EventKind::Problem {
            problem: Box::new(warning()),
        },
    ])
}

/// A label on the first occurrence of `needle` in `source`.
pub(crate) fn label(source: &str, needle: &str, text: &str) -> Label {
    let start = source.find(needle).expect("the needle is in the source");
    label_at(source, start, start + needle.len(), text)
}

pub(crate) fn label_at(source: &str, start: usize, end: usize, text: &str) -> Label {
    let position = |offset: usize| {
        let before = &source[..offset];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count() as u32
            + 1;
        Position { line, column }
    };
    let span = Span {
        start: start as u32,
        end: end as u32,
        from: position(start),
        to: position(end),
    };
    Label {
        span,
        text: text.to_owned(),
    }
}

/// `ref` of something that is known only at run time.
pub(crate) fn warning() -> SourceProblem {
    let source = "import pandas as pd\n\nname = pick()\ndf = ref(name)\nwrite_to_model(df)\n";
    SourceProblem::in_file(
        "models/dynamic.py",
        source,
        Diagnostic {
            code: "dependency::unresolved".into(),
            severity: Severity::Warning,
            message: "cannot tell what `ref(name)` reads".into(),
            labels: vec![label(source, "ref(name)", "known only when it runs")],
            help: Some("name it in the module's docstring: `- ref('...')`".into()),
            cell: None,
        },
    )
}

/// Two writes on one path of a notebook's cell.
pub(crate) fn error_in_cell() -> SourceProblem {
    let source = "write_to_model(größe)\nif ok:\n\twrite_to_model(日本語, 1)\n";
    let second = source.rfind("write_to_model").expect("it is there");
    SourceProblem::in_cell(
        "models/nötes, 2.ipynb",
        3,
        source,
        Diagnostic {
            code: "write::twice".into(),
            severity: Severity::Error,
            message: "the model is written twice".into(),
            labels: vec![
                label_at(source, second, source.len() - 1, "and again"),
                label(source, "write_to_model(größe)", "written here"),
            ],
            help: Some("write once, at the end: 100% of the rows".into()),
            cell: None,
        },
    )
}
