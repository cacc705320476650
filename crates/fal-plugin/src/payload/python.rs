//! What a Python parser finds in a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, Span};

/// What a `.py` file or a notebook in a model path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A model script: it calls `write_to_model`, `ref`, `source` or another of fal-host's names.
    Script,
    /// A model as dbt defines it: `def model(dbt, session)` (the second argument may be called `fal`).
    DbtNative,
    /// Neither: a module that models import, say.
    Helper,
}

/// `ref` or `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    /// Another model, a seed or a snapshot.
    Ref,
    /// A table that dbt does not make.
    Source,
}

/// How a dependency was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyOrigin {
    /// Written in the module docstring.
    Docstring,
    /// A call whose positional arguments are all literals.
    Code,
    /// A call whose argument is a name bound once to a literal at module level.
    Binding,
    /// A call in a loop or comprehension over a literal list or tuple.
    Loop,
    /// Jinja in literal SQL given to `execute_sql`.
    Sql,
}

/// One relation that the file reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// `ref` or `source`.
    pub kind: DependencyKind,
    /// As the stub has it, without braces: `ref('a')`, `source('raw', 'orders')`, `ref('a', version=2)`.
    pub text: String,
    /// The positional string arguments: one or two for `ref`, two for `source`.
    pub args: Vec<String>,
    /// `version=` or `v=` of a `ref`, printed as text.
    #[serde(default)]
    pub version: Option<String>,
    /// How it was found.
    pub origin: DependencyOrigin,
    /// Its place in the text.
    pub span: Span,
}

/// A `ref` or `source` call whose arguments could not be known without running the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnresolvedCall {
    /// `ref` or `source`.
    pub kind: DependencyKind,
    /// The call as written.
    pub text: String,
    /// Its place in the text.
    pub span: Span,
}

/// A call of `write_to_model`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WriteCall {
    /// The whole call.
    pub span: Span,
    /// Whether it is in a loop.
    pub in_loop: bool,
}

/// How often a run of the file can call `write_to_model`, over all paths through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WriteCount {
    /// The fewest calls on a path that ends normally.
    pub min: u32,
    /// The most calls on any path; `None`: no bound (a loop).
    pub max: Option<u32>,
}

/// An imported module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Import {
    /// Dotted name, with leading dots for a relative import.
    pub module: String,
    /// The statement.
    pub span: Span,
}

/// All that the host wants to know of a Python file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PythonAnalysis {
    /// What the file is.
    pub kind: FileKind,
    /// Text of the module docstring.
    #[serde(default)]
    pub docstring: Option<String>,
    /// In the order in which the stub lists them.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// `ref` and `source` calls that no analysis resolved.
    #[serde(default)]
    pub unresolved: Vec<UnresolvedCall>,
    /// Every call of `write_to_model`.
    #[serde(default)]
    pub writes: Vec<WriteCall>,
    /// How often they run.
    #[serde(default)]
    pub write_count: WriteCount,
    /// Imported modules, in order, each once.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// Problems: a wrong number of writes, an unresolved call. A file that does not parse is an error of the
    /// parser instead.
    #[serde(default)]
    pub diagnostics: Vec<Diagnostic>,
}

impl PythonAnalysis {
    /// Returns the analysis of a file that reads and writes nothing.
    pub fn new(kind: FileKind) -> Self {
        Self {
            kind,
            docstring: None,
            dependencies: Vec::new(),
            unresolved: Vec::new(),
            writes: Vec::new(),
            write_count: WriteCount::default(),
            imports: Vec::new(),
            diagnostics: Vec::new(),
        }
    }
}
