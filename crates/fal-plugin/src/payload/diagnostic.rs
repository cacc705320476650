//! Problems found in a file, with the place and the way out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in a text: lines and columns as editors show them.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct Position {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in Unicode scalar values, counted from 1.
    pub column: u32,
}

/// A piece of a text. `start..end` are byte offsets into the UTF-8 text that was given to the parser.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
    /// Where `start` is.
    pub from: Position,
    /// Where `end` is.
    pub to: Position,
}

/// How bad it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing runs until it is mended.
    Error,
    /// The user should know.
    Warning,
    /// For those who ask.
    Note,
}

/// A marked piece of the text with a remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// The marked piece.
    pub span: Span,
    /// A few words on it, shown beside the mark.
    pub text: String,
}

/// One problem in one file. The host adds the file's name and, for notebooks, the cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Stable code such as `python::syntax` or `write::twice`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The places, the most important first.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// What to do about it.
    #[serde(default)]
    pub help: Option<String>,
    /// For notebooks whose cells cannot be read: the number of the cell (from 1), if it is known.
    #[serde(default)]
    pub cell: Option<u32>,
}

impl Diagnostic {
    /// Returns a problem without a place or help.
    pub fn new(code: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            cell: None,
        }
    }
}
