//! What a backend is asked about one node, and how the node ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    notebook::LineOrigin,
    runner::{Lease, Resources},
    script::ScriptWork,
};

/// Python code to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PythonWork {
    /// Path of the file below the project, with `/`.
    pub path: String,
    /// The code; for a notebook what the notebook parser made of it.
    pub code: String,
    /// For a notebook: where each line of `code` came from.
    #[serde(default)]
    pub lines: Option<Vec<LineOrigin>>,
    /// Name of the environment that it runs in; `None` or `local`: the Python that runs dbt.
    #[serde(default)]
    pub environment: Option<String>,
}

impl PythonWork {
    /// Returns the code of a `.py` file, to be run by the Python that runs dbt.
    pub fn new(path: impl Into<String>, code: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            code: code.into(),
            lines: None,
            environment: None,
        }
    }
}

/// A unit test of a Python model: its code runs on the rows that dbt's `unit_tests:` gives, and what it writes is compared
/// with the rows that are expected. Nothing is read from or written to the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitTestWork {
    /// The model's code.
    pub python: PythonWork,
    /// Whether it is a model as dbt defines it (`def model`).
    #[serde(default)]
    pub dbt_native: bool,
}

/// What a node needs to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeWork {
    /// dbt runs it: SQL, a seed, a test, a dbt-native Python model.
    Dbt,
    /// A script or notebook that writes its model.
    Python(PythonWork),
    /// A script or hook attached to a model, or a global script.
    Script(ScriptWork),
    /// A unit test of a Python model.
    UnitTest(UnitTestWork),
}

/// Run one node. Called from many threads at once; returns when the node has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRequest {
    /// The node in the graph (for a Python model: its stub's), or `script.MODEL.BEFORE.load.py`, `hook.MODEL.POST.tell.py`,
    /// `script.GLOBAL.AFTER.done.py` for what only the host knows.
    pub unique_id: String,
    /// What to do.
    pub work: NodeWork,
    /// For a backend that does not own the data: the way to it. A backend without `sql` gets one with every node.
    #[serde(default)]
    pub lease: Option<Box<Lease>>,
    /// What the node asks of the machine.
    #[serde(default)]
    pub resources: Resources,
}

impl NodeRequest {
    /// Returns a request for a node that runs where the data is and asks for no resources.
    pub fn new(unique_id: impl Into<String>, work: NodeWork) -> Self {
        Self {
            unique_id: unique_id.into(),
            work,
            lease: None,
            resources: Resources::default(),
        }
    }
}

/// How a node ended, in dbt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// It ran.
    Success,
    /// It failed.
    Error,
    /// It did not run because of another node, or because the run was stopped.
    Skipped,
    /// A test that passed.
    Pass,
    /// A test that found rows.
    Fail,
    /// A test that found rows and only warns.
    Warn,
    /// It did nothing by design.
    #[serde(rename = "no-op")]
    NoOp,
    /// Some batches of a microbatch model failed.
    #[serde(rename = "partial success")]
    PartialSuccess,
}

impl NodeStatus {
    /// Returns dbt's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::NoOp => "no-op",
            Self::PartialSuccess => "partial success",
        }
    }

    /// Whether what depends on the node must not run, and the command ends with exit code 1.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Error | Self::Fail | Self::PartialSuccess)
    }
}

/// A timed step of a node (`compile`, `execute`), in RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Name of the step.
    pub name: String,
    /// Start.
    #[serde(default)]
    pub started_at: Option<String>,
    /// End.
    #[serde(default)]
    pub completed_at: Option<String>,
}

/// How a node ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeResult {
    /// The node.
    pub unique_id: String,
    /// How it ended.
    pub status: NodeStatus,
    /// For the user; on an error the whole message, several lines.
    #[serde(default)]
    pub message: Option<String>,
    /// Seconds that it took.
    #[serde(default)]
    pub execution_time: f64,
    /// Rows written, where that is known.
    #[serde(default)]
    pub rows_affected: Option<u64>,
    /// Rows that a test found.
    #[serde(default)]
    pub failures: Option<u64>,
    /// Steps.
    #[serde(default)]
    pub timing: Vec<Timing>,
    /// Thread that ran it.
    #[serde(default)]
    pub thread_id: String,
    /// The adapter's answer (`_message`, `code`, `rows_affected`).
    #[serde(default)]
    pub adapter_response: Map<String, Value>,
    /// Whether its SQL was compiled.
    #[serde(default)]
    pub compiled: Option<bool>,
    /// Compiled SQL.
    #[serde(default)]
    pub compiled_code: Option<String>,
    /// Relation it made.
    #[serde(default)]
    pub relation_name: Option<String>,
}

impl NodeResult {
    /// Returns a result that says only how the node ended.
    pub fn new(unique_id: impl Into<String>, status: NodeStatus) -> Self {
        Self {
            unique_id: unique_id.into(),
            status,
            message: None,
            execution_time: 0.0,
            rows_affected: None,
            failures: None,
            timing: Vec::new(),
            thread_id: String::new(),
            adapter_response: Map::new(),
            compiled: None,
            compiled_code: None,
            relation_name: None,
        }
    }

    /// Adds the message for the user.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// Asks for the error of a node that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeErrorRequest {
    /// The node.
    pub unique_id: String,
}

impl NodeErrorRequest {
    /// Returns a request for this node's error.
    pub fn new(unique_id: impl Into<String>) -> Self {
        Self {
            unique_id: unique_id.into(),
        }
    }
}

/// The error of a node's Python as data. The text for the user is [`NodeResult::message`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeError {
    /// Stable code: `exception`, `syntax`, `timeout`, `crash`, ...
    pub kind: String,
    /// The error without its traceback.
    #[serde(default)]
    pub message: String,
    /// Lines of the user's files that the error passed through, the one that raised it last.
    #[serde(default)]
    pub frames: Vec<ErrorFrame>,
}

impl NodeError {
    /// Returns an error without frames.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            frames: Vec::new(),
        }
    }
}

/// A line of the user's code in an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    /// The file below the project, with `/`; absolute outside of it.
    pub file: String,
    /// In a notebook: number of the cell, counted from 1. `line` is then a line of the cell.
    #[serde(default)]
    pub cell: Option<u32>,
    /// Line, counted from 1.
    pub line: u32,
    /// The line's text without indentation; empty if it is not known.
    #[serde(default)]
    pub text: String,
}

impl ErrorFrame {
    /// Returns a line of a file that is no notebook, without its text.
    pub fn new(file: impl Into<String>, line: u32) -> Self {
        Self {
            file: file.into(),
            line,
            ..Self::default()
        }
    }
}
