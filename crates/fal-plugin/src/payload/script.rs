//! Scripts and hooks that belong to models, and the environments in which Python runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::node::PythonWork;

/// When a script runs, and for which model.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ScriptRole {
    /// A node of the graph ahead of its model.
    Before,
    /// A node of the graph behind its model.
    After,
    /// A part of its model, ahead of it. May not write.
    PreHook,
    /// A part of its model, behind it, also if it failed. May not write.
    PostHook,
    /// Attached to no model.
    Global,
}

impl ScriptRole {
    /// Whether it runs as a part of its model.
    pub fn is_hook(self) -> bool {
        matches!(self, Self::PreHook | Self::PostHook)
    }
}

/// A script to run. It is no model; a [`ScriptRole::Before`] or [`ScriptRole::After`] script may write its
/// model's table and tables of sources, each write being final at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptWork {
    /// Its code.
    pub python: PythonWork,
    /// When it runs.
    pub role: ScriptRole,
    /// Unique id of its model: `context.current_model`. `None` for a global script.
    #[serde(default)]
    pub model: Option<String>,
    /// `context.arguments`: what the schema file gives under `with`.
    #[serde(default)]
    pub arguments: Map<String, Value>,
}

impl ScriptWork {
    /// Returns a script of no model, without arguments.
    pub fn new(python: PythonWork, role: ScriptRole) -> Self {
        Self {
            python,
            role,
            model: None,
            arguments: Map::new(),
        }
    }
}

/// Kind of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentKind {
    /// A virtual environment with `requirements` from PyPI.
    Venv,
    /// A conda environment with `packages` from conda channels.
    Conda,
}

/// A Python environment as `fal_project.yml` defines it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentSpec {
    /// Its name. `local` is reserved: it is the Python that runs dbt.
    pub name: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: EnvironmentKind,
    /// Requirements (venv) or packages (conda), as written.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Version of Python, as `3.11`.
    #[serde(default)]
    pub python: Option<String>,
}

impl EnvironmentSpec {
    /// Returns an environment without packages, on any Python.
    pub fn new(name: impl Into<String>, kind: EnvironmentKind) -> Self {
        Self {
            name: name.into(),
            kind,
            requirements: Vec::new(),
            python: None,
        }
    }
}
