//! What a notebook parser makes of a notebook.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::Diagnostic;

/// Where a line of the Python text came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineOrigin {
    /// Number of the cell among all cells of the notebook, counted from 1.
    pub cell: u32,
    /// Line within the cell, counted from 1.
    pub line: u32,
}

/// A notebook as Python text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotebookAnalysis {
    /// The code cells as one module. Magics and shell lines are calls of `get_ipython()`, as IPython would write them.
    pub python: String,
    /// One entry a line of `python`.
    pub lines: Vec<LineOrigin>,
    /// Language of the kernel, if the notebook names one.
    #[serde(default)]
    pub language: Option<String>,
    /// Problems. An error means that the notebook cannot be a model (a kernel of another language, say).
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
}

impl NotebookAnalysis {
    /// Returns a notebook's code without problems or a language.
    pub fn new(python: impl Into<String>, lines: Vec<LineOrigin>) -> Self {
        Self {
            python: python.into(),
            lines,
            language: None,
            diagnostics: Vec::new(),
        }
    }
}
