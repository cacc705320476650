//! The events of a run, as values that can be written and read again.

use std::collections::BTreeMap;
use std::fmt;

use fal_plugin::payload::{ErrorFrame, LogLevel, NodeError, NodeResult, NodeStatus, Stream};
use jiff::{Timestamp, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::SourceProblem;
use crate::error::CommandError;
use crate::node::NodeInfo;

/// Version of the events' form. It rises when a reader of the old form would misread the new one; new events and new
/// fields don't raise it, and a reader passes over what it does not know.
pub const EVENT_VERSION: u32 = 1;

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

impl RunEvent {
    /// Creates an event. Truncates its time to microseconds, the precision of the written form.
    pub fn new(at: Timestamp, kind: EventKind) -> Self {
        Self {
            at: at.round(Unit::Microsecond).unwrap_or(at),
            kind,
        }
    }
}

/// The kind of an event, with its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The project is understood and nodes will run.
    RunStarted {
        /// Where and with what.
        info: RunInfo,
    },
    /// Stubs were compared with the project's files.
    StubsWritten {
        /// Paths of stubs that were written, below the project.
        written: Vec<String>,
        /// Paths of stubs that were removed: their models are gone.
        removed: Vec<String>,
        /// Stubs that were right already.
        unchanged: u64,
        /// Whether the block in `.dbtignore` was changed.
        #[serde(default)]
        ignore_changed: bool,
    },
    /// A problem in a file, which may or may not prevent the run.
    Problem {
        /// The problem.
        problem: Box<SourceProblem>,
    },
    /// A node began to run.
    NodeStarted {
        /// Its number in the order of starting, counted from 1. 0 means that it is not counted
        /// (hooks).
        index: u64,
        /// How many there are.
        total: u64,
        /// The node.
        node: NodeInfo,
    },
    /// A line that a model wrote.
    NodeOutput {
        /// The node.
        unique_id: String,
        /// Its name.
        name: String,
        /// Where it wrote.
        stream: Stream,
        /// The line, without its end.
        line: String,
    },
    /// A node ended.
    NodeFinished {
        /// Its number: that of its start.
        index: u64,
        /// How many there are.
        total: u64,
        /// The node.
        node: NodeInfo,
        /// How it ended.
        result: Box<NodeResult>,
        /// If it failed: where.
        #[serde(flatten)]
        failure: Failure,
    },
    /// A hook of a model ended. It is a part of its model, whose own end comes later and counts.
    HookFinished {
        /// The hook.
        node: NodeInfo,
        /// How it ended.
        result: Box<NodeResult>,
        /// If it failed: where.
        #[serde(flatten)]
        failure: Failure,
    },
    /// A node will not run.
    NodeSkipped {
        /// Its number.
        index: u64,
        /// How many there are.
        total: u64,
        /// The node.
        node: NodeInfo,
        /// Why.
        cause: SkipCause,
    },
    /// A message of the host, the backend or dbt.
    Log {
        /// Its weight.
        level: LogLevel,
        /// dbt's name of the event, if it is dbt's.
        #[serde(default)]
        name: Option<String>,
        /// The node it is about.
        #[serde(default)]
        unique_id: Option<String>,
        /// The text.
        message: String,
    },
    /// The command ended with this error.
    Error(CommandError),
    /// The user stopped the run.
    Interrupted {
        /// Names of the running nodes that are cancelled.
        running: Vec<String>,
    },
    /// Nothing more will run.
    RunFinished {
        /// The counts of outcomes.
        summary: Summary,
        /// Seconds that the run took.
        elapsed: f64,
    },
}

/// The error of a node as far as its backend gives it as data; empty for a node that ended well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Stable code of the error: `exception`, `syntax`, `timeout`, `crash`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Lines of the user's files that the error passed through, the one that raised it last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<ErrorFrame>,
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self {
            code: Some(error.kind).filter(|kind| !kind.is_empty()),
            frames: error.frames,
        }
    }
}

/// Where and with what a run works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RunInfo {
    /// The command: `run`, `build`, ...
    pub command: String,
    /// Version of fal-host.
    pub version: String,
    /// Version of dbt-core; empty if there is none.
    pub dbt_version: String,
    /// Adapter: `duckdb`, `postgres`, ...
    pub adapter: String,
    /// Version of the adapter.
    pub adapter_version: String,
    /// Name of the project.
    pub project_name: String,
    /// Name of the target.
    pub target_name: String,
    /// Nodes that run at the same time at most.
    pub threads: u32,
    /// dbt's invocation id.
    pub invocation_id: String,
    /// `--runner`, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// What the project holds, by kind in the singular: `model`, `python model`, `source`, ...
    pub found: BTreeMap<String, u64>,
    /// How many nodes will run.
    pub total: u64,
}

/// The reason why a node does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum SkipCause {
    /// A node that it depends on, near or far, failed or was skipped.
    Upstream {
        /// The node that failed.
        unique_id: String,
        /// Its name.
        name: String,
    },
    /// A node failed, and nothing new is started (`--fail-fast`).
    FailFast,
    /// The user stopped the run.
    Interrupted,
    /// Any other reason, in a few words.
    Other {
        /// The reason.
        reason: String,
    },
}

/// How many nodes ended how, counted as dbt counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Summary {
    /// Succeeded or passed.
    pub pass: u64,
    /// Tests that warned.
    pub warn: u64,
    /// Failed, in whole or in part.
    pub error: u64,
    /// Did not run.
    pub skip: u64,
    /// Did nothing by design.
    #[serde(rename = "noop")]
    pub no_op: u64,
    /// All.
    pub total: u64,
}

impl Summary {
    /// Counts another node.
    pub fn add(&mut self, status: NodeStatus) {
        let count = match status {
            NodeStatus::Success | NodeStatus::Pass => &mut self.pass,
            NodeStatus::Warn => &mut self.warn,
            NodeStatus::Error | NodeStatus::Fail | NodeStatus::PartialSuccess => &mut self.error,
            NodeStatus::Skipped => &mut self.skip,
            NodeStatus::NoOp => &mut self.no_op,
        };
        *count += 1;
        self.total += 1;
    }
}

/// Formats the counts as dbt's last line does.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pass,
            warn,
            error,
            skip,
            no_op,
            total,
        } = self;
        write!(
            f,
            "Done. PASS={pass} WARN={warn} ERROR={error} SKIP={skip} NO-OP={no_op} TOTAL={total}"
        )
    }
}

impl FromIterator<NodeStatus> for Summary {
    fn from_iter<I: IntoIterator<Item = NodeStatus>>(statuses: I) -> Self {
        let mut summary = Self::default();
        statuses.into_iter().for_each(|status| summary.add(status));
        summary
    }
}
