//! The `run_results.json` of an earlier command of fal-host or dbt.

use std::{io::ErrorKind, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

/// What later commands read of the file.
#[derive(Debug, Deserialize)]
pub(crate) struct LastResults {
    #[serde(default)]
    metadata: Map<String, Value>,
    /// The nodes.
    #[serde(default)]
    pub(crate) results: Vec<NodeEntry>,
    /// The command's flags.
    #[serde(default)]
    pub(crate) args: Map<String, Value>,
}

/// A node and its status.
#[derive(Debug, Deserialize)]
pub(crate) struct NodeEntry {
    pub(crate) unique_id: String,
    pub(crate) status: String,
}

impl LastResults {
    /// Reads the file; `None` if it does not exist.
    ///
    /// # Errors
    /// In words, if it cannot be read or understood.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        match fal_files::read(path, fal_files::DATA) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| error.to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns a flag of the command that is text.
    pub(crate) fn arg(&self, name: &str) -> Option<&str> {
        self.args.get(name)?.as_str()
    }

    /// Returns dbt's id of the invocation.
    pub(crate) fn invocation_id(&self) -> Option<&str> {
        self.metadata.get("invocation_id")?.as_str()
    }
}
