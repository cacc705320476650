//! What a plugin says of itself.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of this interface: that of the crate `fal-plugin`.
pub const INTERFACE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A stage that a plugin can fill.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// [`PythonParser`](crate::PythonParser).
    PythonParser,
    /// [`NotebookParser`](crate::NotebookParser).
    NotebookParser,
    /// [`StubWriter`](crate::StubWriter).
    StubWriter,
    /// [`ExecutionBackend`](crate::ExecutionBackend).
    ExecutionBackend,
}

impl Stage {
    /// All stages, in the order in which they work.
    pub const ALL: [Self; 4] = [
        Self::PythonParser,
        Self::NotebookParser,
        Self::StubWriter,
        Self::ExecutionBackend,
    ];

    /// Its name in configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PythonParser => "python-parser",
            Self::NotebookParser => "notebook-parser",
            Self::StubWriter => "stub-writer",
            Self::ExecutionBackend => "execution-backend",
        }
    }

    /// The stage of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What can be read from a library before its types are trusted: the symbol `fal_plugin_probe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Name of the plugin's package.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// Version of the interface that it was built with.
    pub interface: String,
}

/// What a plugin says of itself once its types are known to fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Name of the plugin's package.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// Version of the interface that it was built with.
    pub interface: String,
    /// Version of the JSON payloads that it speaks.
    pub payload: u32,
    /// The stages that it fills.
    pub stages: Vec<Stage>,
    /// One sentence on what it does.
    #[serde(default)]
    pub description: String,
    /// JSON schema of its configuration; without one the plugin takes none.
    #[serde(default)]
    pub config_schema: Option<Value>,
}
